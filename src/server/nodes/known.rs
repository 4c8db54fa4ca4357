//! The last word of each node, in memory.
//!
//! All nodes have one account, so nothing tells a node from somebody who has its password, but for the
//! address. So an address may speak for so many nodes, and when there are too many, it is the address
//! that speaks for most of them whose nodes are forgotten: first those that have been silent for long,
//! then those that were heard of last. A flood of names replaces itself.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::word::Word;
use crate::server::limits::{MAX_NODES, MAX_NODES_OF_ADDRESS, NODE_FORGOTTEN, NODE_GONE};
use crate::server::network::network;

/// A word, and when it was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Said {
    #[serde(flatten)]
    pub(super) word: Word,
    /// In seconds since 1970.
    pub(super) seen: u64,
    /// When the node was first heard of; 0 if that was before this was written down.
    #[serde(default)]
    pub(super) since: u64,
    /// The network it was said from, unless that was before this was written down.
    #[serde(default)]
    pub(super) from: Option<IpAddr>,
}

/// All that is known of nodes.
#[derive(Default)]
pub(in crate::server) struct Nodes {
    known: Mutex<Known>,
    changed: Notify,
    is_unsaved: AtomicBool,
}

#[derive(Default)]
struct Known {
    said: HashMap<String, Said>,
    /// How many nodes each network speaks for.
    of: HashMap<Option<IpAddr>, usize>,
}

impl Nodes {
    /// Remembers a word, in the place of the one before.
    pub(in crate::server) fn hear(&self, word: Word, client: IpAddr) {
        let now = now();
        let said = Said { word, seen: now, since: now, from: Some(network(client)) };
        self.lock().remember(said, MAX_NODES, MAX_NODES_OF_ADDRESS);
        self.is_unsaved.store(true, Ordering::Relaxed);
        self.changed.notify_one();
    }

    /// Words that were remembered before a restart.
    pub(super) fn recall(&self, all: Vec<Said>) {
        let mut known = self.lock();
        all.into_iter().for_each(|said| known.remember(said, MAX_NODES, MAX_NODES));
    }

    /// Those that are not forgotten yet, sorted by name.
    pub(super) fn all(&self) -> Vec<Said> {
        let mut known = self.lock();
        known.forget_silent();
        let mut all: Vec<Said> = known.said.values().cloned().collect();
        drop(known);
        all.sort_unstable_by(|a, b| a.word.node.cmp(&b.word.node));
        all
    }

    /// Returns when somebody has said something since this last returned.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// All that is to be saved, if anything has been said since this was last called.
    pub(super) fn unsaved(&self) -> Option<Vec<Said>> {
        self.is_unsaved.swap(false, Ordering::Relaxed).then(|| self.all())
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // Each word stands for itself.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn remember(&mut self, mut said: Said, most: usize, most_of_address: usize) {
        if let Some(before) = self.forget(&said.word.node) {
            said.since = before.since;
            if said.word.reload.is_none() {
                said.word.reload = before.word.reload;
                said.word.error = before.word.error;
            }
        } else if self.of.get(&said.from).is_some_and(|nodes| *nodes >= most_of_address) {
            self.make_room(said.from);
        } else if self.said.len() >= most
            && let Some((largest, _)) = self.of.iter().max_by_key(|(_, nodes)| **nodes)
        {
            self.make_room(*largest);
        }
        *self.of.entry(said.from).or_default() += 1;
        self.said.insert(said.word.node.clone(), said);
    }

    fn forget(&mut self, node: &str) -> Option<Said> {
        let said = self.said.remove(node)?;
        if let Some(nodes) = self.of.get_mut(&said.from) {
            *nodes -= 1;
            if *nodes == 0 {
                self.of.remove(&said.from);
            }
        }
        Some(said)
    }

    /// Forgets a sixteenth of the nodes that this network speaks for, so that this is not to be done
    /// again with the next word.
    fn make_room(&mut self, from: Option<IpAddr>) {
        let gone = now().saturating_sub(NODE_GONE.as_secs());
        let theirs = self.said.values().filter(|said| said.from == from);
        let mut theirs: Vec<_> = theirs
            .map(|said| match said.seen < gone {
                true => (false, said.seen, said.word.node.clone()),
                false => (true, u64::MAX - said.since, said.word.node.clone()),
            })
            .collect();
        theirs.sort_unstable();
        let goes = theirs.len() / 16 + 1;
        theirs.iter().take(goes).for_each(|(.., node)| _ = self.forget(node));
    }

    fn forget_silent(&mut self) {
        let limit = now().saturating_sub(NODE_FORGOTTEN.as_secs());
        let silent = self.said.values().filter(|said| said.seen <= limit);
        let silent: Vec<String> = silent.map(|said| said.word.node.clone()).collect();
        silent.iter().for_each(|node| _ = self.forget(node));
    }
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.unwrap_or(Duration::ZERO).as_secs()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::super::word::Reload;
    use super::*;

    const MOST: usize = 64;
    const MOST_OF_ADDRESS: usize = 48;

    fn said(node: &str, seen: u64, from: u8) -> Said {
        let word = Word { node: node.into(), parts: Vec::new(), reload: None, error: None };
        let from = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, from)));
        Said { word, seen, since: seen, from }
    }

    fn remember(nodes: &Nodes, said: Said) {
        nodes.lock().remember(said, MOST, MOST_OF_ADDRESS);
    }

    fn names(nodes: &Nodes) -> Vec<String> {
        nodes.all().into_iter().map(|said| said.word.node).collect()
    }

    fn count(nodes: &Nodes, beginning: &str) -> usize {
        names(nodes).iter().filter(|name| name.starts_with(beginning)).count()
    }

    #[test]
    fn a_flood_of_names_replaces_itself_and_no_node() {
        let nodes = Nodes::default();
        let begun = now() - 100;
        (0..20).for_each(|number| remember(&nodes, said(&format!("mta{number}"), begun, 1)));
        // Behind the address that the flood comes from.
        (0..20).for_each(|number| remember(&nodes, said(&format!("near{number}"), begun, 2)));
        for number in 0..1000 {
            remember(&nodes, said(&format!("forged{number}"), begun + number / 20, 2));
        }
        assert_eq!((count(&nodes, "mta"), count(&nodes, "near")), (20, 20));
        assert!(count(&nodes, "forged") <= MOST_OF_ADDRESS - 20);
    }

    #[test]
    fn one_that_comes_late_is_heard_all_the_same() {
        let nodes = Nodes::default();
        for number in 0..200 {
            remember(&nodes, said(&format!("forged{number}"), now() - 50, 1 + number % 3));
        }
        remember(&nodes, said("mta", now(), 9));
        assert_eq!(count(&nodes, "mta"), 1);
        assert!(nodes.all().len() <= MOST);
    }

    #[test]
    fn those_that_have_been_silent_for_long_go_first() {
        let nodes = Nodes::default();
        let gone = now() - NODE_GONE.as_secs() - 10;
        (0..8).for_each(|number| remember(&nodes, said(&format!("gone{number}"), gone, 1)));
        (0..40).for_each(|number| remember(&nodes, said(&format!("mta{number}"), now(), 1)));
        remember(&nodes, said("new", now(), 1));
        assert_eq!((count(&nodes, "gone"), count(&nodes, "mta")), (4, 40));
    }

    #[test]
    fn what_is_counted_is_what_is_there() {
        let nodes = Nodes::default();
        for number in 0..500_u32 {
            let silent = if number % 7 == 0 { NODE_FORGOTTEN.as_secs() + 9 } else { 0 };
            let name = format!("mta{}", number % 90);
            remember(&nodes, said(&name, now() - silent, (number % 5) as u8));
        }
        nodes.all();
        let known = nodes.lock();
        assert_eq!(known.of.values().sum::<usize>(), known.said.len());
    }

    #[test]
    fn one_that_has_been_silent_for_very_long_is_forgotten() {
        let nodes = Nodes::default();
        nodes.recall(vec![
            said("old", now() - NODE_FORGOTTEN.as_secs() - 1, 1),
            said("new", now() - NODE_FORGOTTEN.as_secs() + 60, 1),
        ]);
        assert_eq!(names(&nodes), ["new"]);
    }

    #[test]
    fn what_an_earlier_version_wrote_is_read() {
        let line = r#"{"node":"mta1","parts":[],"reload":null,"error":null,"seen":7}"#;
        let said: Said = serde_json::from_str(line).unwrap();
        assert_eq!((said.seen, said.since, said.from), (7, 0, None));
    }

    #[test]
    fn who_says_nothing_of_a_reload_takes_nothing_back() {
        let nodes = Nodes::default();
        let client = Ipv4Addr::LOCALHOST.into();
        let mut failed = said("mta1", now(), 1);
        failed.word.reload = Some(Reload::Failed);
        failed.word.error = Some("why".into());
        nodes.hear(failed.word.clone(), client);
        nodes.hear(said("mta1", 0, 1).word, client);
        assert_eq!(nodes.all()[0].word, failed.word);
    }
}

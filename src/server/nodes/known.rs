//! The last word of each node, in memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::word::Word;
use crate::server::limits::{MAX_NODES, NODE_FORGOTTEN};

/// A word, and when it was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Said {
    #[serde(flatten)]
    pub(super) word: Word,
    /// In seconds since 1970.
    pub(super) seen: u64,
}

/// All that is known of nodes.
#[derive(Default)]
pub(in crate::server) struct Nodes {
    said: Mutex<HashMap<String, Said>>,
    changed: Notify,
    is_unsaved: AtomicBool,
}

impl Nodes {
    /// Remembers a word, in the place of the one before.
    pub(in crate::server) fn hear(&self, word: Word) {
        self.remember(Said { word, seen: now() }, MAX_NODES);
        self.is_unsaved.store(true, Ordering::Relaxed);
        self.changed.notify_one();
    }

    /// Words that were remembered before a restart.
    pub(super) fn recall(&self, all: Vec<Said>) {
        all.into_iter().for_each(|said| self.remember(said, MAX_NODES));
    }

    fn remember(&self, mut said: Said, most: usize) {
        let mut known = self.lock();
        let before = known.get_mut(&said.word.node);
        if let (Some(before), None) = (&before, said.word.reload) {
            said.word.reload = before.word.reload;
            said.word.error = before.word.error.clone();
        }
        match before {
            Some(before) => *before = said,
            None => {
                if known.len() >= most {
                    make_room(&mut known, most);
                }
                known.insert(said.word.node.clone(), said);
            }
        }
    }

    /// Those that are not forgotten yet, sorted by name.
    pub(super) fn all(&self) -> Vec<Said> {
        let limit = now().saturating_sub(NODE_FORGOTTEN.as_secs());
        let mut known = self.lock();
        known.retain(|_, said| said.seen > limit);
        let mut all: Vec<Said> = known.values().cloned().collect();
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

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Said>> {
        // Each word stands for itself.
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets the sixteenth of the nodes that has been silent longest, so that this is not to be done
/// again with the next word.
fn make_room(known: &mut HashMap<String, Said>, most: usize) {
    let mut times: Vec<u64> = known.values().map(|said| said.seen).collect();
    let (_, limit, _) = times.select_nth_unstable(most / 16);
    let limit = *limit;
    let mut left = most / 16 + 1;
    known.retain(|_, said| {
        let goes = left > 0 && said.seen <= limit;
        left -= usize::from(goes);
        !goes
    });
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.unwrap_or(Duration::ZERO).as_secs()
}

#[cfg(test)]
mod tests {
    use super::super::word::Reload;
    use super::*;

    fn said(node: &str, seen: u64) -> Said {
        let word = Word { node: node.into(), parts: Vec::new(), reload: None, error: None };
        Said { word, seen }
    }

    fn names(nodes: &Nodes) -> Vec<String> {
        nodes.all().into_iter().map(|said| said.word.node).collect()
    }

    #[test]
    fn of_too_many_the_most_silent_are_forgotten() {
        let nodes = Nodes::default();
        for number in 0..33 {
            nodes.remember(said(&format!("mta{number:02}"), now() - 100 + number), 32);
        }
        let left = names(&nodes);
        assert_eq!(left.len(), 30);
        assert_eq!((&*left[0], &*left[29]), ("mta03", "mta32"));
    }

    #[test]
    fn those_of_one_second_do_not_all_go() {
        let nodes = Nodes::default();
        for number in 0..33 {
            nodes.remember(said(&format!("mta{number:02}"), now()), 32);
        }
        assert_eq!(names(&nodes).len(), 30);
    }

    #[test]
    fn one_that_has_been_silent_for_long_is_forgotten() {
        let nodes = Nodes::default();
        nodes.recall(vec![
            said("old", now() - NODE_FORGOTTEN.as_secs() - 1),
            said("new", now() - NODE_FORGOTTEN.as_secs() + 60),
        ]);
        assert_eq!(names(&nodes), ["new"]);
    }

    #[test]
    fn who_says_nothing_of_a_reload_takes_nothing_back() {
        let nodes = Nodes::default();
        let mut failed = said("mta1", now());
        failed.word.reload = Some(Reload::Failed);
        failed.word.error = Some("why".into());
        nodes.hear(failed.word.clone());
        nodes.hear(said("mta1", 0).word);
        assert_eq!(nodes.all()[0].word, failed.word);
    }
}

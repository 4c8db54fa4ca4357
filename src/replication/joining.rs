//! How a cluster begins, and how a server becomes a member of one.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::change::Change;
use super::cluster::Cluster;
use super::leading::listed;
use super::manifest::{orders_of, refs_of, standings_of};
use super::peers::Use;
use super::raft::Member;
use super::state::State;
use super::wire::CAME;
use crate::files;
use crate::momentum::{DEFAULT_PORT, is_same_node};
use crate::repository::Error;

/// How often a server says that it has come, until it is a member.
const PAUSE: Duration = Duration::from_secs(1);
/// One that is listed is a member by then; whoever still waits tells what for.
const USUAL_TIME: Duration = Duration::from_secs(10);
/// How often a member looks whether it is one still.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// A member is asked for so long.
const ASK_TIME: Duration = Duration::from_secs(10);
/// What a member is told of others counts for so long, if its log does not go on.
const BELIEF_TIME: Duration = Duration::from_secs(60);
/// What the first member must do by itself is done within this time.
const FOUNDING_TIME: Duration = Duration::from_secs(30);

/// What a server that has been let in is told: who the members are.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Introduction {
    /// Its own host name.
    name: String,
    members: Vec<Member>,
}

impl Introduction {
    pub(super) fn members(&self) -> &[Member] {
        &self.members
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl Cluster {
    /// Makes this server the first member of a new cluster.
    pub(super) async fn found(self: &Arc<Self>) -> io::Result<()> {
        let here = standings_of(&self.store);
        let orders = orders_of(&here);
        // Whoever changes one from now on finds a log, and notes it.
        let accounts = self.machine.accounts.lock().and_then(|_| self.machine.accounts.read());
        let accounts = accounts.map_err(io::Error::other)?;
        self.kept.put(State { orders, refs: refs_of(here), accounts, ..State::default() })?;
        let member = Member {
            name: self.name.clone(),
            address: self.own_address().await,
            key: self.key.clone(),
        };
        let first = [(self.id, member)].into_iter().collect::<std::collections::BTreeMap<_, _>>();
        self.raft.initialize(first).await.map_err(io::Error::other)?;
        let leads = self.raft.wait(Some(FOUNDING_TIME)).current_leader(self.id, "founding").await;
        leads.map_err(io::Error::other)?;
        let (name, key, id) = (self.name.clone(), self.key.clone(), self.id);
        for change in [Change::LetIn { name, key: key.clone() }, Change::Came { key, id }] {
            self.decide(change).await.map_err(io::Error::other)?;
        }
        self.forget_beginning().await
    }

    /// What was here before the log began is in no entry of it: whoever comes later gets a snapshot.
    async fn forget_beginning(&self) -> io::Result<()> {
        let applied = self.raft.metrics().borrow().last_applied.map_or(0, |id| id.index);
        self.raft.trigger().snapshot().await.map_err(io::Error::other)?;
        let mut metrics = self.raft.metrics();
        let taken = metrics.wait_for(|now| now.snapshot.is_some_and(|id| id.index >= applied));
        taken.await.map_err(io::Error::other)?;
        self.raft.trigger().purge_log(applied).await.map_err(io::Error::other)?;
        let purged = metrics.wait_for(|now| now.purged.is_some_and(|id| id.index >= applied));
        purged.await.map_err(io::Error::other)?;
        Ok(())
    }

    async fn own_address(&self) -> String {
        let (store, name) = (self.store.clone(), self.name.clone());
        let own = move || {
            let peers = listed(&store).unwrap_or_default();
            let own =
                peers.into_iter().find(|peer| is_same_node(&peer.name.to_ascii_lowercase(), &name));
            own.map(|peer| peer.address.with_default_port().to_string())
        };
        let found = tokio::task::spawn_blocking(own).await.ok().flatten();
        found.unwrap_or_else(|| format!("{}:{DEFAULT_PORT}", self.name))
    }

    /// Lets a server in.
    pub(super) async fn let_in(&self, name: String, key: String) -> Result<Introduction, Error> {
        self.must_not_be_another(&name, &key).await?;
        self.decide(Change::LetIn { name: name.clone(), key }).await?;
        let members = self.members().into_values().map(|(member, _)| member).collect();
        Ok(Introduction { name, members })
    }

    /// Fails if a member of this name, with another key, is well: a second machine has its name, as one
    /// whose disk was copied.
    async fn must_not_be_another(&self, name: &str, key: &str) -> Result<(), Error> {
        let is_other = |member: &Member| is_same_node(&member.name, name) && member.key != *key;
        let mut members = self.members().into_values().map(|(member, _)| member);
        match members.find(is_other) {
            Some(other) if other.key == self.key || self.peers.answers(&other).await => {
                Err(Error::BadRef(format!(
                    "{name} is a member of this cluster and answers at {} with another key: give this machine another name (node_name in cluster.boot, then restart its ecconfigd); if it is the same machine with a new key, stop its ecconfigd and start it again before; if the member is to go, put it out first (ecconfigd members --put-out {name}, on another one)",
                    other.address,
                )))
            }
            _ => Ok(()),
        }
    }

    /// Keeps it written down who the members are, beside the log: a server whose log is lost asks them,
    /// and does not take itself for one that stands alone.
    pub(super) async fn keep_introduction(self: Arc<Self>) {
        let mut written = String::new();
        loop {
            let members = self.members();
            // One that is to be filled must find those who can do so after it was restarted, too.
            let is_member = members.contains_key(&self.id);
            let members: Vec<Member> = members.into_values().map(|(m, _)| m).collect();
            let introduction = Introduction { name: self.name.clone(), members };
            let text = serde_json::to_string(&introduction).unwrap_or_default();
            let is_needed = introduction.members.len() > 1 || self.introduction.exists();
            if is_member && is_needed && text != written {
                let (path, content) = (self.introduction.clone(), text.clone());
                let done = spawn_blocking(move || files::replace_private(&path, &content)).await;
                match done.map_err(io::Error::other).flatten() {
                    Ok(()) => written = text,
                    Err(error) => tracing::warn!(
                        "who the members of the cluster are cannot be written down in {}: {error}",
                        self.introduction.display(),
                    ),
                }
            }
            self.standing_changed().await;
        }
    }

    /// Tells the others that this server has come, until they have made it a member.
    pub(super) async fn come(self: Arc<Self>) {
        let began = Instant::now();
        let mut told = false;
        // What the log says of members counts when it is applied: until then this server knows those
        // it was told of, and nobody else may fill it.
        while !self.kept.is_member() {
            let answers = self.announce_to_all().await;
            let heard = !answers.is_empty();
            let named = named_by_most(answers);
            if !named.is_empty() {
                self.kept.introduce(named);
            }
            if began.elapsed() >= USUAL_TIME && !std::mem::replace(&mut told, true) {
                match heard {
                    true => tracing::warn!(
                        "this server waits to become a member of the cluster: it does as soon as {} stands in global/msgc_server.conf with an address at which it answers",
                        self.name,
                    ),
                    false => tracing::warn!(
                        "no member of the cluster can be reached, or none knows this server any more; it goes on asking",
                    ),
                }
            }
            sleep(PAUSE).await;
        }
        // From now on the log says who they are, also when it says that this server is none any more.
        self.kept.introduce(Vec::new());
        if told {
            tracing::info!("this server is a member of the cluster");
        }
    }

    /// Notices that this member was taken out of the list, for as long as it runs: nobody sends it
    /// anything any more.
    pub(super) async fn notice_when_put_out(self: Arc<Self>) {
        loop {
            sleep(LOOK_AGAIN).await;
            if !self.kept.is_member() || self.is_leader() {
                continue;
            }
            // One that lags behind may not know a new member yet.
            let (mut heard, mut is_out) = (None, true);
            for member in self.peers.others(&self.kept.members()) {
                if let Some(members) = self.announce_to(member).await {
                    heard = Some(member.name.clone());
                    is_out &= members.iter().all(|member| member.key != self.key);
                }
            }
            let Some(name) = heard else { continue };
            if is_out && !self.is_put_out.load(Ordering::Relaxed) {
                tracing::warn!(
                    "this server is no member of the cluster any more, as {name} says: what it has is not kept up to date; stop it (systemctl disable --now ecconfigd.socket ecconfigd.service), or list it in global/msgc_server.conf again",
                );
            }
            self.is_put_out.store(is_out, Ordering::Relaxed);
        }
    }

    /// Says to all that are known, at once, that this server is there: who the members are, as each
    /// says that answers.
    async fn announce_to_all(self: &Arc<Self>) -> Vec<Vec<Member>> {
        let known = self.kept.members();
        let asked: Vec<_> = self
            .peers
            .others(&known)
            .cloned()
            .map(|member| {
                let this = self.clone();
                tokio::spawn(async move { this.announce_to(&member).await })
            })
            .collect();
        let mut answers = Vec::new();
        for answer in asked {
            answers.extend(answer.await.ok().flatten());
        }
        answers
    }

    /// Says that this server is there, and is told who the members are; none if nobody hears it.
    async fn announce_to(&self, member: &Member) -> Option<Vec<Member>> {
        let link = self.peers.link(member, Use::Talk);
        let answer = link.ask(CAME, self.id.to_string().into_bytes(), ASK_TIME).await;
        let answer = answer.inspect_err(|error| tracing::debug!("{error}")).ok()?;
        serde_json::from_slice(&answer).ok()
    }

    /// Asks the members that it knows who the members are by now, whenever somebody was refused here:
    /// the others may have elected one of whom this server has not heard, as it was away, and it must
    /// be heard for this server to hear more. For as long as it runs.
    pub(super) async fn ask_about_strangers(self: Arc<Self>) {
        loop {
            self.known.strangers().await;
            let (newest, known) = self.known.with_newest(|newest| {
                let known = newest.nodes().map(|(_, member)| member.clone());
                (*newest.log_id(), known.collect::<Vec<_>>())
            });
            let mut told = Vec::new();
            if self.kept.is_member() {
                for member in self.peers.others(&known) {
                    told.extend(self.announce_to(member).await.unwrap_or_default());
                }
            }
            if !told.is_empty() {
                self.kept.introduce_until(Instant::now() + BELIEF_TIME, newest, told);
            }
            sleep(PAUSE).await;
        }
    }
}

/// Those whom more than half of the answers name: one that was put out, and still answers, adds nobody
/// and does not keep itself in.
fn named_by_most(answers: Vec<Vec<Member>>) -> Vec<Member> {
    let count = answers.len();
    let mut named: BTreeMap<String, (usize, Member)> = BTreeMap::new();
    for member in answers.into_iter().flatten() {
        named.entry(member.key.clone()).or_insert((0, member)).0 += 1;
    }
    let most = named.into_values().filter(|(times, _)| 2 * times > count);
    most.map(|(_, member)| member).collect()
}

#[cfg(test)]
mod naming {
    use super::*;

    fn members(names: &[&str]) -> Vec<Member> {
        let member = |name: &&str| Member {
            name: (*name).into(),
            address: format!("{name}:2027"),
            key: format!("key of {name}"),
        };
        names.iter().map(member).collect()
    }

    #[test]
    fn one_that_was_put_out_names_nobody_whom_the_others_do_not() {
        let others = || members(&["m0", "m1"]);
        let out = members(&["m0", "m1", "m2", "evil"]);
        assert_eq!(named_by_most(vec![out, others(), others()]), others());
        assert_eq!(named_by_most(vec![others()]), others());
        assert_eq!(named_by_most(vec![others(), members(&["m2"])]), []);
        assert_eq!(named_by_most(Vec::new()), []);
    }
}

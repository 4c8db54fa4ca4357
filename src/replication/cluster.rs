//! This server as a member of a cluster.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use openraft::ServerState;
use openraft::error::{ClientWriteError, RaftError};
use rustls::ServerConfig;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::change::{Change, Outcome, Proposal, Refusal};
use super::link::Unanswered;
use super::log_store::LogStore;
use super::members::is_same;
use super::network::Network;
use super::peers::{Peers, Use};
use super::raft::{Member, Raft, config};
use super::state::Kept;
use super::state_machine::StateMachine;
use super::wire::{BRING, PROPOSE, Propose, Proposed, READ, ReadIndex};
use crate::repository::{self, Applied, Entry, Error, Inbox, Quarantine, Store};

/// A change must be decided within this time, or whoever waits for it is told that it may not be.
const DECISION_TIME: Duration = Duration::from_secs(20);
/// One member is asked for so long.
const ASK_TIME: Duration = Duration::from_secs(5);
/// How soon to look for a leader again.
const PAUSE: Duration = Duration::from_millis(50);
/// What has been decided must be done here within this time, or it is acknowledged before.
const APPLY_TIME: Duration = Duration::from_secs(10);

const NO_MAJORITY: &str = "fewer than half of the cluster's servers can be reached, so nothing can be changed; it may or may not have been made: look before you try again (ecconfigd members, on a server, tells which are away)";
const NOT_SENT: &str = "fewer than half of the cluster's servers can be reached, so nothing was changed; try again when they are back (ecconfigd members, on a server, tells which are away)";

/// The member.
pub(super) struct Cluster {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) key: String,
    pub(super) raft: Raft,
    pub(super) kept: Arc<Kept>,
    pub(super) inbox: Arc<Inbox>,
    pub(super) peers: Arc<Peers>,
    pub(super) store: Arc<Store>,
    pub(super) spool_dir: PathBuf,
    pub(super) tls: Arc<ServerConfig>,
    pub(super) runtime: Handle,
    pub(super) machine: StateMachine,
    /// Told when the file of accounts has been read again.
    pub(super) accounts_changed: Notify,
}

impl Cluster {
    /// Starts what is kept. Must run where there is a runtime.
    pub(super) async fn start(parts: Parts, runtime: Handle) -> io::Result<Arc<Self>> {
        let Parts { id, name, key, log, machine, spool_dir, tls } = parts;
        let config = config().validate().map_err(io::Error::other)?;
        let network = Network { peers: machine.peers.clone() };
        let StateMachine { store, inbox, kept, peers, .. } = machine.clone();
        let own = machine.clone();
        let accounts_changed = Notify::new();
        let raft = Raft::new(id, config.into(), network, log, machine).await;
        let raft = raft.map_err(io::Error::other)?;
        Ok(Arc::new(Self {
            id,
            name,
            key,
            raft,
            kept,
            inbox,
            peers,
            store,
            spool_dir,
            tls,
            runtime,
            machine: own,
            accounts_changed,
        }))
    }

    /// Proposes a change of a subcluster. Blocks.
    pub(super) fn propose(
        &self,
        entry: &Entry,
        quarantine: Option<&Quarantine>,
    ) -> Result<Applied, Error> {
        if let Some(quarantine) = quarantine {
            self.inbox.keep(quarantine)?;
        }
        self.runtime.block_on(async {
            if let Some(pack) = quarantine.and_then(Quarantine::pack) {
                self.send_pack(pack).await?;
            }
            match self.bring_to_master(entry).await? {
                Outcome::Applied(applied) => Ok(applied),
                Outcome::Refused(refusal) => Err(refusal.into()),
                Outcome::Done => Ok(Applied::default()),
            }
        })
    }

    /// A subcluster whose MASTER an administrator has named takes commits through that member.
    async fn bring_to_master(&self, entry: &Entry) -> Result<Outcome, Error> {
        let pinned = self.store.get(&entry.subcluster).ok();
        let pinned = pinned.and_then(|there| there.snapshot().orders.master.clone());
        let (repository::Change::Move(_), Some(master)) = (&entry.change, pinned) else {
            return self.bring(entry.clone()).await;
        };
        let members = self.members();
        let member = members.into_values().find(|(member, _)| is_same(&member.name, &master));
        let Some((member, _)) = member.filter(|(member, _)| member.key != self.key) else {
            return self.bring(entry.clone()).await;
        };
        let question = serde_json::to_vec(entry).map_err(io::Error::other)?;
        let link = self.peers.link(&member, Use::Talk);
        let answer = link.ask(BRING, question, DECISION_TIME + ASK_TIME).await;
        let Ok(answer) = answer.inspect_err(tell) else {
            let (subcluster, to) = (entry.subcluster.clone(), member.name);
            return Ok(Outcome::Refused(Refusal::Pinned { subcluster, to }));
        };
        let (outcome, index): (Outcome, u64) =
            serde_json::from_slice(&answer).map_err(io::Error::other)?;
        self.applied(index, APPLY_TIME).await;
        Ok(outcome)
    }

    /// Brings a change of a subcluster to the leader.
    async fn bring(&self, entry: Entry) -> Result<Outcome, Error> {
        let through = self.name.clone();
        let decided = self.decide_at(Change::Subcluster { entry, through }).await;
        decided.map(|(outcome, _)| outcome)
    }

    /// The same for another member, which waits for the entry of that index itself.
    pub(super) async fn bring_for(&self, entry: Entry) -> Result<(Outcome, u64), Error> {
        let through = self.name.clone();
        self.decide_at(Change::Subcluster { entry, through }).await
    }

    /// As [`Cluster::decide_at`], where nobody asks for the index.
    pub(super) async fn decide(&self, change: Change) -> Result<Outcome, Error> {
        self.decide_at(change).await.map(|(outcome, _)| outcome)
    }

    /// Brings a change to the leader, and returns when it is decided and has been made here.
    async fn decide_at(&self, change: Change) -> Result<(Outcome, u64), Error> {
        let proposal = Proposal::new(change);
        let deadline = Instant::now() + DECISION_TIME;
        let (outcome, index) = loop {
            let asked = timeout_at(deadline, self.ask_leader(&proposal)).await;
            match asked {
                Ok(Some(decided)) => break decided,
                Ok(None) => sleep(PAUSE).await,
                Err(_) => return Err(Error::Unreplicated(NO_MAJORITY.into())),
            }
        };
        self.applied(index, APPLY_TIME).await;
        Ok((outcome, index))
    }

    /// Returns when this member has made the log so far, or the time is up.
    pub(super) async fn applied(&self, index: u64, limit: Duration) -> bool {
        timeout(limit, self.made_until(index)).await.unwrap_or(false)
    }

    /// Returns when this member has made the log so far; false if the log has been closed.
    pub(super) async fn made_until(&self, index: u64) -> bool {
        let mut metrics = self.raft.metrics();
        let come = metrics.wait_for(|now| now.last_applied.map_or(0, |id| id.index) >= index);
        come.await.is_ok()
    }

    async fn ask_leader(&self, proposal: &Proposal) -> Option<(Outcome, u64)> {
        let answer = match self.leader()? {
            (id, _) if id == self.id => self.propose_here(proposal.clone()).await.ok()?,
            leader => {
                let question = serde_json::to_vec(&Propose { proposal: proposal.clone() }).ok()?;
                let answer = self.ask_it(&leader, PROPOSE, question, DECISION_TIME).await?;
                serde_json::from_slice(&answer).ok()?
            }
        };
        match answer {
            Proposed::Decided { outcome, index } => Some((outcome, index)),
            Proposed::NotLeader(_) => None,
        }
    }

    /// Asks the leader, for as long as no other one leads: the connection to one that has fallen
    /// silent ends much later.
    async fn ask_it(
        &self,
        (id, leader): &(u64, Member),
        path: &str,
        question: Vec<u8>,
        limit: Duration,
    ) -> Option<Bytes> {
        let mut metrics = self.raft.metrics();
        let is_other = |leads: Option<u64>| leads.is_some_and(|leads| leads != *id);
        let link = self.peers.link(leader, Use::Talk);
        tokio::select! {
            answer = link.ask(path, question, limit) => {
                answer.inspect_err(|e| tracing::debug!("{e}")).ok()
            }
            _ = metrics.wait_for(|now| is_other(now.current_leader)) => None,
        }
    }

    /// Puts a change into the log, if this member leads.
    pub(super) async fn propose_here(&self, proposal: Proposal) -> Result<Proposed, Error> {
        let written = tokio::select! {
            biased;
            written = self.raft.client_write(proposal) => written,
            // Whoever leads now tells what came of it when it is proposed there.
            () = self.has_stepped_aside() => return Ok(Proposed::NotLeader(None)),
        };
        match written {
            Ok(written) => {
                Ok(Proposed::Decided { outcome: written.data, index: written.log_id.index })
            }
            Err(RaftError::APIError(ClientWriteError::ForwardToLeader(to))) => {
                Ok(Proposed::NotLeader(to.leader_id))
            }
            Err(error) => Err(Error::Unreplicated(error.to_string())),
        }
    }

    /// Who leads, as far as this member knows.
    pub(super) fn leader(&self) -> Option<(u64, Member)> {
        let metrics = self.raft.metrics().borrow().clone();
        let id = metrics.current_leader?;
        Some((id, metrics.membership_config.membership().get_node(&id)?.clone()))
    }

    pub(super) fn is_leader(&self) -> bool {
        self.raft.metrics().borrow().state == ServerState::Leader
    }

    /// The members, voters first, and whether they vote.
    pub(super) fn members(&self) -> BTreeMap<u64, (Member, bool)> {
        let metrics = self.raft.metrics().borrow().clone();
        let membership = metrics.membership_config.membership();
        let voters: Vec<u64> = membership.voter_ids().collect();
        let all = membership.nodes().map(|(id, node)| (*id, (node.clone(), voters.contains(id))));
        all.collect()
    }

    /// Gives the pack to the others, and returns when a majority of those who vote has it on disk.
    async fn send_pack(&self, pack: &str) -> Result<(), Error> {
        let members = self.members();
        let voters = members.values().filter(|(_, votes)| *votes).count();
        let mut storing = JoinSet::new();
        for (member, votes) in members.into_values() {
            let (peers, inbox) = (self.peers.clone(), self.inbox.clone());
            let (pack, is_own) = (pack.to_owned(), member.key == self.key);
            storing.spawn(async move {
                let stored = match is_own {
                    true => peers.keep_pack(inbox).await,
                    false => peers.send_pack(&member, &inbox, &pack).await,
                };
                (votes, stored)
            });
        }
        let mut have = 0;
        while 2 * have <= voters {
            match storing.join_next().await {
                None => return Err(Error::Unreplicated(NOT_SENT.into())),
                Some(Ok((votes, Ok(())))) => have += votes as usize,
                Some(Ok((_, Err(error)))) => tell(&error),
                Some(Err(_)) => {}
            }
        }
        // The others get it too, but nobody waits for them.
        storing.detach_all();
        Ok(())
    }

    /// The index that a reader here must wait for, who wants to see all that has been acknowledged
    /// anywhere before now.
    pub(super) async fn read_index(&self) -> Option<u64> {
        let leader = self.leader()?;
        if leader.0 == self.id {
            let log_id = self.raft.ensure_linearizable().await.ok()?;
            return Some(log_id.map_or(0, |id| id.index));
        }
        let answer = self.ask_it(&leader, READ, Vec::new(), ASK_TIME).await?;
        let ReadIndex(index) = serde_json::from_slice(&answer).ok()?;
        index
    }
}

/// What a member is made of.
pub(super) struct Parts {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) key: String,
    pub(super) log: LogStore,
    pub(super) machine: StateMachine,
    pub(super) spool_dir: PathBuf,
    pub(super) tls: Arc<ServerConfig>,
}

fn tell(error: &Unanswered) {
    tracing::debug!("objects of a change could not be sent: {error}");
}

//! A change on its way into the log: its pack to a majority, then its entry to the leader.

use std::fmt::Display;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use openraft::error::ClientWriteError;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::change::{Change, Outcome, Proposal, Refusal};
use super::cluster::Cluster;
use super::link::Unanswered;
use super::peers::Use;
use super::raft::Member;
use super::wire::{BRING, Bring, PROPOSE, Propose, Proposed};
use crate::momentum::is_same_node;
use crate::repository::{self, Applied, Entry, Error, Quarantine, SmallPack};

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

impl Cluster {
    /// Proposes a change of a subcluster. Blocks.
    pub(super) fn propose(
        &self,
        entry: &Entry,
        quarantine: Option<&Quarantine>,
    ) -> Result<Applied, Error> {
        let small = quarantine.map(SmallPack::of).transpose()?.flatten();
        let ahead = quarantine.filter(|_| small.is_none());
        ahead.map_or(Ok(()), |quarantine| self.inbox.keep(quarantine))?;
        let _lent = quarantine.filter(|_| small.is_some()).map(|q| self.inbox.lend(q));
        let decided = async {
            if let Some(pack) = ahead.and_then(Quarantine::pack) {
                self.send_pack(pack).await?;
            }
            match self.bring_to_master(Bring { entry: entry.clone(), small }).await? {
                Outcome::Applied(applied) => Ok(applied),
                Outcome::Refused(refusal) => Err(refusal.into()),
                Outcome::Done => Ok(Applied::default()),
            }
        };
        self.runtime.block_on(self.unless_it_stops(decided))
    }

    /// A subcluster whose MASTER an administrator has named takes commits through that member.
    async fn bring_to_master(&self, asked: Bring) -> Result<Outcome, Error> {
        let entry = &asked.entry;
        let pinned = self.store.get(&entry.subcluster).ok();
        let pinned = pinned.and_then(|there| there.snapshot().orders.master.clone());
        let (repository::Change::Move(_), Some(master)) = (&entry.change, pinned) else {
            return self.bring(asked).await;
        };
        let members = self.members();
        let member = members.into_values().find(|(member, _)| is_same_node(&member.name, &master));
        let Some((member, _)) = member.filter(|(member, _)| member.key != self.key) else {
            return self.bring(asked).await;
        };
        let question = serde_json::to_vec(&asked).map_err(io::Error::other)?;
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
    async fn bring(&self, asked: Bring) -> Result<Outcome, Error> {
        let mut ticket = self.machine.waiting.enter()?;
        let decided = self.bring_with(asked, ticket.number);
        tokio::select! {
            biased;
            outcome = ticket.outcome() => Ok(outcome),
            decided = decided => decided.map(|(outcome, _)| outcome),
        }
    }

    /// The same for another member, which waits for the entry of that index itself.
    pub(super) async fn bring_for(&self, asked: Bring) -> Result<(Outcome, u64), Error> {
        self.bring_with(asked, 0).await
    }

    async fn bring_with(&self, asked: Bring, ticket: u64) -> Result<(Outcome, u64), Error> {
        let Bring { entry, small } = asked;
        let through = self.name.clone();
        self.decide_at(Change::Subcluster { entry, through, small, ticket }).await
    }

    /// As [`Cluster::decide_at`], where nobody asks for the index.
    pub(super) async fn decide(&self, change: Change) -> Result<Outcome, Error> {
        self.decide_at(change).await.map(|(outcome, _)| outcome)
    }

    /// Brings a change to the leader, and returns when it is decided and has been made here.
    async fn decide_at(&self, change: Change) -> Result<(Outcome, u64), Error> {
        let proposal = Proposal::new(change);
        let decided = async {
            loop {
                match self.ask_leader(&proposal).await {
                    Some(decided) => return decided,
                    None => sleep(PAUSE).await,
                }
            }
        };
        let decided = timeout(DECISION_TIME, decided).await;
        let (outcome, index) = decided.map_err(|_| Error::Unreplicated(NO_MAJORITY.into()))?;
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
    pub(super) async fn ask_it(
        &self,
        (id, leader): &(u64, Member),
        path: &str,
        question: Vec<u8>,
        limit: Duration,
    ) -> Option<Bytes> {
        let mut metrics = self.raft.metrics();
        let is_other = |leads: Option<u64>| leads.is_some_and(|leads| leads != *id);
        let (link, path) = (self.peers.link(leader, Use::Talk), path.to_owned());
        // An answer that nobody waits for any more is taken all the same: to break off one after
        // the other would end the connection (`max_local_error_reset_streams` in h2).
        let asked = tokio::spawn(async move { link.ask(&path, question, limit).await });
        tokio::select! {
            answer = asked => answer.ok()?.inspect_err(|e| tracing::debug!("{e}")).ok(),
            _ = metrics.wait_for(|now| is_other(now.current_leader)) => None,
        }
    }

    /// Puts a change into the log, if this member leads.
    pub(super) async fn propose_here(&self, proposal: Proposal) -> Result<Proposed, Error> {
        let closed = |error: &dyn Display| Error::Unreplicated(error.to_string());
        let open = self.entrance.read().await;
        let added = self.raft.client_write_ff(proposal).await.map_err(|e| closed(&e))?;
        drop(open);
        // openraft warns of every answer that nobody takes.
        let added = tokio::spawn(added);
        let written = tokio::select! {
            biased;
            written = added => written.map_err(|e| closed(&e))?.map_err(|e| closed(&e))?,
            // Whoever leads now tells what came of it when it is proposed there.
            () = self.has_stepped_aside() => return Ok(Proposed::NotLeader(None)),
        };
        match written {
            Ok(written) => {
                Ok(Proposed::Decided { outcome: written.data, index: written.log_id.index })
            }
            Err(ClientWriteError::ForwardToLeader(to)) => Ok(Proposed::NotLeader(to.leader_id)),
            Err(error) => Err(closed(&error)),
        }
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
}

fn tell(error: &Unanswered) {
    tracing::debug!("objects of a change could not be sent: {error}");
}

//! Who leads from now on.

use std::collections::BTreeMap;
use std::time::Duration;

use openraft::RaftMetrics;
use tokio::sync::watch;
use tokio::time::{sleep_until, timeout};

use super::cluster::Cluster;
use super::peers::Use;
use super::raft::{LEASE, Member};
use super::wire::{HAND_OVER, LEAD};
use crate::momentum::is_same_node;

/// Whoever is to lead must have the whole log, and answer, within this time.
const ASK_TIME: Duration = Duration::from_secs(1);
/// An election takes a few writes to disks; one that is not decided by then is held again.
const ELECTION_TIME: Duration = Duration::from_millis(500);
/// A leader that stops tries for so long to have another one in its place.
const HAND_OVER_TIME: Duration = Duration::from_secs(3);

impl Cluster {
    /// Has this member lead, if it is one that votes.
    pub(super) async fn have_lead(&self, name: &str) {
        let Some((id, leader)) = self.leader() else { return };
        if id == self.id {
            return self.hand_over_to(|_, member| is_same_node(&member.name, name)).await;
        }
        let Ok(question) = serde_json::to_vec(name) else { return };
        let link = self.peers.link(&leader, Use::Talk);
        if let Err(error) = link.ask(HAND_OVER, question, 2 * HAND_OVER_TIME).await {
            tracing::debug!("{error}");
        }
    }

    /// This member does not lead any more, but one of these that votes, if there is any.
    pub(super) async fn hand_over_to(&self, may_lead: impl Fn(u64, &Member) -> bool) {
        let mut next = self.others_who_vote();
        next.retain(|id, member| may_lead(*id, member));
        if self.is_leader() && !next.is_empty() {
            self.give_way(next).await;
            self.raft.runtime_config().heartbeat(true);
            self.raft.runtime_config().elect(true);
        }
    }

    /// Has another member lead, before this one stops.
    pub(super) async fn hand_over(&self) {
        let next = self.others_who_vote();
        if next.is_empty() {
            return;
        }
        match self.give_way(next).await {
            Some(leader) => tracing::info!("{} leads the cluster now", leader.name),
            None => tracing::warn!("no other member has taken over; the others elect a leader"),
        }
    }

    /// The members with a vote but this one.
    pub(super) fn others_who_vote(&self) -> BTreeMap<u64, Member> {
        let others = self.members().into_iter().filter(|(id, (_, votes))| *votes && *id != self.id);
        others.map(|(id, (member, _))| (id, member)).collect()
    }

    /// Has one of these lead, and tells who does.
    ///
    /// openraft has no order for it: the leader falls silent, and the other one stands for election.
    /// This member votes for it at once, others when they are released. Nobody votes for one that
    /// lacks an entry, and a leader that hears of an election leads no more, however it ends: so
    /// nothing is added to the log meanwhile.
    async fn give_way(&self, mut next: BTreeMap<u64, Member>) -> Option<Member> {
        let given = async {
            self.outlast_own_election().await;
            let _closed = self.entrance.write().await;
            while !next.is_empty() {
                let id = timeout(ASK_TIME, self.one_with_all(&next)).await.ok()??;
                self.raft.runtime_config().heartbeat(false);
                self.raft.runtime_config().elect(false);
                self.release_voters(id).await;
                let leader = self.elected(&next.remove(&id)?).await;
                if leader.is_some() {
                    return leader;
                }
            }
            None
        };
        timeout(HAND_OVER_TIME, given).await.ok().flatten()
    }

    /// Waits until this member may vote for another one. Changes are made meanwhile.
    async fn outlast_own_election(&self) {
        let elected = self.raft.with_raft_state(|state| state.vote_last_modified()).await;
        if let Ok(Some(elected)) = elected {
            sleep_until(elected + LEASE).await;
        }
    }

    /// Asks this one to lead until one does; none if it does not answer.
    async fn elected(&self, next: &Member) -> Option<Member> {
        loop {
            let link = self.peers.link(next, Use::Talk);
            let asked = link.ask(LEAD, Vec::new(), ASK_TIME).await;
            asked.inspect_err(|error| tracing::debug!("{error}")).ok()?;
            if let Ok(leader) = timeout(ELECTION_TIME, self.other_leader()).await {
                return leader;
            }
        }
    }

    /// Waits for one of these to have all that this member has.
    async fn one_with_all(&self, next: &BTreeMap<u64, Member>) -> Option<u64> {
        let has_all = |id: &&u64, now: &RaftMetrics<u64, Member>| {
            let there = now.replication.as_ref().and_then(|all| *all.get(*id)?);
            there.map(|there| there.index) == now.last_log_index
        };
        let one = |now: &RaftMetrics<u64, Member>| next.keys().find(|id| has_all(id, now)).copied();
        let mut metrics = self.newest_metrics().await?;
        let now = metrics.wait_for(|now| one(now).is_some()).await.ok()?;
        one(&now)
    }

    /// How the log stands with all that has been added to it until now: openraft tells it a moment
    /// later.
    async fn newest_metrics(&self) -> Option<watch::Receiver<RaftMetrics<u64, Member>>> {
        self.raft.with_raft_state(|_| ()).await.ok()?;
        let mut metrics = self.raft.metrics();
        metrics.mark_unchanged();
        // It tells after each question.
        self.raft.external_request(|_| ());
        metrics.changed().await.ok()?;
        Some(metrics)
    }

    async fn other_leader(&self) -> Option<Member> {
        let mut metrics = self.raft.metrics();
        let is_other = |id: u64| id != self.id;
        metrics.wait_for(|now| now.current_leader.is_some_and(is_other)).await.ok()?;
        self.leader().map(|(_, leader)| leader)
    }
}

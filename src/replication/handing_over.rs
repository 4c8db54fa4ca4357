//! Who leads from now on.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::cluster::Cluster;
use super::members::is_same;
use super::peers::Use;
use super::raft::Member;
use super::wire::{HAND_OVER, LEAD};

/// How soon the next leader is asked again.
const PAUSE: Duration = Duration::from_millis(50);
/// A leader that stops tries for so long to have another one in its place.
const HAND_OVER_TIME: Duration = Duration::from_secs(3);

impl Cluster {
    /// Has this member lead, if it is one that votes.
    pub(super) async fn have_lead(&self, name: &str) {
        let Some((id, leader)) = self.leader() else { return };
        if id == self.id {
            return self.hand_over_to(name).await;
        }
        let Ok(question) = serde_json::to_vec(name) else { return };
        let link = self.peers.link(&leader, Use::Talk);
        if let Err(error) = link.ask(HAND_OVER, question, 2 * HAND_OVER_TIME).await {
            tracing::debug!("{error}");
        }
    }

    /// This member does not lead any more, but the one of this name.
    pub(super) async fn hand_over_to(&self, name: &str) {
        let members = self.members();
        let next = members.into_iter().find(|(_, (member, _))| is_same(&member.name, name));
        if let Some((id, (member, true))) = next
            && id != self.id
            && self.is_leader()
        {
            self.give_way(&member).await;
            self.raft.runtime_config().heartbeat(true);
            self.raft.runtime_config().elect(true);
        }
    }

    /// Has another member lead, before this one stops.
    pub(super) async fn hand_over(&self) {
        let Some(next) = self.next_leader() else { return };
        self.give_way(&next).await;
        match self.is_leader() {
            true => tracing::warn!("{} has not taken over; the others elect a leader", next.name),
            false => tracing::info!("{} leads the cluster now", next.name),
        }
    }

    /// openraft has no order for it: the leader falls silent, and the other one stands for election.
    /// This member votes for it at once; others only when they have heard nothing from the leader
    /// for a while.
    async fn give_way(&self, next: &Member) {
        self.raft.runtime_config().heartbeat(false);
        self.raft.runtime_config().elect(false);
        let given = async {
            while self.is_leader() {
                let link = self.peers.link(next, Use::Talk);
                if let Err(error) = link.ask(LEAD, Vec::new(), HAND_OVER_TIME).await {
                    tracing::debug!("{error}");
                }
                sleep(PAUSE).await;
            }
        };
        // Whoever asked for it sees who leads.
        let _ = timeout(HAND_OVER_TIME, given).await;
    }

    fn next_leader(&self) -> Option<Member> {
        let members = self.members();
        let replication = self.raft.metrics().borrow().replication.clone()?;
        let votes = |id: &u64| members.get(id).is_some_and(|(_, votes)| *votes);
        let others = replication.into_iter().filter(|(id, _)| *id != self.id && votes(id));
        let (id, _) = others.max_by_key(|(_, log_id)| log_id.map(|log_id| log_id.index))?;
        Some(members.get(&id)?.0.clone())
    }
}

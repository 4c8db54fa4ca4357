//! How a member stands among the others: told, waited for, handed over.

use std::fmt;
use std::time::Duration;

use openraft::RaftMetrics;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep, timeout};

use super::cluster::Cluster;
use super::members::is_same;
use super::peers::Use;
use super::raft::Member;
use super::wire::{HAND_OVER, LEAD, STANDING, Standing};
use crate::repository::Error;

/// A member, as people are told of it.
#[derive(Serialize, Deserialize)]
pub struct MemberNow {
    name: String,
    address: String,
    role: String,
    /// Its own word; none if it does not answer.
    standing: Option<Standing>,
}

impl MemberNow {
    /// Whether it answers.
    pub fn is_there(&self) -> bool {
        self.standing.is_some()
    }

    /// The last entry of its log, if it answers.
    pub fn log(&self) -> Option<u64> {
        Some(self.standing.as_ref()?.log)
    }

    /// The last entry that it has made, if it answers.
    pub fn made(&self) -> Option<u64> {
        Some(self.standing.as_ref()?.applied)
    }

    /// Its host name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for MemberNow {
    /// One line of a list.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, address, role, standing } = self;
        write!(f, "{name:<24} {address:<24} {role:<9} ")?;
        match standing {
            Some(Standing { version, log, applied }) => {
                write!(
                    f,
                    "log at {log}, {} behind, ecconfigd {version}",
                    log.saturating_sub(*applied)
                )
            }
            None => f.write_str("DOES NOT ANSWER"),
        }
    }
}

/// A member that does not answer within this time is away.
const ASK_TIME: Duration = Duration::from_secs(2);

/// A reader who wants to see everything waits for so long.
const CATCH_UP_TIME: Duration = Duration::from_secs(10);
/// How soon the leader is asked again.
const PAUSE: Duration = Duration::from_millis(50);
/// A leader that stops tries for so long to have another one in its place.
const HAND_OVER_TIME: Duration = Duration::from_secs(3);
/// The log is closed within this time.
const CLOSE_TIME: Duration = Duration::from_secs(5);

impl Cluster {
    /// All members; each is asked how it is.
    pub(super) async fn members_now(&self) -> Vec<MemberNow> {
        let leader = self.leader().map(|(id, _)| id);
        let mut asked = Vec::new();
        for (id, (member, votes)) in self.members() {
            let role = match votes {
                _ if Some(id) == leader => "leader",
                true => "follower",
                false => "learner",
            };
            let link = (id != self.id).then(|| self.peers.link(&member, Use::Talk));
            let asking = link.map(|link| {
                tokio::spawn(async move { link.ask(STANDING, Vec::new(), ASK_TIME).await })
            });
            asked.push((member, role, asking));
        }
        let mut members = Vec::new();
        for (Member { name, address, .. }, role, asking) in asked {
            let standing = match asking {
                None => Some(self.own_standing()),
                Some(asking) => {
                    let answer = asking.await.ok().and_then(Result::ok);
                    answer.and_then(|answer| serde_json::from_slice(&answer).ok())
                }
            };
            members.push(MemberNow { name, address, role: role.into(), standing });
        }
        members.sort_by(|a, b| a.name.cmp(&b.name));
        members
    }

    pub(super) fn own_standing(&self) -> Standing {
        let metrics = self.raft.metrics().borrow().clone();
        Standing {
            version: env!("CARGO_PKG_VERSION").into(),
            log: metrics.last_log_index.unwrap_or_default(),
            applied: metrics.last_applied.map_or(0, |id| id.index),
        }
    }

    /// In a few words.
    pub(super) fn standing(&self) -> String {
        let count = self.members().len();
        match (self.leader(), self.members().get(&self.id)) {
            (_, None) => "waits to become a member of the cluster".into(),
            (None, _) => format!("one of {count} members, NO LEADER: nothing can be changed"),
            (Some((id, _)), _) if id == self.id => format!("MASTER of {count} members"),
            (Some((_, master)), _) => format!("SLAVE of {}, {count} members", master.name),
        }
    }

    /// Returns when that may be something else.
    pub(super) async fn standing_changed(&self) {
        let mut metrics = self.raft.metrics();
        let of = |metrics: &RaftMetrics<u64, Member>| {
            (metrics.current_leader, *metrics.membership_config.log_id())
        };
        let before = of(&metrics.borrow_and_update());
        // The log has been closed: it changes no more.
        if metrics.wait_for(|now| of(now) != before).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until all that has been acknowledged anywhere can be seen here.
    pub(super) async fn catch_up(&self) -> Result<(), Error> {
        let caught_up = async {
            loop {
                match self.read_index().await {
                    Some(index) => return self.applied(index, CATCH_UP_TIME).await,
                    None => sleep(PAUSE).await,
                }
            }
        };
        match timeout(CATCH_UP_TIME, caught_up).await {
            Ok(true) => Ok(()),
            _ => Err(Error::Unreplicated(
                "fewer than half of the cluster's servers can be reached, so nobody can say that this is the newest; without `consistent` you are told what this server has".into(),
            )),
        }
    }

    /// Closes the log.
    pub(super) async fn stop(&self) {
        let _ = timeout(CLOSE_TIME, self.raft.shutdown()).await;
    }

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
        let began = Instant::now();
        while self.is_leader() && began.elapsed() < HAND_OVER_TIME {
            let link = self.peers.link(next, Use::Talk);
            if let Err(error) = link.ask(LEAD, Vec::new(), HAND_OVER_TIME).await {
                tracing::debug!("{error}");
            }
            sleep(PAUSE).await;
        }
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

//! How a member stands among the others: told, waited for, handed over.

use std::fmt;
use std::sync::atomic::Ordering;
use std::time::Duration;

use openraft::RaftMetrics;
use serde::{Deserialize, Serialize};
use tokio::time::{sleep, timeout};

use super::cluster::Cluster;
use super::peers::Use;
use super::raft::Member;
use super::wire::{STANDING, Standing};
use crate::repository::Error;

/// A member, as people are told of it.
#[derive(Serialize, Deserialize)]
pub struct MemberNow {
    name: String,
    address: String,
    /// By which the others know it.
    #[serde(default)]
    key: String,
    role: String,
    /// Where the list has it, if that is elsewhere and it has not answered there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    listed: Option<String>,
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
        let Self { name, address, role, listed, standing, .. } = self;
        write!(f, "{name:<24} {address:<24} {role:<9} ")?;
        match standing {
            Some(Standing { version, log, applied, only_votes }) => {
                let behind = log.saturating_sub(*applied);
                let only_votes = if *only_votes { ", serves nobody" } else { "" };
                write!(f, "log at {log}, {behind} behind, ecconfigd {version}{only_votes}")?;
            }
            None => f.write_str("DOES NOT ANSWER")?,
        }
        match listed {
            Some(listed) => write!(f, "; LISTED AT {listed}, where it has not answered"),
            None => Ok(()),
        }
    }
}

/// A member that does not answer within this time is away.
const ASK_TIME: Duration = Duration::from_secs(2);

/// A reader who wants to see everything waits for so long.
const CATCH_UP_TIME: Duration = Duration::from_secs(10);
/// How soon the leader is asked again.
const PAUSE: Duration = Duration::from_millis(50);

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
        for (Member { name, address, key }, role, asking) in asked {
            let standing = match asking {
                None => Some(self.own_standing()),
                Some(asking) => {
                    let answer = asking.await.ok().and_then(Result::ok);
                    answer.and_then(|answer| serde_json::from_slice(&answer).ok())
                }
            };
            let listed = self.peers.addresses.listed(&key).filter(|listed| *listed != address);
            let role = role.into();
            members.push(MemberNow { name, address, key, role, listed, standing });
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
            only_votes: self.only_votes,
        }
    }

    /// In a few words.
    pub(super) fn standing(&self) -> String {
        let count = self.members().len();
        if self.is_put_out.load(Ordering::Relaxed) {
            return "no member of the cluster any more: what it has is old".into();
        }
        match (self.leader(), self.members().get(&self.id)) {
            (Some((id, _)), Some(_)) if id == self.id && self.is_cut_off() => no_leader(count),
            (_, None) => "waits to become a member of the cluster".into(),
            (None, _) => no_leader(count),
            (Some((id, _)), _) if id == self.id => format!("MASTER of {count} members"),
            (Some((_, master)), _) => format!("SLAVE of {}, {count} members", master.name),
        }
    }

    /// Whether most of the others have not answered the leader for a while: it goes on calling itself
    /// one until it hears of another.
    fn is_cut_off(&self) -> bool {
        let since = self.raft.metrics().borrow().millis_since_quorum_ack;
        since.is_some_and(|millis| Duration::from_millis(millis) > ASK_TIME)
    }

    /// Returns when that may be something else.
    pub(super) async fn standing_changed(&self) {
        let mut metrics = self.raft.metrics();
        let of = |metrics: &RaftMetrics<u64, Member>| {
            (metrics.current_leader, *metrics.membership_config.log_id())
        };
        let before = of(&metrics.borrow_and_update());
        // The log has been closed: it changes no more.
        let closed = async { metrics.wait_for(|now| of(now) != before).await.is_err() };
        // Nobody tells a leader that it is cut off.
        if timeout(ASK_TIME, closed).await == Ok(true) {
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
}

fn no_leader(count: usize) -> String {
    format!("one of {count} members, NO LEADER: nothing can be changed")
}

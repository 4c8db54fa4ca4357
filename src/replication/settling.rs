//! Addresses of the list that are not in the log yet: each takes effect when its server has answered
//! there, with its key. Until then one that is a member is reached where it was. So no list, however
//! wrong, makes members unreachable, and another commit mends it.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::cluster::Cluster;
use super::raft::Member;

/// How soon one that did not answer is asked again.
const PAUSE: Duration = Duration::from_secs(5);

/// Servers that were asked, by their keys and addresses.
#[derive(Default)]
pub(super) struct Asked(HashMap<(String, String), Instant>);

impl Cluster {
    /// The same with the addresses that count, and without those who are no members yet and do not
    /// answer.
    pub(super) async fn settle(
        &self,
        wanted: BTreeMap<u64, Member>,
        members: &BTreeMap<u64, Member>,
        asked: &mut Asked,
    ) -> BTreeMap<u64, Member> {
        let is_new = |id: &u64, member: &Member| {
            members.get(id).is_none_or(|known| known.address != member.address)
        };
        let (new, mut settled): (BTreeMap<_, _>, BTreeMap<_, _>) =
            wanted.into_iter().partition(|(id, member)| is_new(id, member));
        asked.0.retain(|at, _| new.values().any(|member| *at == place(member)));
        let mut asking = JoinSet::new();
        for (id, member) in new {
            if let Some(known) = members.get(&id) {
                settled.insert(id, known.clone());
            }
            if asked.0.get(&place(&member)).is_none_or(|when| when.elapsed() >= PAUSE) {
                let peers = self.peers.clone();
                asking.spawn(async move { (peers.answers(&member).await, id, member) });
            }
        }
        while let Some(answered) = asking.join_next().await {
            match answered {
                Ok((true, id, member)) => {
                    asked.0.remove(&place(&member));
                    settled.insert(id, member);
                }
                Ok((false, id, member)) => {
                    if asked.0.insert(place(&member), Instant::now()).is_none() {
                        tell(&member, members.get(&id));
                    }
                }
                Err(_) => {}
            }
        }
        settled
    }
}

fn place(member: &Member) -> (String, String) {
    (member.key.clone(), member.address.clone())
}

fn tell(Member { name, address, .. }: &Member, known: Option<&Member>) {
    match known {
        Some(known) => tracing::warn!(
            "{name} does not answer at {address}, where global/msgc_server.conf (or mbus.conf) has it: it is reached at {} as before until it does; if the address is wrong, commit the right one",
            known.address,
        ),
        None => tracing::warn!(
            "{name} does not answer at {address}, where global/msgc_server.conf (or mbus.conf) has it: it becomes a member when it does; if the address is wrong, commit the right one",
        ),
    }
}

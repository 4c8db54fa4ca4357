//! What the leader does by itself: it keeps the membership as `global/msgc_server.conf` has it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use openraft::ChangeMembers;
use tokio::task;
use tokio::time::sleep;

use super::cluster::Cluster;
use super::membership::{Step, View, next};
use super::raft::Member;
use crate::momentum::is_same_node;
use crate::momentum::peers::{FILES, Peer, from_files};
use crate::repository::{Found, Store};

/// How often to look.
const PAUSE: Duration = Duration::from_secs(1);
/// Entries that a member may lack to vote: it has them in a moment.
const NEARLY: u64 = 64;
/// The subcluster with the list of members.
const GLOBAL: &str = "global";

impl Cluster {
    /// Keeps the membership as it is wanted, for as long as this server runs.
    pub(super) async fn keep_membership(self: Arc<Self>) {
        let mut told = String::new();
        loop {
            sleep(PAUSE).await;
            if !self.is_leader() {
                continue;
            }
            let this = self.clone();
            let wanted = task::spawn_blocking(move || this.wanted()).await;
            let done = match wanted {
                Ok(Ok(wanted)) => match next(&wanted, &self.view()) {
                    Some(step) => self.take(step).await,
                    None => Ok(()),
                },
                Ok(Err(fault)) => Err(fault),
                Err(_) => continue,
            };
            match done {
                Err(fault) if fault != told => {
                    tracing::warn!("the cluster's members stay as they are: {fault}");
                    told = fault;
                }
                Err(_) => {}
                Ok(()) => told.clear(),
            }
        }
    }

    /// Those who are listed, among those who have been let in and have come. Blocks.
    fn wanted(&self) -> Result<BTreeMap<u64, Member>, String> {
        let peers = listed(&self.store)?;
        let state = self.kept.now();
        let mut wanted = BTreeMap::new();
        for (name, listed) in &state.roster.0 {
            let peer =
                peers.iter().find(|peer| is_same_node(&peer.name.to_ascii_lowercase(), name));
            if let (Some(peer), Some(id)) = (peer, listed.id) {
                let address = peer.address.with_default_port().to_string();
                let member = Member { name: name.clone(), address, key: listed.key.clone() };
                wanted.insert(id, member);
            }
        }
        Ok(wanted)
    }

    pub(super) fn view(&self) -> View {
        let metrics = self.raft.metrics().borrow().clone();
        let membership = metrics.membership_config.membership();
        let last = metrics.last_log_index.unwrap_or_default();
        let has_nearly_all = |index: u64| index + NEARLY >= last;
        let replication = metrics.replication.unwrap_or_default();
        let current = replication
            .into_iter()
            .filter(|(_, log_id)| log_id.is_some_and(|log_id| has_nearly_all(log_id.index)));
        View {
            members: membership.nodes().map(|(id, node)| (*id, node.clone())).collect(),
            voters: membership.voter_ids().collect(),
            current: current.map(|(id, _)| id).chain([self.id]).collect(),
        }
    }

    async fn take(&self, step: Step) -> Result<(), String> {
        let names = |ids: &BTreeSet<u64>| {
            let members = self.members();
            let names = ids.iter().filter_map(|id| Some(members.get(id)?.0.name.clone()));
            names.collect::<Vec<_>>().join(", ")
        };
        let (change, told) = match step {
            Step::Learn(id, member) => {
                let told =
                    format!("{} ({}) is a member of the cluster now", member.name, member.address);
                (ChangeMembers::AddNodes([(id, member)].into()), told)
            }
            Step::Readdress(id, member) => {
                let told = format!("{} is reached at {} now", member.name, member.address);
                (ChangeMembers::SetNodes([(id, member)].into()), told)
            }
            Step::Vote(ids) => {
                let told = format!("these members vote now: {}", names(&ids));
                (ChangeMembers::ReplaceAllVoters(ids), told)
            }
            Step::Leave(ids) => {
                let told = format!("no member of the cluster any more: {}", names(&ids));
                (ChangeMembers::RemoveNodes(ids), told)
            }
        };
        match self.raft.change_membership(change, true).await {
            Ok(_) => tracing::info!("{told}"),
            Err(error) => return Err(error.to_string()),
        }
        Ok(())
    }
}

/// The machines of the cluster, as the newest revision of `global` lists them. Blocks.
pub(super) fn listed(store: &Store) -> Result<Vec<Peer>, String> {
    let global = store.get(GLOBAL).map_err(|e| e.to_string())?;
    let place = global.place("boot", None).map_err(|e| e.to_string())?;
    let read = |name: &str| match global.find(&place, name) {
        Ok(Found::File(blob)) => Some(blob.content),
        _ => None,
    };
    let [msgc_server, mbus] = FILES.map(read);
    from_files(msgc_server.as_deref(), mbus.as_deref()).map_err(|e| format!("global/{e}"))
}

//! What the leader does by itself: it keeps the membership as `global/msgc_server.conf` has it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use openraft::ChangeMembers;
use tokio::task::{self, JoinSet};
use tokio::time::sleep;

use super::cluster::Cluster;
use super::membership::{Step, View, next};
use super::peers::Use;
use super::raft::Member;
use super::roster::Listed;
use super::settling::Asked;
use super::wire::STANDING;
use crate::momentum::is_same_node;
use crate::momentum::peers::{FILES, Peer, from_files};
use crate::repository::{Found, Store};

/// How often to look.
const PAUSE: Duration = Duration::from_secs(1);
/// Whoever is to vote answers within this time.
const ASK_TIME: Duration = Duration::from_secs(2);
/// Entries that a member may lack to vote: it has them in a moment.
const NEARLY: u64 = 64;
/// The subcluster with the list of members.
const GLOBAL: &str = "global";

impl Cluster {
    /// Keeps the membership as it is wanted, for as long as this server runs.
    pub(super) async fn keep_membership(self: Arc<Self>) {
        let mut told = String::new();
        let mut asked = Asked::default();
        loop {
            sleep(PAUSE).await;
            let store = self.store.clone();
            let Ok(peers) = task::spawn_blocking(move || listed(&store)).await else { continue };
            self.note_addresses(peers.as_deref().ok());
            if !self.is_leader() {
                continue;
            }
            let done = match peers {
                Ok(peers) => self.step_towards(&peers, &mut asked).await,
                Err(fault) => Err(fault),
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

    /// Whoever does not lead looks for members where they are listed, and were before, too.
    fn note_addresses(&self, peers: Option<&[Peer]>) {
        let addresses = &self.peers.addresses;
        if let Some(peers) = peers {
            addresses.set_listed(self.addresses_in(peers));
        }
        let mut members = self.kept.members();
        members.extend(self.members().into_values().map(|(member, _)| member));
        for member in &members {
            addresses.worked(&member.key, &member.address);
        }
        self.peers.keep_links(&members);
    }

    /// One step towards what is listed.
    async fn step_towards(&self, peers: &[Peer], asked: &mut Asked) -> Result<(), String> {
        let view = self.view();
        let wanted = self.settle(self.wanted(peers), &view.members, asked).await;
        match next(&wanted, &view) {
            Some(step) => self.take(step).await,
            None => Ok(()),
        }
    }

    /// Those who are listed, among those who have been let in and have come.
    fn wanted(&self, peers: &[Peer]) -> BTreeMap<u64, Member> {
        let state = self.kept.now();
        let mut wanted = BTreeMap::new();
        for (name, listed) in state.roster.admitted() {
            if let (Some(address), Some(id)) = (address_in(peers, name), listed.id) {
                wanted.insert(id, Member { name: name.clone(), address, key: listed.key.clone() });
            }
        }
        wanted
    }

    /// Where they are, by their keys.
    fn addresses_in(&self, peers: &[Peer]) -> BTreeMap<String, String> {
        let state = self.kept.now();
        let of = |(name, listed): (&String, &Listed)| {
            Some((listed.key.clone(), address_in(peers, name)?))
        };
        state.roster.admitted().filter_map(of).collect()
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

    /// Whether these could decide anything if they alone voted. Half way to voters of whom too few
    /// answer nothing can be decided any more, a better list neither.
    async fn must_answer(&self, voters: &BTreeSet<u64>) -> Result<(), String> {
        let mut asking = JoinSet::new();
        let members = self.members();
        for (member, _) in voters.iter().filter_map(|id| members.get(id)).cloned() {
            let (peers, is_own) = (self.peers.clone(), member.key == self.key);
            asking.spawn(async move {
                let link = peers.link(&member, Use::Talk);
                is_own || link.ask(STANDING, Vec::new(), ASK_TIME).await.is_ok()
            });
        }
        let answers = asking.join_all().await.into_iter().filter(|answers| *answers).count();
        match 2 * answers > voters.len() {
            true => Ok(()),
            false => Err(format!(
                "of the {} that would vote, as global/msgc_server.conf (or mbus.conf) lists them, {answers} can be reached, and more than half are needed; start them, or commit another list",
                voters.len(),
            )),
        }
    }

    async fn take(&self, step: Step) -> Result<(), String> {
        if let Step::Vote(ids) = &step {
            self.must_answer(ids).await?;
        }
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

/// Where they have the server of this name.
fn address_in(peers: &[Peer], name: &str) -> Option<String> {
    let peer = peers.iter().find(|peer| is_same_node(&peer.name.to_ascii_lowercase(), name))?;
    Some(peer.address.with_default_port().to_string())
}

/// The machines of the cluster, as the newest revision of `global` lists them. Blocks.
/// Bytes of a file that lists members: one is a line of it.
const MAX_FILE: usize = 1 << 20;

pub(super) fn listed(store: &Store) -> Result<Vec<Peer>, String> {
    let global = store.get(GLOBAL).map_err(|e| e.to_string())?;
    let place = global.place("boot", None).map_err(|e| e.to_string())?;
    let read = |name: &str| match global.find(&place, name, MAX_FILE) {
        Ok(Found::File(blob)) => Some(blob.content),
        _ => None,
    };
    let [msgc_server, mbus] = FILES.map(read);
    from_files(msgc_server.as_deref(), mbus.as_deref()).map_err(|e| format!("global/{e}"))
}

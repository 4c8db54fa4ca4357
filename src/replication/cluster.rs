//! This server as a member of a cluster.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use openraft::ServerState;
use rustls::ServerConfig;
use tokio::runtime::Handle;
use tokio::sync::{Notify, RwLock};

use super::known::Known;
use super::log_store::LogStore;
use super::network::Network;
use super::old_copy::OldCopy;
use super::peers::Peers;
use super::raft::{Member, Raft, config};
use super::state::Kept;
use super::state_machine::StateMachine;
use super::stopping::Patience;
use super::wire::{READ, ReadIndex};
use crate::repository::{Inbox, Store};

/// The leader is asked for so long how far a reader must wait.
const ASK_TIME: Duration = Duration::from_secs(5);

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
    /// Where it is written down who the members are.
    pub(super) introduction: PathBuf,
    pub(super) tls: Arc<ServerConfig>,
    pub(super) known: Arc<Known>,
    pub(super) runtime: Handle,
    pub(super) machine: StateMachine,
    /// Told when the file of accounts has been read again.
    pub(super) accounts_changed: Notify,
    /// Told when a repository should be looked through.
    pub(super) not_whole: Notify,
    /// Why repositories could not be mended, by subcluster.
    pub(super) not_mended: Mutex<HashMap<String, String>>,
    pub(super) patience: Patience,
    /// When a server has come here last.
    pub(super) came: Mutex<Option<Instant>>,
    /// Whether the others say that this server is no member any more.
    pub(super) is_put_out: AtomicBool,
    /// Held by whoever adds to the log; closed while another member is to lead.
    pub(super) entrance: RwLock<()>,
    /// Whether this server serves nobody.
    pub(super) only_votes: bool,
    pub(super) old_copy: OldCopy,
}

impl Cluster {
    /// Starts what is kept. Must run where there is a runtime.
    pub(super) async fn start(parts: Parts, runtime: Handle) -> io::Result<Arc<Self>> {
        let Parts {
            id,
            name,
            key,
            log,
            machine,
            spool_dir,
            introduction,
            tls,
            known,
            only_votes,
            old_copy,
        } = parts;
        let config = config(!old_copy.is_suspected()).validate().map_err(io::Error::other)?;
        let network = Network { peers: machine.peers.clone(), unwritten: log.unwritten() };
        let StateMachine { store, inbox, kept, peers, .. } = machine.clone();
        let own = machine.clone();
        let accounts_changed = Notify::new();
        let raft = Raft::new(id, config.into(), network, log, machine).await;
        let raft = raft.map_err(io::Error::other)?;
        known.opened(raft.metrics());
        if !old_copy.is_suspected() && votes_alone(&raft, id).await? {
            // There is nobody to wait for.
            raft.trigger().elect().await.map_err(io::Error::other)?;
        }
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
            introduction,
            tls,
            known,
            runtime,
            machine: own,
            accounts_changed,
            not_whole: Notify::new(),
            not_mended: Mutex::default(),
            patience: Patience::new(),
            came: Mutex::default(),
            is_put_out: AtomicBool::new(false),
            entrance: RwLock::default(),
            only_votes,
            old_copy,
        }))
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
        let kept = self.kept.now();
        // openraft says nothing before it has read the log.
        let membership = match metrics.membership_config.nodes().next() {
            Some(_) => metrics.membership_config.membership(),
            None => kept.membership.membership(),
        };
        let voters: Vec<u64> = membership.voter_ids().collect();
        let all = membership.nodes().map(|(id, node)| (*id, (node.clone(), voters.contains(id))));
        all.collect()
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

async fn votes_alone(raft: &Raft, id: u64) -> io::Result<bool> {
    let voters =
        raft.with_raft_state(|state| state.membership_state.effective().voter_ids().collect());
    let voters: Vec<u64> = voters.await.map_err(io::Error::other)?;
    Ok(voters == [id])
}

/// What a member is made of.
pub(super) struct Parts {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) key: String,
    pub(super) log: LogStore,
    pub(super) machine: StateMachine,
    pub(super) spool_dir: PathBuf,
    pub(super) introduction: PathBuf,
    pub(super) tls: Arc<ServerConfig>,
    pub(super) known: Arc<Known>,
    pub(super) only_votes: bool,
    pub(super) old_copy: OldCopy,
}

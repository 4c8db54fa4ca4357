//! What openraft is told of our cluster.

use std::time::Duration;

use openraft::SnapshotPolicy;
use serde::{Deserialize, Serialize};

use super::change::{Outcome, Proposal};
use super::manifest::Manifest;

openraft::declare_raft_types!(
    /// Entries, their outcomes, members and snapshots.
    pub(super) Types:
        D = Proposal,
        R = Outcome,
        NodeId = u64,
        Node = Member,
        SnapshotData = Manifest,
);

pub(super) type Raft = openraft::Raft<Types>;
pub(super) type LogId = openraft::LogId<u64>;
pub(super) type Membership = openraft::StoredMembership<u64, Member>;
pub(super) type StorageError = openraft::StorageError<u64>;

/// A server of the cluster, as the others reach it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    /// Its host name.
    pub(super) name: String,
    /// `HOST:PORT`.
    pub(super) address: String,
    /// Its key, as [`crate::tls::KeyId`] writes it.
    pub(super) key: String,
}

/// Milliseconds between two words of the leader.
const HEARTBEAT: u64 = 200;
/// Milliseconds after which another one stands for election, counted from when nobody need wait for
/// the leader any more: that is as long again as the most of these two, since its last word. So
/// commits stop for two seconds when a leader is lost.
const ELECTION: (u64, u64) = (600, 1000);
/// For so long a member votes for nobody else after the leader's last word, and a leader after its
/// election.
pub(super) const LEASE: Duration = Duration::from_millis(ELECTION.1);
/// Entries between two snapshots.
const SNAPSHOT_AFTER: u64 = 1000;
/// Entries kept behind a snapshot, for members that were away for a moment.
const KEPT_ENTRIES: u64 = 1000;
/// Entries sent at a time.
const ENTRIES_AT_ONCE: u64 = 64;
/// Milliseconds that a member may take to fetch what a snapshot names: one that is empty fetches
/// all repositories.
pub(super) const SNAPSHOT_TIME: u64 = 30 * 60 * 1000;

/// `elect` tells whether this member may stand for election from the start.
pub(super) fn config(elect: bool) -> openraft::Config {
    openraft::Config {
        cluster_name: "ecconfigd".into(),
        enable_elect: elect,
        heartbeat_interval: HEARTBEAT,
        election_timeout_min: ELECTION.0,
        election_timeout_max: ELECTION.1,
        install_snapshot_timeout: SNAPSHOT_TIME,
        snapshot_policy: SnapshotPolicy::LogsSinceLast(SNAPSHOT_AFTER),
        max_in_snapshot_log_to_keep: KEPT_ENTRIES,
        replication_lag_threshold: 2 * KEPT_ENTRIES,
        max_payload_entries: ENTRIES_AT_ONCE,
        ..openraft::Config::default()
    }
}

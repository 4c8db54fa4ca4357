//! What members say to each other: addresses, bodies, and their limits.

use std::io;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use openraft::{SnapshotMeta, Vote};
use serde::{Deserialize, Serialize};

use super::change::{Outcome, Proposal};
use super::manifest::Manifest;
use super::raft::{LogId, Member};
use crate::protocol::Id;
use crate::repository::{Entry, SmallPack};

/// Entries for the log, and the leader's word that it is there. Behind this and the next two
/// addresses stands the number of the log that is meant.
pub(super) const APPEND: &str = "/append";
/// Somebody stands for election.
pub(super) const VOTE: &str = "/vote";
/// A snapshot for a member that is too far behind.
pub(super) const SNAPSHOT: &str = "/snapshot";
/// A change for the leader.
pub(super) const PROPOSE: &str = "/propose";
/// How far a reader must have come who wants to see all that has been acknowledged.
pub(super) const READ: &str = "/read";
/// Who the members are, and how they are.
pub(super) const MEMBERS: &str = "/members";
/// How the member that is asked is.
pub(super) const STANDING: &str = "/standing";
/// How far the member that is asked has come: the end of its log, and its vote.
pub(super) const PROMISE: &str = "/promise";
/// A repository is to be compared with the log, and mended: the subcluster's name.
pub(super) const COMPARE: &str = "/compare";
/// A [`Bring`].
pub(super) const BRING: &str = "/bring";
/// Somebody else is to lead: the name of whom.
pub(super) const HAND_OVER: &str = "/hand-over";
/// The leader wants this member to lead.
pub(super) const LEAD: &str = "/lead";
/// A server that was let in is there: the number of its log, in digits. It is told who the members
/// are.
pub(super) const CAME: &str = "/came";
/// Who has been let in and is no member.
pub(super) const ADMITTED: &str = "/admitted";
/// A server is to be let in no more: its name.
pub(super) const PUT_OUT: &str = "/put-out";
/// A member is elsewhere: its name, and its address.
pub(super) const LOOK_AT: &str = "/look-at";
/// A pack, to be kept or to be had: `/packs/NAME`.
pub(super) const PACKS: &str = "/packs/";
/// What of a repository's history is missing.
pub(super) const OBJECTS: &str = "/objects";

/// The port on which the member that asks can be asked, in each of its requests.
pub(super) const PORT: &str = "ecconfigd-port";

/// Bytes of an answer in JSON.
pub(super) const MAX_ANSWER: usize = 16 << 20;
/// Bytes of a question in JSON: entries, and snapshots with all references.
pub(super) const MAX_QUESTION: usize = 64 << 20;

/// A body on its way.
pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A snapshot, and the vote of the leader that sends it.
#[derive(Serialize, Deserialize)]
pub(super) struct SnapshotSent {
    pub(super) vote: Vote<u64>,
    pub(super) meta: SnapshotMeta<u64, Member>,
    pub(super) manifest: Manifest,
}

/// What became of a change that was handed to the leader.
#[derive(Serialize, Deserialize)]
pub(super) enum Proposed {
    /// It has been decided, in the entry of this index.
    Decided { outcome: Outcome, index: u64 },
    /// Somebody else leads, if anybody.
    NotLeader(Option<u64>),
}

/// How a member is.
#[derive(Serialize, Deserialize)]
pub(super) struct Standing {
    pub(super) version: String,
    /// The last entry of its log.
    pub(super) log: u64,
    /// The last one that it has made.
    pub(super) applied: u64,
    /// Whether it serves nobody.
    #[serde(default)]
    pub(super) only_votes: bool,
}

/// How far a member has come.
#[derive(Serialize, Deserialize)]
pub(super) struct Promise {
    /// The end of its log.
    pub(super) last: Option<LogId>,
    /// Whom it follows, or has voted for.
    pub(super) vote: Vote<u64>,
}

/// A change for the leader.
#[derive(Serialize, Deserialize)]
pub(super) struct Propose {
    pub(super) proposal: Proposal,
}

/// A change of a subcluster that must go through the member that is asked.
#[derive(Serialize, Deserialize)]
pub(super) struct Bring {
    pub(super) entry: Entry,
    pub(super) small: Option<SmallPack>,
}

/// Which objects of a repository are missing.
#[derive(Serialize, Deserialize)]
pub(super) struct Objects {
    pub(super) subcluster: String,
    pub(super) wants: Vec<Id>,
    pub(super) haves: Vec<Id>,
}

/// The index that a reader must have come to; none at a member that does not lead.
#[derive(Serialize, Deserialize)]
pub(super) struct ReadIndex(pub(super) Option<u64>);

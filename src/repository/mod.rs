//! The repositories: one bare git repository for each subcluster, through libgit2. Everything here
//! blocks; the floors above call it from threads made for that.
//!
//! A change comes in three steps. A pushed pack is indexed in a *quarantine* ([`Quarantine`]),
//! *policy* judges it there ([`judge`]), and *apply* ([`Store::apply`]) takes it in and moves the
//! references, comparing their old values under the lock that writes the new ones. What readers
//! see is a [`Snapshot`], replaced as a whole after each change; or before it is on the disk
//! ([`Store::show_ahead`]), if a log has it.
//!
//! Fetches are answered from *segments* (`segment`), which lie in `ecconfigd-cache` in each
//! repository, beside the numbers of its revisions (`revision_file`). All of that can be made again
//! from the repository. In the background (`upkeep`) many packs become few (`consolidate`).

mod ahead;
mod apply;
mod branch;
mod changed_paths;
mod check;
mod consolidate;
mod copy;
mod create;
mod damage;
mod deltas;
mod durable;
mod entry;
mod enumerate;
mod error;
mod file_names;
mod files;
mod handles;
mod head;
mod headers;
mod inbox;
mod intake;
mod journal;
mod judge;
mod locked;
mod mend;
mod name;
mod negotiate;
mod newest_whole;
mod on_disk;
mod orders;
mod overlay;
mod pack;
mod pack_copy;
mod pack_index;
mod pack_list;
mod prepared;
mod quarantine;
mod reachable;
mod ref_log;
mod reserve;
mod restore;
mod revision_file;
mod revisions;
mod segment;
mod shallow;
mod small_pack;
mod snapshot;
mod spool;
mod store;
mod subcluster;
mod suspects;
mod syncing;
mod templates;
mod tidy;
mod tree_extent;
mod tree_rules;
mod trees;
mod upkeep;

pub use apply::Applied;
pub use branch::{BOOT, RUNNING};
pub use entry::{Author, Change, Entry, Move, RefUpdate};
pub use error::Error;
pub use files::{Blob, DirEntry, EntryKind, Found, Place, is_text};
pub use head::Head;
pub use inbox::Inbox;
pub use intake::{Allowance, Intake};
pub use judge::{Rights, Verdict, judge};
pub use mend::Moved;
pub use name::Name;
pub use on_disk::{FileKind, OnDisk, Standing, file_kind, pack_ids};
pub use orders::Orders;
pub use pack::FetchAnswer;
pub use prepared::Prepared;
pub use quarantine::Quarantine;
pub use restore::Ref;
pub use segment::{InTheMaking, Pushed};
pub use small_pack::SmallPack;
pub use snapshot::{RefValue, Snapshot};
pub use spool::{Spool, SpoolReader, SpoolWriter};
pub use store::Store;
pub use subcluster::Subcluster;
pub use suspects::Suspects;

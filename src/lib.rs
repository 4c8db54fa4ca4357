//! ecconfigd, the configuration server of a mail cluster: git repositories over TLS on port 2027.
//!
//! The map. Each floor calls only those above it in this list:
//!
//! | floor | what it knows |
//! |---|---|
//! | [`layout`], [`events`] | every path, below one root; the ids of what operators act on |
//! | [`process`] | what each program gives up at its start |
//! | [`files`] | files written atomically, and whose they are |
//! | [`libgit2`] | the settings of that library |
//! | [`momentum`] | the vendor's files: configuration syntax, cluster.boot, environment, peers |
//! | [`accounts`] | names, roles and hashed passwords |
//! | [`tls`] | certificates: made, renewed, served |
//! | [`protocol`] | git's wire format, without I/O |
//! | [`node`] | eccfg: stands beside the floors below, on those above |
//! | [`repository`] | libgit2: quarantine, policy, compare-and-swap, packs, files. Blocks |
//! | [`replication`] | the one function through which every change goes: to this server, or to all of a cluster |
//! | [`backup`] | all that a server has in one archive: made, checked, put back |
//! | [`server`] | HTTP: connections, routes, who asks, bounded work, draining |
//! | [`daemon`] | the process: arguments, log, sockets, first start, signals |
//!
//! Five ways through it:
//!
//! - **A file is read**: `server::accept` → `connection` → `service` → `route` → `auth` → `file` →
//!   [`repository::Subcluster::place`] and `find`, on handles that stay open.
//! - **A change is committed**: … → `receive_pack` takes the body in (`body`, spooled to disk) →
//!   `push`: [`protocol::PushRequest`] → [`repository::Quarantine`] → [`repository::judge`()] →
//!   [`replication::Log::propose`] → [`repository::Store::apply`], the one place where
//!   references move → the new [`repository::Snapshot`] is published → the report.
//! - **It is committed in a cluster**: … → `propose` puts a small pack into the entry and gives a
//!   large one to the other members (`replication::proposing`, over `peers` and `link`), and brings the
//!   entry to the leader, which has a majority write it down (openraft: `raft`, `log_store`, `network`)
//!   → every member makes it in the order of the log (`making`): shows it to readers
//!   ([`repository::Store::show_ahead`]), tells whoever waits here (`waiting`), who reports, and only
//!   then writes it into the repository (`Store::apply`).
//! - **A node is brought up to date**: `info_refs` and `ls-refs` are answered from the snapshot in
//!   memory; `upload_pack` → [`repository::Subcluster::fetch`] negotiates, and the pack is put
//!   together from *segments*, which are kept: a base and the changes since, or the changes alone.
//!   Equal questions share one answer. What no segments fit (cut histories, filters, odd haves) is
//!   selected by comparing trees with their parents' and spooled before its first byte is sent.
//! - **A node asks whether there is anything new**: `subclusters` answers from the snapshots, mostly
//!   with 304; with `wait=` when a snapshot is published that makes another answer.
//!
//! What nobody waits for (segments of accepted changes, new bases, few packs instead of many) is done
//! by the thread that [`repository::Store::start_upkeep`] starts.
//!
//! Blocking work runs on threads made for it, through `server::places`, which bounds how much of
//! each kind there is and how many wait for it.

pub mod accounts;
pub mod backup;
pub mod daemon;
pub mod events;
pub mod files;
pub mod layout;
pub mod libgit2;
pub mod momentum;
pub mod node;
pub mod process;
pub mod protocol;
pub mod replication;
pub mod repository;
pub mod server;
pub mod tls;

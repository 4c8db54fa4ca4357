//! The log through which every change goes.
//!
//! A server that stands alone is a cluster of one: what it proposes is accepted at once, and there
//! is no log. When an administrator lets a second server in (`joining`), the first one begins a
//! *cluster*: a log in `database`, kept by openraft (`raft`, `log_store`, `state_machine`), with one
//! entry (`change`) for each change of anything, which every member makes (`making`). Each write to it
//! (`tables`) is in a `journal` too (`record`), from which a start (`opening`) makes again what the
//! database has lost. Small packs are
//! in the entries that bring them; others travel ahead and are on the disks of a majority before an
//! entry is proposed (`proposing`), and who lacks one fetches it (`arrival`). The leader's disk gets an
//! entry while the others do (`unwritten`), and whoever waits for one is told when readers see it
//! (`waiting`), for it can be made again from the log. Who is far behind gets a snapshot
//! (`manifest`) and fetches the objects it names (`giving`). The log is right: a repository that
//! somebody has changed by hand, or that is damaged, is looked for (`mending`) and brought back
//! (`repairing`), also in the middle of making an entry.
//!
//! Members speak HTTP/2 with mutual TLS on the port that clients use (`peers`, `link`, `network`,
//! `service`; `wire` has the words). Whom administrators have let in is in the `roster`
//! (`admissions`); who is a member, and votes, follows from it and from `global/msgc_server.conf`
//! (`membership`, `leading`), once it has answered where it is listed (`settling`, `addresses`). What a
//! key may ask follows from who is a member (`known`, `asker`).

mod addresses;
mod admissions;
mod arrival;
mod asker;
mod change;
mod cluster;
mod database;
#[cfg(test)]
mod decided_twice;
mod ends;
mod giving;
mod handing_over;
mod joining;
mod journal;
mod known;
#[cfg(test)]
mod late_answers;
mod leading;
mod link;
mod local;
mod log;
mod log_store;
mod making;
mod manifest;
mod members;
mod membership;
mod mending;
mod network;
mod old_copy;
mod opening;
mod peers;
mod place;
mod proposing;
mod raft;
mod recent;
mod record;
mod recover;
mod releasing;
mod repairing;
mod roster;
mod sealed;
mod service;
mod settling;
mod sharing;
mod standing;
mod start;
mod state;
mod state_machine;
mod stepping_aside;
mod stopping;
mod stream;
#[cfg(test)]
mod suite;
mod tables;
mod unwritten;
mod waiting;
mod wire;

pub use admissions::Admitted;
pub use joining::Introduction;
pub use local::{ask_admitted, ask_members, look_at, put_out};
pub use log::Log;
pub use recover::recover;
pub use standing::MemberNow;
pub use start::{Setting, known_members, put_aside};

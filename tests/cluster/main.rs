//! Several servers that make up a cluster: the real binaries, on one machine.

#[path = "../server/fixture/mod.rs"]
#[allow(dead_code, unused_imports, reason = "it is the server's tests' own")]
mod fixture;

mod accounts;
mod addresses;
mod as_member;
mod big_change;
mod by_hand;
mod damaged_accounts;
mod damaged_log;
mod damaged_repository;
mod disks;
mod joining;
mod late_member;
mod load;
mod machines;
mod majority;
mod members_only;
mod old_copies;
mod orders;
mod pushes;
mod put_out;
mod recovery;
mod restoring;
mod rolling_restart;
mod stopping;
mod stuck;
mod vote_only;

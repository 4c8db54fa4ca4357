//! eccfg against the real server.

#[path = "../server/fixture/mod.rs"]
#[allow(dead_code, unused_imports, reason = "it is the server's tests' own")]
mod fixture;

mod answers;
mod attributes;
mod bad_disk;
mod commands;
mod connecting;
mod crash;
mod damaged;
mod disk_full;
mod fake;
mod fetch;
mod interrupted;
mod late_edits;
mod lost_answers;
mod machine;
mod merge_like_git;
mod moments;
mod node;
mod odd_places;
mod one_file;
mod passwords;
mod push;
mod subclusters;
mod trust;

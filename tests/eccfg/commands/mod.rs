//! One file for each command, with the real binaries.

mod bootstrap;
mod cat;
mod clone_overlay;
mod commit;
mod delete;
mod diff;
mod info;
mod log;
mod merging;
mod nodes;
mod options;
mod passwords;
mod pull;
mod put;
mod resolve;
mod revert;
mod rollback;
mod status;
mod store_password;
mod subcluster;
mod together;
mod trust;
mod two_nodes;
mod watch;

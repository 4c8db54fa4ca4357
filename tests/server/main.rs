//! The server as its users meet it: the real binary, real git and curl. One file for each behaviour,
//! one program for all of them, so that there is one link.

mod fixture;

mod accounts;
mod arguments;
mod broken_repository;
mod by_hand;
mod certificate;
mod clone_and_push;
mod concurrency;
mod conflict;
mod content;
mod copying;
mod crash;
mod directories;
mod disk;
mod events;
mod faults;
mod files;
mod first_start;
mod guessing;
mod health;
mod htdigest;
mod journal;
mod kept_connections;
mod logging;
mod malformed;
mod master;
mod memory;
mod other_clients;
mod partial;
mod ping;
mod readme;
mod recurring_trees;
mod references;
mod requests;
mod shallow;
mod sockets;
mod stopping;
mod subclusters_create;
mod subclusters_list;
mod systemd;
mod urls;
mod waiting;
mod waiting_herd;
mod welcome;

//! ecconfigd.
pub mod accounts;
pub mod daemon;
pub mod layout;
pub mod momentum;
pub mod protocol;
pub mod replication;
pub mod repository;
pub mod server;
pub mod tls;

//! The vendor's files: the configuration grammar, cluster.boot, environment, and the messaging
//! bus's files. Texts in, values out; nothing of ours is called from here.

mod address;
mod cluster_boot;
pub mod config;
mod environment;
mod node_name;
pub mod peers;
#[cfg(test)]
mod samples;

pub use address::{Address, AddressError};
pub use cluster_boot::{AutoUpdate, ClusterBoot, ClusterBootError, DEFAULT_PORT, RepoSource};
pub use environment::{BadLine, Environment};
pub use node_name::{is_node_name, is_same_node};

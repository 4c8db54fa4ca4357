//! eccfg, the nodes' tool: a working copy of the configuration, brought up to date and committed.
//!
//! `main` reads the [`args`] and calls one of the commands. A command asks the server through
//! [`remote`] and changes files through [`working_copy`], and nothing else does either.

mod error;
mod owner;
pub mod password;
pub mod remote;
pub mod trust;

pub use error::Error;
use owner::owner;

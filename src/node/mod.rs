//! eccfg, the nodes' tool: a working copy of the configuration, brought up to date and committed.
//!
//! `main` reads the [`args`] and calls one of the commands. A command asks the server through
//! [`remote`] and changes files through [`working_copy`], and nothing else does either.

mod error;
pub mod remote;

pub use error::Error;

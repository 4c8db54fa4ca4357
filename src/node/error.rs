//! Why a command ends with less than success.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use super::remote;

/// Each tells what happened, to what, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing is broken: the person has to decide something first.
    #[error("{0}")]
    Refused(String),
    /// The command line cannot be understood.
    #[error("{0}")]
    Usage(String),
    /// The server, or the way to it.
    #[error(transparent)]
    Remote(#[from] remote::Error),
    /// A file or directory of this machine.
    #[error("{path}: {source}")]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The working copy's repositories.
    #[error("the working copy's repository failed: {}", .0.message())]
    Git(#[from] git2::Error),
}

impl Error {
    /// The exit code, as the manual lists them.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Refused(_) => 1,
            Self::Usage(_) => 2,
            Self::Remote(error) => error.exit_code(),
            Self::File { .. } | Self::Git(_) => 6,
        })
    }
}

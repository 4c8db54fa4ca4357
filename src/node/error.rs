//! Why a command ends with less than success.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use git2::{ErrorClass, ErrorCode};

use super::advice::sentence;
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
    #[error("{path}: {}", sentence(&.source.to_string()))]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// All is done but for telling the mail server.
    #[error("{0}")]
    Reload(String),
    /// The working copy's repositories.
    #[error("{}", of_repository(.0))]
    Git(#[from] git2::Error),
}

impl Error {
    /// Wraps what the system said of `path`; for `map_err`.
    pub(in crate::node) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }

    /// The exit code, as the manual lists them.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Refused(_) => 1,
            Self::Usage(_) => 2,
            Self::Remote(error) => error.exit_code(),
            Self::File { .. } | Self::Git(_) => 6,
            Self::Reload(_) => 7,
        })
    }
}

fn of_repository(error: &git2::Error) -> String {
    let why = sentence(error.message());
    match (error.code(), error.class()) {
        (ErrorCode::NotFound, ErrorClass::Odb) => format!(
            "the working copy's repository is damaged ({why}): move the working copy away and run eccfg \
             bootstrap again, then copy your changes back"
        ),
        _ => format!("the working copy's repository failed: {why}"),
    }
}

//! What can go wrong between a node and its server.

use crate::node::advice::sentence;

/// Each names the server and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name or the password is wrong, or the account may not do this.
    #[error("{0}")]
    Authentication(String),
    /// The server cannot be reached, or ends the conversation too early, or is out of order.
    #[error("{0}")]
    Connection(String),
    /// It is not known to be the right server.
    #[error("{0}")]
    Certificate(String),
    /// The server understood and refuses.
    #[error("{0}")]
    Refused(String),
    /// The subcluster, or what was asked for of it, is not there.
    #[error("{0}")]
    NotFound(String),
    /// The subcluster is in CONFLICT, or what was asked for contradicts what is there.
    #[error("{0}")]
    Conflict(String),
    /// Somebody else has changed the branch in the meantime; nothing was changed.
    #[error("{subcluster} has newer changes on the server: run `eccfg pull` first")]
    Stale {
        /// Of which subcluster.
        subcluster: String,
    },
    /// This machine's side failed: its disk, or the working copy's repository.
    #[error("{0}")]
    Local(String),
}

impl Error {
    /// The exit code, as the manual lists them.
    pub(in crate::node) fn exit_code(&self) -> u8 {
        match self {
            Self::Refused(_) | Self::NotFound(_) | Self::Conflict(_) | Self::Stale { .. } => 1,
            Self::Authentication(_) => 3,
            Self::Connection(_) => 4,
            Self::Certificate(_) => 5,
            Self::Local(_) => 6,
        }
    }

    /// libgit2 failed while it did this.
    pub(super) fn git(doing: &str, error: &git2::Error) -> Self {
        Self::local(doing, error.message())
    }

    /// The file system failed while this was done.
    pub(super) fn io(doing: &str, error: &std::io::Error) -> Self {
        Self::local(doing, &error.to_string())
    }

    fn local(doing: &str, why: &str) -> Self {
        Self::Local(format!("{doing} failed: {}", sentence(why)))
    }
}

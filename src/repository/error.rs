//! What can go wrong with a repository.

use std::io;

use super::{InTheMaking, Name};
use crate::protocol;

/// A failure, with its cause for the log. What clients are told of it is decided in `server`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No subcluster of this name.
    #[error("there is no subcluster \"{0}\"")]
    NoSubcluster(String),
    /// There is one of this name already.
    #[error("there is a subcluster \"{0}\" already")]
    Exists(Name),
    /// The repository is there but cannot be opened or read.
    #[error("the repository of subcluster {name} cannot be read")]
    Unreadable {
        /// The subcluster.
        name: String,
        /// Why.
        source: Box<Self>,
    },
    /// What is there is a repository of the original's.
    #[error("it is a Subversion repository of the original")]
    Subversion,
    /// No such branch, revision, file or object.
    #[error("{0}")]
    NotFound(String),
    /// The request contradicts itself or the protocol.
    #[error(transparent)]
    Protocol(#[from] protocol::Error),
    /// The pack that was pushed is not whole or not allowed.
    #[error("{0}")]
    BadPack(String),
    /// Whoever asked for it has gone.
    #[error("the client went away")]
    Unwanted,
    /// A reference cannot be made or changed, for a reason that clients may know.
    #[error("{0}")]
    BadRef(String),
    /// Another program holds what must be locked for a change.
    #[error("{0} is locked by another program; try again")]
    Locked(String),
    /// The subcluster is in CONFLICT.
    #[error(
        "subcluster {0} is in CONFLICT: updates and commits are refused until an administrator runs eccfg subcluster resolve {0}"
    )]
    InConflict(Name),
    /// The repository is not whole; what is wrong, in words for clients.
    #[error("{0}")]
    Unsound(String),
    /// A reference is not what the change was made against.
    #[error("{name} has been changed by somebody else")]
    Stale {
        /// The reference.
        name: String,
    },
    /// The cluster has not taken the change; why, in words for clients.
    #[error("{0}")]
    Unreplicated(String),
    /// No room is left where the repositories are.
    #[error("the disk is full")]
    DiskFull,
    /// The file system where the repositories are can only be read.
    #[error("the disk cannot be written: it is mounted read-only")]
    DiskReadOnly,
    /// Somebody else is making what is asked for: ask again when that is done.
    #[error("what is asked for is being made for somebody else")]
    InTheMaking(InTheMaking),
    /// libgit2 failed.
    #[error("git: {0}")]
    Git(git2::Error),
    /// The file system failed.
    #[error("file system: {0}")]
    Io(io::Error),
}

impl Error {
    /// Whether the repository, and not what was asked of it, is at fault. So it is where a lock was
    /// not to be had: libgit2 has then forgotten a packed reference that it has not removed.
    pub fn is_broken(&self) -> bool {
        use Error::{DiskFull, DiskReadOnly, Git, Io, Locked, Subversion, Unreadable};
        let is_files = matches!(self, DiskFull | DiskReadOnly | Git(_) | Io(_) | Locked(_));
        is_files || matches!(self, Unreadable { .. } | Subversion)
    }
}

impl From<git2::Error> for Error {
    fn from(error: git2::Error) -> Self {
        // libgit2 keeps errno only as the text that strerror gave it.
        match error.message() {
            text if text.contains("No space left on device") => Self::DiskFull,
            text if text.contains("Read-only file system") => Self::DiskReadOnly,
            _ => Self::Git(error),
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            io::ErrorKind::ReadOnlyFilesystem => Self::DiskReadOnly,
            _ => Self::Io(error),
        }
    }
}

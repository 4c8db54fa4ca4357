use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::limits::MAX_ENTRIES;
use crate::repository;

/// Why a backup cannot be made, checked or restored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The archive cannot be written.
    #[error("the backup cannot be written: {0}")]
    Write(io::Error),
    /// The archive cannot be read.
    #[error("the backup cannot be read: {0}")]
    Read(io::Error),
    /// A file or directory beside the archive fails.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is something else.
    #[error("this is no backup of ecconfigd: {0}")]
    NotABackup(String),
    /// A later program has made it.
    #[error(
        "this backup is of form {format}, and this program (ecconfigd {}) knows form {} and older ones: use ecconfigd {program} or a newer one",
        env!("CARGO_PKG_VERSION"),
        super::manifest::FORMAT
    )]
    Newer {
        /// Its form.
        format: u32,
        /// The program that made it.
        program: String,
    },
    /// It is not as it was made.
    #[error("this backup is damaged: {0}")]
    Damaged(String),
    /// The accounts would be missing.
    #[error("there would be no accounts in this backup: {0}; mend that first (ecconfigd passwd)")]
    Accounts(String),
    /// A repository is not whole.
    #[error("subcluster {subcluster} is not whole: {source}")]
    NotWhole {
        /// Whose.
        subcluster: String,
        /// What is wrong.
        source: repository::Error,
    },
    /// It holds more than a backup can.
    #[error(
        "there are more files than a backup can hold ({MAX_ENTRIES}): run git gc in the repositories"
    )]
    TooMany,
    /// What is asked for cannot be done as it was said.
    #[error("{0}")]
    Refused(String),
}

impl Error {
    pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::File { path, source }
    }

    /// Whether what was looked at is wrong, and not the looking.
    pub fn is_of_the_content(&self) -> bool {
        use Error::{Damaged, Newer, NotABackup, NotWhole};
        matches!(self, Damaged(_) | Newer { .. } | NotABackup(_) | NotWhole { .. })
    }

    /// Whether there is no room.
    pub fn is_full_disk(&self) -> bool {
        let is_full = |error: &io::Error| {
            matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
        };
        match self {
            Self::Write(error) | Self::File { source: error, .. } => is_full(error),
            Self::NotWhole { source, .. } => matches!(source, repository::Error::DiskFull),
            _ => false,
        }
    }
}

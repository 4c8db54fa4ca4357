//! What can be wrong with accounts.

use std::io;
use std::path::PathBuf;

/// A failure, told to the administrator.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// "read", "write" or "lock".
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file of a member of a cluster is not there, or nothing is in it.
    #[error("{} is gone or empty, and nothing was changed: start ecconfigd, which writes it again with what the cluster has, and try again", path.display())]
    Gone {
        /// Which file.
        path: PathBuf,
    },
    /// A line is not `NAME:ROLE:HASH`.
    #[error("{} line {line}: expected NAME:ROLE:HASH; mend the line or remove it and run `ecconfigd passwd`", path.display())]
    BadLine {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// The name cannot be an account's.
    #[error("\"{0}\" cannot be an account's name: use letters, digits and . _ @ -, 64 at the most")]
    BadName(String),
    /// There is no account of this name in the file.
    #[error(
        "there is no account {0}, and nothing was changed: `ecconfigd users` lists those that there are"
    )]
    NoAccount(String),
    /// The account is the only one that may change anything.
    #[error(
        "{0} is the only administrator, and nothing was changed: make another one first (ecconfigd passwd --role administrator NAME)"
    )]
    LastAdministrator(String),
    /// The password of the account is in the original's file, which is not ours to write.
    #[error("{name} stands in {}, and nothing was changed: take its line out of that file first, or its old password would be good again", path.display())]
    InHtDigest {
        /// Whose account.
        name: String,
        /// Which file.
        path: PathBuf,
    },
    /// The password is empty or too long.
    #[error("the password must have between 1 and {max} bytes and no control characters", max = super::MAX_PASSWORD)]
    BadPassword,
    /// The system gave no random numbers, or hashing failed.
    #[error("the password could not be hashed: {0}")]
    Hash(String),
}

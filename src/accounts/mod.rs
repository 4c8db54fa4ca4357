//! Who may use the server: names, roles, and passwords that only their hashes are kept of.
//!
//! The accounts are a file ([`File`]), which `ecconfigd passwd` and the server change under a lock.
//! A running server holds them as [`Accounts`], replaced as a whole when the file changes. In a cluster
//! the file is a copy of what the log has led to, and what is changed on one member is noted beside it
//! ([`Noted`]) until the others have been told.

mod error;
mod file;
mod htdigest;
mod known;
mod lock_file;
mod noted;
mod password;
mod role;
mod stamp;

pub use error::Error;
pub use file::{Entries, Entry, File};
pub use known::{Account, Accounts, OfCluster, old_names};
pub use noted::Noted;
pub use password::{check_password, generate};
pub use role::Role;

/// The administrator's account.
pub const ADMIN: &str = "admin";
/// The account with which nodes pull.
pub const SERVICE: &str = "ecuser";
/// What browsers and git show when they ask for a password; it is part of the hashes in an
/// htdigest file.
pub const REALM: &str = "ecconfigd repo";
/// The longest password, in bytes. Hashing longer ones would only cost time.
pub const MAX_PASSWORD: usize = 1024;

//! Where a subcluster stands.

use serde::{Deserialize, Serialize};

use crate::protocol::Id;

/// The newest revision of the live configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Its commit.
    pub commit: Id,
    /// The number shown to people: commits from the first one to this, by first parents.
    pub revision: u64,
}

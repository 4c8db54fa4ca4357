//! What an archive says of itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::sums::Sum;
use crate::protocol::Id;

/// The version of the form. A program refuses newer ones than it knows.
pub(super) const FORMAT: u32 = 1;

/// The first file of an archive. Its fields stay readable in every later form.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Format {
    /// The version of the form.
    pub format: u32,
    /// The version of the program that made it.
    pub program: String,
    /// When it was made, in seconds since 1970.
    pub made: i64,
    /// Of a member of a cluster, its host name and the names of all members.
    #[serde(default)]
    pub member: Option<Member>,
}

/// What a server was in a cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Member {
    /// Its host name.
    pub name: String,
    /// The host names of all.
    pub members: Vec<String>,
}

/// The last file of an archive.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) subclusters: BTreeMap<String, Stand>,
    /// All files but this one, by their names in the archive.
    pub(super) files: BTreeMap<String, Sum>,
}

/// Where a subcluster stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stand {
    /// The newest revision; none in an empty repository.
    pub revision: Option<u64>,
    /// Its commit.
    pub commit: Option<Id>,
    /// How many references there are.
    pub references: usize,
    /// How many objects they lead to.
    pub objects: usize,
}

//! The one form that every change of a repository takes.

use serde::{Deserialize, Serialize};

use crate::protocol::Id;

/// A change, small enough for a replicated log. All of its updates happen or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The subcluster whose repository changes.
    pub subcluster: String,
    /// The references that change.
    pub updates: Vec<RefUpdate>,
    /// The pack that brings the new objects, by its content's name; none if all are there already.
    pub pack: Option<String>,
    /// The account that asked for it.
    pub who: String,
    /// The address it was asked from.
    pub from: String,
    /// When, in seconds since 1970.
    pub when: i64,
}

/// One reference and what it changes from and to; zero stands for "not there".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefUpdate {
    /// The full name, such as `refs/heads/boot`.
    pub name: String,
    /// The value it must have for the change to happen.
    pub old: Id,
    /// The value it gets.
    pub new: Id,
}

impl RefUpdate {
    /// The update that undoes this one.
    pub(super) fn reversed(&self) -> Self {
        Self { name: self.name.clone(), old: self.new, new: self.old }
    }
}

impl From<git2::Oid> for Id {
    fn from(oid: git2::Oid) -> Self {
        let mut bytes = [0; 20];
        bytes.copy_from_slice(oid.as_bytes());
        Self::from_bytes(bytes)
    }
}

impl From<Id> for git2::Oid {
    fn from(id: Id) -> Self {
        Self::from_bytes(id.as_bytes()).expect("an id has the 20 bytes of an oid")
    }
}

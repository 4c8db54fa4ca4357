//! The one form that every change takes.

use git2::{Signature, Time};
use serde::{Deserialize, Serialize};

use super::Error;
use crate::protocol::Id;

/// A change of one subcluster, small enough for a replicated log. Making it a second time changes
/// nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The subcluster's name.
    pub subcluster: String,
    /// What changes.
    pub change: Change,
    /// Who asked for it.
    pub author: Author,
}

/// What can be done to a subcluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// References move.
    Move(Move),
    /// The subcluster is made, with these references.
    Create(Move),
    /// The subcluster goes into CONFLICT.
    BeginConflict,
    /// CONFLICT ends.
    EndConflict,
    /// A member becomes the MASTER and stays it.
    Pin {
        /// Its host name.
        node: String,
    },
    /// The MASTER is elected again.
    Resume {
        /// The host name of the member that is MASTER until then.
        node: String,
    },
}

/// References that move together: all of them or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// Each reference once.
    pub updates: Vec<RefUpdate>,
    /// The pack that brings the new objects, by its content's name; none if all are there already.
    pub pack: Option<String>,
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

/// Who asked for a change, whence and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// The account.
    pub who: String,
    /// The address it was asked from.
    pub from: String,
    /// In seconds since 1970.
    pub when: i64,
}

impl RefUpdate {
    /// The update that undoes this one.
    pub(super) fn reversed(&self) -> Self {
        Self { name: self.name.clone(), old: self.new, new: self.old }
    }
}

impl Author {
    /// The author as git writes people down.
    pub(super) fn signature(&self) -> Result<Signature<'static>, Error> {
        let address = format!("{}@{}", self.who, self.from);
        Ok(Signature::new(&self.who, &address, &Time::new(self.when, 0))?)
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

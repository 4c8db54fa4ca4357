//! What the cluster's log holds, in the form in which it is kept: an entry that one version has
//! written must be read by the next.

use serde::{Deserialize, Serialize};

use crate::accounts;
use crate::repository::{Applied, Entry, Error, Name, SmallPack};

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Proposal {
    /// The first form.
    V1(Change),
}

/// Something that all members do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Change {
    /// A change of a subcluster.
    Subcluster {
        /// What changes.
        entry: Entry,
        /// The host name of the member that brings it.
        through: String,
        /// Its pack, if that is small; others travel ahead.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        small: Option<SmallPack>,
        /// Who waits for what comes of it, at that member; 0 for nobody.
        #[serde(default, skip_serializing_if = "is_nobody")]
        ticket: u64,
    },
    /// An account is made, changed, or removed, if it still is what it was: whoever asks twice takes
    /// back nothing that came between.
    Account {
        /// Its name.
        name: String,
        /// What it was.
        from: Option<accounts::Entry>,
        /// What it becomes.
        account: Option<accounts::Entry>,
    },
    /// An administrator lets a server in, or ends that.
    LetIn {
        /// Its host name.
        name: String,
        /// Its key; empty when it is to be let in no more. Every version reads that as a key that no
        /// server has, so members that cannot be asked for their version need not be asked.
        key: String,
    },
    /// A server that was let in has come, or came back with an empty disk.
    Came {
        /// Its key.
        key: String,
        /// The number of its new log.
        id: u64,
    },
}

fn is_nobody(ticket: &u64) -> bool {
    *ticket == 0
}

/// What came of an entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Outcome {
    /// Nothing that anybody waits for.
    Done,
    /// A subcluster has been changed.
    Applied(Applied),
    /// It was not to be.
    Refused(Refusal),
}

/// Why a change of a subcluster was not made: the same at every member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Refusal {
    NoSubcluster(String),
    Exists(String),
    Stale(String),
    InConflict(String),
    /// Commits go through this member only.
    Pinned {
        subcluster: String,
        to: String,
    },
    Other(String),
}

impl Proposal {
    pub(super) fn new(change: Change) -> Self {
        Self::V1(change)
    }

    /// Its pack, if that is small.
    pub(super) fn small(&self) -> Option<&SmallPack> {
        match self {
            Self::V1(Change::Subcluster { small, .. }) => small.as_ref(),
            Self::V1(_) => None,
        }
    }

    /// The pack that the entry names.
    pub(super) fn pack(&self) -> Option<&str> {
        use crate::repository::Change::{Create, Move};
        let Self::V1(Change::Subcluster { entry, .. }) = self else { return None };
        match &entry.change {
            Move(change) | Create(change) => change.pack.as_deref(),
            _ => None,
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::NoSubcluster(name) => Self::NoSubcluster(name),
            Error::Exists(name) => Self::Exists(name.to_string()),
            Error::Stale { name } => Self::Stale(name),
            Error::InConflict(name) => Self::InConflict(name.to_string()),
            other => Self::Other(other.to_string()),
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let named = |name: &str, error: fn(Name) -> Self| {
            Name::new(name).map_or_else(|| Self::NoSubcluster(name.to_owned()), error)
        };
        match refusal {
            Refusal::NoSubcluster(name) => Self::NoSubcluster(name),
            Refusal::Exists(name) => named(&name, Self::Exists),
            Refusal::Stale(name) => Self::Stale { name },
            Refusal::InConflict(name) => named(&name, Self::InConflict),
            Refusal::Pinned { subcluster, to } => Self::Unreplicated(format!(
                "commits to {subcluster} are accepted through {to} only (eccfg override), and {to} cannot be reached; commit when it is back, or end the override: eccfg resume {subcluster} NODE"
            )),
            Refusal::Other(text) => Self::BadRef(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As version 4.0.0 writes them: these must be read for ever.
    const WRITTEN: &[&str] = &[
        r#"{"V1":{"Subcluster":{"entry":{"subcluster":"default","change":{"Move":{"updates":[{"name":"refs/heads/boot","old":"0000000000000000000000000000000000000000","new":"86c149105d4a2b0fa0a4a01fe85c5e5a7e1c5b11"}],"pack":"0123456789abcdef0123456789abcdef01234567"}},"author":{"who":"admin","from":"192.0.2.1","when":1795400000}},"through":"m1"}}}"#,
        r#"{"V1":{"Subcluster":{"entry":{"subcluster":"west","change":{"Create":{"updates":[],"pack":null}},"author":{"who":"admin","from":"192.0.2.1","when":1795400000}},"through":"m1"}}}"#,
        r#"{"V1":{"Subcluster":{"entry":{"subcluster":"west","change":"BeginConflict","author":{"who":"admin","from":"192.0.2.1","when":1795400000}},"through":"m1"}}}"#,
        r#"{"V1":{"Subcluster":{"entry":{"subcluster":"west","change":"EndConflict","author":{"who":"admin","from":"192.0.2.1","when":1795400000}},"through":"m1"}}}"#,
        r#"{"V1":{"Subcluster":{"entry":{"subcluster":"west","change":{"Pin":{"node":"m2"}},"author":{"who":"admin","from":"192.0.2.1","when":1795400000}},"through":"m1"}}}"#,
        r#"{"V1":{"Subcluster":{"entry":{"subcluster":"west","change":{"Resume":{"node":"m2"}},"author":{"who":"admin","from":"192.0.2.1","when":1795400000}},"through":"m1"}}}"#,
        r#"{"V1":{"Subcluster":{"entry":{"subcluster":"default","change":{"Move":{"updates":[],"pack":"0123456789abcdef0123456789abcdef01234567"}},"author":{"who":"admin","from":"192.0.2.1","when":1795400000}},"through":"m1","small":{"objects":3,"length":700,"pack":"UEFDSw==","index":"/3RPYw=="},"ticket":18446744073709551615}}}"#,
        r#"{"V1":{"Account":{"name":"jane","from":null,"account":{"role":"reader","hash":"$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"}}}}"#,
        r#"{"V1":{"Account":{"name":"jane","from":{"role":"reader","hash":"$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"},"account":null}}}"#,
        r#"{"V1":{"LetIn":{"name":"m2","key":"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}}}"#,
        r#"{"V1":{"Came":{"key":"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","id":18446744073709551615}}}"#,
    ];

    #[test]
    fn entries_that_were_written_by_this_version_can_be_read_and_are_written_the_same() {
        for written in WRITTEN {
            let read: Proposal = serde_json::from_str(written).expect(written);
            assert_eq!(serde_json::to_string(&read).unwrap(), *written);
        }
    }

    #[test]
    fn entries_name_the_pack_that_they_bring() {
        let packs = WRITTEN.iter().map(|written| {
            let read: Proposal = serde_json::from_str(written).unwrap();
            read.pack().map(str::to_owned)
        });
        let packs: Vec<String> = packs.flatten().collect();
        assert_eq!(packs, ["0123456789abcdef0123456789abcdef01234567"; 2]);
    }
}

//! Who has been let into the cluster.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The servers that administrators have let in, by host name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Roster(pub(super) BTreeMap<String, Listed>);

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Listed {
    /// Its key, by which the others know it; empty when its admission has ended. That is no key of
    /// any server, and earlier programs read it, too.
    pub(super) key: String,
    /// The number of its log, once it has come.
    pub(super) id: Option<u64>,
}

impl Roster {
    /// A server is let in, or gets another key. With the same key nothing changes.
    pub(super) fn let_in(&mut self, name: String, key: String) {
        if self.0.get(&name).is_none_or(|listed| listed.key != key) {
            self.0.insert(name, Listed { key, id: None });
        }
    }

    /// Those whom somebody has let in, and who have not been put out since.
    pub(super) fn admitted(&self) -> impl Iterator<Item = (&String, &Listed)> {
        self.0.iter().filter(|(_, listed)| !listed.key.is_empty())
    }

    /// Whether the server of this name has been put out, or let in with another key.
    pub(super) fn has_other_key(&self, name: &str, key: &str) -> bool {
        self.0.get(name).is_some_and(|listed| listed.key != key)
    }

    /// Whether a server has a log of this number.
    pub(super) fn has_id(&self, id: u64) -> bool {
        self.0.values().any(|listed| listed.id == Some(id))
    }

    /// The server with this key has a log of this number. Others are not heard.
    pub(super) fn came(&mut self, key: &str, id: u64) {
        if let Some(listed) = self.0.values_mut().find(|listed| listed.key == key) {
            listed.id = Some(id);
        }
    }

    /// The server with this key.
    pub(super) fn by_key(&self, key: &str) -> Option<(&String, &Listed)> {
        self.0.iter().find(|(_, listed)| listed.key == key)
    }
}

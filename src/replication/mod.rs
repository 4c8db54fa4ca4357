//! The log through which every change goes. A server that stands alone is a cluster of one: what it
//! proposes is accepted at once.

mod members;

use std::sync::Arc;

use crate::repository::{Applied, Entry, Error, Quarantine, Store};

/// The log of this server.
pub struct Log {
    store: Arc<Store>,
}

impl Log {
    /// The log of a cluster of one.
    pub fn alone(store: Arc<Store>) -> Self {
        Self { store }
    }

    /// Proposes a change and returns when it is durable and visible, or refused. There is no other
    /// way to change a repository that is being served. Blocks.
    pub fn propose(
        &self,
        entry: &Entry,
        quarantine: Option<&Quarantine>,
    ) -> Result<Applied, Error> {
        self.store.apply(entry, quarantine)
    }

    /// The host names of the servers that make up the cluster.
    pub fn members(&self) -> Vec<String> {
        members::all()
    }

    /// The member that a host name means, in its short form or in full.
    pub fn member(&self, name: &str) -> Option<String> {
        members::find(name)
    }

    /// The member that has been elected MASTER.
    pub fn master(&self) -> String {
        members::this_host()
    }

    /// The members that have copies.
    pub fn slaves(&self) -> Vec<String> {
        let master = self.master();
        self.members().into_iter().filter(|member| *member != master).collect()
    }
}

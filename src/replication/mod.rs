//! The log through which every change goes. A server that stands alone is a cluster of one: what it
//! proposes is accepted at once.

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
}

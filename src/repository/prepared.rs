//! Changes that are made here, not pushed.

use super::{Move, Quarantine, RefUpdate};

/// A change that is ready to be proposed.
pub struct Prepared {
    /// References that move.
    pub change: Move,
    /// The objects that it brings.
    pub quarantine: Quarantine,
}

impl Prepared {
    pub(super) fn new(updates: Vec<RefUpdate>, quarantine: Quarantine) -> Self {
        let pack = quarantine.pack().map(str::to_owned);
        Self { change: Move { updates, pack }, quarantine }
    }
}

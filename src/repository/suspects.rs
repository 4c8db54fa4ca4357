//! Subclusters whose objects somebody could not read: a disk loses bits in silence, and whoever reads
//! them is the first to notice (libgit2 compares what it reads with its hash).

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use git2::ErrorClass;
use tokio::sync::Notify;

use super::{Error, Name};

/// The subclusters that should be looked through.
#[derive(Default)]
pub struct Suspects {
    names: Mutex<BTreeSet<Name>>,
    told: Notify,
    /// Whether somebody looks, and can mend what is damaged.
    are_mended: AtomicBool,
}

impl Suspects {
    /// From now on somebody looks through what is told.
    pub fn are_mended(&self) {
        self.are_mended.store(true, Ordering::Relaxed);
    }

    /// Waits until there are some, and takes them.
    pub async fn take(&self) -> BTreeSet<Name> {
        loop {
            let names = std::mem::take(&mut *self.names());
            if !names.is_empty() {
                return names;
            }
            self.told.notified().await;
        }
    }

    /// Somebody could not read something. Where it will be mended, he is to try again.
    pub(super) fn look(&self, name: &Name, error: Error) -> Error {
        let Error::Git(cause) = &error else { return error };
        let is_of_objects = matches!(
            cause.class(),
            ErrorClass::Odb | ErrorClass::Zlib | ErrorClass::Object | ErrorClass::Indexer
        );
        if !is_of_objects || !self.are_mended.load(Ordering::Relaxed) {
            return error;
        }
        if self.names().insert(name.clone()) {
            tracing::warn!(
                subcluster = %name,
                "something of subcluster {name} cannot be read, and its repository is looked through for damage: {error}",
            );
        }
        self.told.notify_one();
        Error::Unreadable { name: name.to_string(), source: error.into() }
    }

    fn names(&self) -> std::sync::MutexGuard<'_, BTreeSet<Name>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

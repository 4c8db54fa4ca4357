//! Making subclusters.

use std::fs;
use std::path::Path;

use git2::{Repository, RepositoryInitOptions};

use super::store::{Slot, UNFINISHED};
use super::{Applied, Author, Error, Move, Name, Quarantine, Store, apply, durable};
use crate::libgit2;

/// Files above this many bytes are stored as they are: the search for deltas would hold them, and
/// others like them, in memory.
const BIG_FILE: i64 = 16 << 20;
/// Memory that one search for deltas may take for its results, in bytes.
const DELTA_CACHE: i64 = 16 << 20;

impl Store {
    /// Makes a subcluster: after a crash all of it is there or nothing.
    pub(super) fn create(
        &self,
        name: &str,
        change: &Move,
        author: &Author,
        quarantine: Option<&Quarantine>,
    ) -> Result<Applied, Error> {
        let name = Name::new(name).ok_or_else(|| Error::NoSubcluster(name.to_owned()))?;
        let _one_at_a_time = self.listing();
        if self.is_taken(&name) {
            return match self.slots().get(&name) {
                Some(Slot::Open(subcluster)) if subcluster.shows(&change.updates) => {
                    let head = subcluster.snapshot().head;
                    Ok(Applied { was_so: true, head, ..Applied::default() })
                }
                _ => Err(Error::Exists(name)),
            };
        }
        let new = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(self.dir())?;
        make_repository(new.path(), &name, change, author, quarantine)?;
        fs::rename(new.path(), self.path(&name))?;
        durable::sync_dir(self.dir())?;
        let slot = self.open_slot(&name);
        let head = slot.open().and_then(|subcluster| subcluster.snapshot().head);
        self.slots_mut().insert(name, slot);
        Ok(Applied { head, ..Applied::default() })
    }

    /// Whether something has this name already. What is no repository becomes one that cannot be
    /// read: it is for people to look at.
    pub fn is_taken(&self, name: &Name) -> bool {
        if self.path(name).symlink_metadata().is_err() {
            return self.slots().contains_key(name);
        }
        if !self.slots().contains_key(name) {
            let slot = self.open_slot(name);
            self.slots_mut().insert(name.clone(), slot);
        }
        true
    }
}

/// Makes a bare repository with these references in the empty directory `path`, durably.
fn make_repository(
    path: &Path,
    name: &Name,
    change: &Move,
    author: &Author,
    quarantine: Option<&Quarantine>,
) -> Result<(), Error> {
    init(path, name.as_str())?;
    let repository = libgit2::open(path)?;
    if let Some(quarantine) = quarantine {
        quarantine.take_in(&path.join("objects"))?;
    }
    let transaction = apply::lock_and_compare(&repository, &change.updates)?;
    apply::set(&repository, transaction, &change.updates, author)?;
    // libgit2 leaves HEAD and config to the system: without them commits would be out of reach.
    Ok(durable::sync_tree(path)?)
}

/// Makes what the repository of this name consists of, or what is missing of it.
pub(super) fn init(path: &Path, name: &str) -> Result<(), Error> {
    let mut options = RepositoryInitOptions::new();
    options.bare(true).external_template(false).initial_head("boot");
    let repository = Repository::init_opts(path, &options)?;
    let mut config = repository.config()?;
    config.set_bool("core.logAllRefUpdates", true)?;
    config.set_i64("core.bigFileThreshold", BIG_FILE)?;
    config.set_i64("pack.deltaCacheSize", DELTA_CACHE)?;
    // A purge deletes this repository, and no copy of it under another name (packaging/lib/made).
    config.set_str("ecconfigd.repository", name)?;
    Ok(())
}

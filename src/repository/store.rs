//! All subclusters of this server.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use super::upkeep::Upkeep;
use super::{
    Applied, Change, Entry, Error, Name, Orders, Quarantine, Snapshot, Subcluster, Suspects,
};
use crate::events;

/// Directories in the making begin so; what a killed server left of them is removed at the start.
pub(super) const UNFINISHED: &str = ".new-";

/// The repositories below one directory.
pub struct Store {
    dir: PathBuf,
    /// Held while repositories are made, looked for, or tried again: opening clears away what a killed
    /// server left, which must not be what somebody does who opened it a moment before.
    listing: Mutex<()>,
    subclusters: RwLock<BTreeMap<Name, Slot>>,
    listed: Arc<Notify>,
    upkeep: Arc<Upkeep>,
    suspects: Arc<Suspects>,
    /// Whether there are others who have the same.
    is_of_member: bool,
}

/// A subcluster's place among the others.
pub(super) enum Slot {
    /// It is served.
    Open(Arc<Subcluster>),
    /// It could not be read, which has been logged; each request tries again. One that was open
    /// before stays the same: a push to it may be under way.
    Broken(Option<Arc<Subcluster>>),
    /// It is being mended ([`Store::bring_back`]): nobody is served before it is.
    Mending(Option<Arc<Subcluster>>),
}

impl Slot {
    pub(super) fn open(&self) -> Option<&Arc<Subcluster>> {
        match self {
            Self::Open(subcluster) => Some(subcluster),
            Self::Broken(_) | Self::Mending(_) => None,
        }
    }
}

impl Store {
    /// Opens every repository below `dir`. One that is broken does not keep the others from being
    /// served.
    pub fn open(dir: PathBuf) -> Result<Self, Error> {
        Self::open_as(dir, false)
    }

    /// The same for a member of a cluster, where whoever starts it mends those that are broken.
    pub fn open_of_member(dir: PathBuf) -> Result<Self, Error> {
        Self::open_as(dir, true)
    }

    fn open_as(dir: PathBuf, is_of_member: bool) -> Result<Self, Error> {
        let store = Self {
            is_of_member,
            dir,
            listing: Mutex::default(),
            subclusters: RwLock::default(),
            listed: Arc::default(),
            upkeep: Arc::default(),
            suspects: Arc::default(),
        };
        store.remove_unfinished()?;
        store.rescan()?;
        Ok(store)
    }

    /// Looks for repositories that came or went and reads all again.
    pub fn rescan(&self) -> Result<(), Error> {
        let _one_at_a_time = self.listing();
        let mut found = BTreeMap::new();
        for name in self.names_on_disk()? {
            let slot = match self.known(name.as_str()) {
                Some(known) => self.reread_slot(&name, known),
                None => self.open_slot(&name),
            };
            found.insert(name, slot);
        }
        *self.slots_mut() = found;
        Ok(())
    }

    /// The subcluster of this name, if looking for it costs nothing; `None` if it has to be opened.
    pub fn opened(&self, name: &str) -> Option<Result<Arc<Subcluster>, Error>> {
        match self.slots().get(name) {
            Some(slot) => slot.open().cloned().map(Ok),
            None => Some(Err(Error::NoSubcluster(name.to_owned()))),
        }
    }

    /// The subcluster of this name. One that was broken is tried again, which blocks.
    pub fn get(&self, name: &str) -> Result<Arc<Subcluster>, Error> {
        if let Some(opened) = self.opened(name) {
            return opened;
        }
        let _one_at_a_time = self.listing();
        if let Some(opened) = self.opened(name) {
            return opened;
        }
        let name = Name::new(name).ok_or_else(|| Error::NoSubcluster(name.to_owned()))?;
        if let Some(Slot::Mending(_)) = self.slots().get(&name) {
            let source = Error::Unsound("it is being mended".into()).into();
            return Err(Error::Unreadable { name: name.to_string(), source });
        }
        let subcluster = match self.known(name.as_str()) {
            Some(known) => known.reread().map(|()| known)?,
            None => Arc::new(self.open_subcluster(&name)?),
        };
        tracing::info!(subcluster = %name, "the repository of subcluster {name} can be read again");
        self.slots_mut().insert(name, Slot::Open(subcluster.clone()));
        Ok(subcluster)
    }

    /// The names of all subclusters, sorted.
    pub fn names(&self) -> Vec<Name> {
        self.slots().keys().cloned().collect()
    }

    /// What readers see of each subcluster that can be read.
    pub fn snapshots(&self) -> Vec<(Name, Arc<Snapshot>)> {
        let slots = self.slots();
        let open = slots.iter().filter_map(|(name, slot)| Some((name, slot.open()?)));
        open.map(|(name, subcluster)| (name.clone(), subcluster.snapshot())).collect()
    }

    /// Completes when subclusters have come or gone, or can be read again or no more, since this was
    /// called.
    pub fn changed(&self) -> OwnedNotified {
        self.listed.clone().notified_owned()
    }

    /// How many repositories cannot be read.
    pub fn broken(&self) -> usize {
        self.slots().values().filter(|slot| slot.open().is_none()).count()
    }

    /// Makes a change. When this returns, it is durable and readers see it.
    pub fn apply(&self, entry: &Entry, quarantine: Option<&Quarantine>) -> Result<Applied, Error> {
        let (name, author) = (entry.subcluster.as_str(), &entry.author);
        match &entry.change {
            Change::Move(change) => self.get(name)?.apply(change, author, quarantine),
            Change::Create(change) => self.create(name, change, author, quarantine),
            Change::BeginConflict => self.get(name)?.order(|orders| {
                orders.conflict.get_or_insert_with(|| author.clone());
            }),
            Change::EndConflict => self.get(name)?.order(|orders| orders.conflict = None),
            Change::Pin { node } => {
                self.get(name)?.order(|orders| orders.master = Some(node.clone()))
            }
            Change::Resume { .. } => self.get(name)?.order(|orders| orders.master = None),
        }
    }

    /// Shows readers a change that [`Store::apply`] is to make right after: a log that others keep too
    /// has it, so that it need not be on this disk before anybody hears of it. None if there is
    /// nothing to be shown in this way.
    pub fn show_ahead(
        &self,
        entry: &Entry,
        quarantine: Option<&Quarantine>,
    ) -> Result<Option<Applied>, Error> {
        match &entry.change {
            Change::Move(change) => {
                self.get(&entry.subcluster)?.show_ahead(change, quarantine).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Gives a subcluster these orders and no others.
    pub fn set_orders(&self, name: &str, orders: &Orders) -> Result<(), Error> {
        self.get(name)?.order(|kept| *kept = orders.clone()).map(drop)
    }

    pub(super) fn open_slot(&self, name: &Name) -> Slot {
        match self.open_subcluster(name) {
            Ok(subcluster) => Slot::Open(Arc::new(subcluster)),
            Err(error) => {
                self.log_broken(name, &error);
                Slot::Broken(None)
            }
        }
    }

    pub(super) fn open_subcluster(&self, name: &Name) -> Result<Subcluster, Error> {
        let (upkeep, suspects) = (self.upkeep.clone(), self.suspects.clone());
        Subcluster::open(name.clone(), self.path(name), upkeep, suspects)
    }

    fn reread_slot(&self, name: &Name, known: Arc<Subcluster>) -> Slot {
        match known.reread() {
            Ok(()) => Slot::Open(known),
            Err(error) => {
                self.log_broken(name, &error);
                Slot::Broken(Some(known))
            }
        }
    }

    /// The subcluster that has been opened under this name, whether it can be read now or not.
    pub(super) fn known(&self, name: &str) -> Option<Arc<Subcluster>> {
        match self.slots().get(name)? {
            Slot::Open(subcluster) => Some(subcluster.clone()),
            Slot::Broken(before) | Slot::Mending(before) => before.clone(),
        }
    }

    fn names_on_disk(&self) -> Result<Vec<Name>, Error> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let Some(name) = entry.file_name().to_str().and_then(Name::new) else { continue };
            // A link to nowhere may be a disk that is not mounted, and what was a repository before
            // is a broken one now. Other files are not ours.
            let is_link = entry.file_type()?.is_symlink();
            if entry.path().is_dir() || is_link || self.slots().contains_key(&name) {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn remove_unfinished(&self) -> Result<(), Error> {
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }

    pub(super) fn path(&self, name: &Name) -> PathBuf {
        self.dir.join(name.as_str())
    }

    /// The directory of the repositories.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The subclusters that should be looked through.
    pub fn suspects(&self) -> &Suspects {
        &self.suspects
    }

    pub(super) fn upkeep(&self) -> &Upkeep {
        &self.upkeep
    }

    pub(super) fn listing(&self) -> MutexGuard<'_, ()> {
        // The lock guards no data of its own.
        self.listing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn slots(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<Name, Slot>> {
        self.subclusters.read().expect("no code panics while it changes the list")
    }

    pub(super) fn slots_mut(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<Name, Slot>> {
        let slots = self.subclusters.write().expect("no code panics while it changes the list");
        // Whoever is told has to wait for the lock to look.
        self.listed.notify_waiters();
        slots
    }

    fn log_broken(&self, name: &Name, error: &Error) {
        let cause = std::error::Error::source(error).map(|e| format!(": {e}")).unwrap_or_default();
        let advice = match error {
            _ if self.is_of_member => "this one is mended with what the other members have",
            Error::Unreadable { source, .. } if matches!(**source, Error::Subversion) => {
                "move this one away and run `systemctl restart ecconfigd`, which makes a new global and default"
            }
            _ => "mend this one and run `systemctl reload ecconfigd`",
        };
        tracing::error!(
            message_id = events::REPOSITORY_UNREADABLE,
            subcluster = %name,
            "{error}{cause}; the others are served, {advice}",
        );
    }
}

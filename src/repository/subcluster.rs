//! One subcluster's repository, as the server holds it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

use arc_swap::ArcSwap;
use git2::{Oid, Repository};
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use super::ahead::{Ahead, moved};
use super::handles::Handles;
use super::newest_whole::BroughtBack;
use super::revisions::Revisions;
use super::segment::Segments;
use super::upkeep::Upkeep;
use super::{
    Applied, Author, BOOT, Error, Head, Name, Orders, RefUpdate, Snapshot, Suspects, apply,
    segment, tidy,
};
use crate::events;
use crate::protocol::Id;

/// A repository with its head in memory.
pub struct Subcluster {
    name: Name,
    path: PathBuf,
    handles: Handles,
    snapshot: ArcSwap<Snapshot>,
    shown: Arc<Notify>,
    revisions: RwLock<Revisions>,
    segments: Segments,
    upkeep: Arc<Upkeep>,
    suspects: Arc<Suspects>,
    writer: Mutex<()>,
    ahead: Mutex<Option<Ahead>>,
    /// References that have been brought back to what they were before: what they lack others may have.
    brought_back: Mutex<Vec<String>>,
}

impl Subcluster {
    /// Opens the repository at `path`, completes a change that a crash interrupted, and reads where
    /// it stands.
    pub(super) fn open(
        name: Name,
        path: PathBuf,
        upkeep: Arc<Upkeep>,
        suspects: Arc<Suspects>,
    ) -> Result<Self, Error> {
        let subcluster = Self {
            handles: Handles::new(path.clone()),
            segments: Segments::new(&path),
            upkeep,
            suspects,
            name,
            path,
            snapshot: ArcSwap::default(),
            shown: Arc::default(),
            revisions: RwLock::default(),
            writer: Mutex::default(),
            ahead: Mutex::default(),
            brought_back: Mutex::default(),
        };
        subcluster.start().map_err(|error| subcluster.unreadable(error))?;
        Ok(subcluster)
    }

    fn unreadable(&self, error: Error) -> Error {
        match error {
            Error::Unreadable { .. } => error,
            error => Error::Unreadable { name: self.name.to_string(), source: error.into() },
        }
    }

    fn start(&self) -> Result<(), Error> {
        if self.path.join("format").is_file() && self.path.join("db").is_dir() {
            return Err(Error::Subversion);
        }
        tidy::tidy(&self.path)?;
        self.read(|repository| self.finish_interrupted(repository))?;
        let brought_back = self.read(|repository| self.bring_back_lost(repository))?;
        self.read_all()?;
        self.tell_brought_back(&brought_back);
        *self.brought_back() = brought_back.into_iter().map(BroughtBack::into_name).collect();
        Ok(())
    }

    /// Reads all references again: somebody may have changed the repository by hand.
    pub fn reread(&self) -> Result<(), Error> {
        self.read_all().map_err(|error| self.unreadable(error))
    }

    fn read_all(&self) -> Result<(), Error> {
        let _one_at_a_time = self.writer();
        self.handles.renew();
        self.segments.reread();
        self.read(|repository| self.show_all(repository))
    }

    /// Shows readers all references as they are on disk. Only with the writer's lock.
    pub(super) fn show_all(&self, repository: &Repository) -> Result<(), Error> {
        let refs = self.with_ahead(repository, Snapshot::read_refs(repository, &self.name)?)?;
        let mut revisions = Revisions::load(&self.path.join(segment::DIR));
        if let Some(boot) = refs.iter().find(|reference| reference.name == BOOT) {
            revisions.move_to(repository, boot.target.into())?;
        }
        let head = revisions.head();
        let orders = Orders::read(&self.path)?;
        *self.revisions_mut() = revisions;
        if let (Some(author), None) = (&orders.conflict, &self.snapshot().orders.conflict) {
            self.warn_conflict(author);
        }
        self.show(Snapshot::new(refs, head, orders));
        Ok(())
    }

    fn warn_conflict(&self, author: &Author) {
        let (name, account) = (&self.name, author.who.as_str());
        tracing::warn!(
            message_id = events::CONFLICT,
            subcluster = %name,
            account,
            "subcluster {name} is in CONFLICT, as {account} has ordered: updates and commits are refused until an administrator runs `eccfg subcluster resolve {name}`",
        );
    }

    /// Shows this to readers. Only with the writer's lock.
    pub(super) fn show(&self, snapshot: Snapshot) {
        self.snapshot.store(Arc::new(snapshot));
        self.shown.notify_waiters();
    }

    /// Shows readers the references after `updates`. Only with the writer's lock.
    pub(super) fn publish(&self, updates: &[RefUpdate]) -> Result<Applied, Error> {
        self.read(|repository| {
            let refs = moved(repository, self.snapshot().refs().to_vec(), updates)?;
            let mut renumbered = 0;
            if let (true, Some(boot)) =
                (apply::moves_boot(updates), refs.iter().find(|r| r.name == BOOT))
            {
                renumbered = self.revisions_mut().move_to(repository, boot.target.into())?;
            }
            let head = self.revisions().head();
            self.show(Snapshot::new(refs, head, self.snapshot().orders.clone()));
            Ok(Applied { was_so: false, renumbered, head })
        })
    }

    /// The subcluster's name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// What readers see now. Never waits.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Completes when readers are shown another snapshot than they were when this was called.
    pub fn changed(&self) -> OwnedNotified {
        self.shown.clone().notified_owned()
    }

    /// The newest revision, which only an empty repository does not have.
    pub(super) fn head(&self) -> Result<Head, Error> {
        let empty = || Error::BadRef(format!("subcluster {} has no revision yet", self.name));
        self.snapshot().head.ok_or_else(empty)
    }

    /// Whether references are where all of these bring them.
    pub(super) fn shows(&self, updates: &[RefUpdate]) -> bool {
        let snapshot = self.snapshot();
        let value = |name: &str| snapshot.get(name).map_or(Id::ZERO, |reference| reference.target);
        updates.iter().all(|update| value(&update.name) == update.new)
    }

    /// Whether all of these have happened, though others may have followed: a reference is where it
    /// was to be, or what it was moved forward to is in its history. Blocks.
    pub fn has_made(&self, updates: &[RefUpdate]) -> Result<bool, Error> {
        let snapshot = self.snapshot();
        let value = |name: &str| snapshot.get(name).map_or(Id::ZERO, |reference| reference.target);
        self.read(|repository| {
            let is_above = |one: Id, other: Id| -> Result<bool, Error> {
                let are_commits = [one, other].map(|id| repository.find_commit(id.into()).is_ok());
                let both = are_commits == [true, true];
                Ok(both && repository.graph_descendant_of(one.into(), other.into())?)
            };
            for RefUpdate { name, old, new } in updates {
                let now = value(name);
                if now != *new && !(is_above(now, *new)? && is_above(*new, *old)?) {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    /// The commit of a revision of the live configuration.
    pub(super) fn revision_commit(&self, revision: u64) -> Option<Oid> {
        self.revisions().commit(revision)
    }

    /// The number of a revision of the live configuration. Blocks.
    pub fn revision_of(&self, commit: Id) -> Option<u64> {
        self.revision_number(commit.into())
    }

    /// The number of a revision of the live configuration.
    pub(super) fn revision_number(&self, commit: Oid) -> Option<u64> {
        self.revisions().number(commit)
    }

    /// There is something to do in the background.
    pub(super) fn needs_upkeep(&self) {
        self.upkeep.wake(&self.name);
    }

    /// The packs that fetches are answered with.
    pub(super) fn segments(&self) -> &Segments {
        &self.segments
    }

    /// Lends a handle of the repository. Where there are other members, damage that is met is mended
    /// soon. Blocks on files.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Repository) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.handles.with(work).map_err(|error| self.suspects.look(&self.name, error))
    }

    pub(super) fn handles(&self) -> &Handles {
        &self.handles
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn objects(&self) -> PathBuf {
        self.path.join("objects")
    }

    pub(super) fn writer(&self) -> MutexGuard<'_, ()> {
        // The lock guards no data of its own: after a panic the next writer compares with the disk.
        self.writer.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(super) fn ahead(&self) -> MutexGuard<'_, Option<Ahead>> {
        // It is replaced as a whole.
        self.ahead.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn brought_back(&self) -> MutexGuard<'_, Vec<String>> {
        // It is replaced as a whole.
        self.brought_back.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The references that the start has brought back to what they were before; for one who brings
    /// them forward again.
    pub(super) fn take_brought_back(&self) -> Vec<String> {
        std::mem::take(&mut *self.brought_back())
    }

    fn revisions(&self) -> RwLockReadGuard<'_, Revisions> {
        self.revisions.read().expect("no code panics while it changes the revisions")
    }

    fn revisions_mut(&self) -> RwLockWriteGuard<'_, Revisions> {
        self.revisions.write().expect("no code panics while it changes the revisions")
    }
}

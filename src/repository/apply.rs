//! The only place where references move.

use std::path::Path;

use git2::{ErrorCode, Oid, Repository, Transaction};
use serde::{Deserialize, Serialize};

use super::journal::{self, Note};
use super::reserve::Reserve;
use super::snapshot::ref_on_disk;
use super::{
    Author, BOOT, Error, Head, Move, Quarantine, RefUpdate, Snapshot, Subcluster, durable, locked,
    ref_log,
};
use crate::protocol::Id;

/// What came of a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// All was as it should become already: nothing has been changed.
    pub was_so: bool,
    /// Old revision numbers that name another commit from now on. Not zero only when a merge has
    /// the old head as its second parent.
    pub renumbered: usize,
    /// Where the live configuration stands with this change, and no later one.
    pub head: Option<Head>,
}

impl Subcluster {
    /// Moves references: all or none. When this returns, the change is durable and readers see it.
    /// Fails with [`Error::Stale`] if a reference is not what the change was made against.
    ///
    /// The order is: lock, compare, take the pack in, write. The loser of a race leaves nothing.
    ///
    /// The disk is waited for four times, each time before the next step may happen: for the content
    /// of the pack and its index ([`Quarantine::sync`]), before they have names that git looks for;
    /// for these names, before a reference leads to what they hold; for the reference's new value in
    /// its lock file, before that takes the place of the old one; and for the name of that, before
    /// anybody is told. All else can be lost: logs, quarantines, segments, numbers.
    ///
    /// What [`Subcluster::show_ahead`] has shown has a log that is not lost: its pack may have a name
    /// already, and people have been told.
    pub(super) fn apply(
        &self,
        change: &Move,
        author: &Author,
        quarantine: Option<&Quarantine>,
    ) -> Result<Applied, Error> {
        let _one_at_a_time = self.writer();
        self.refuse_conflict()?;
        check_names(&change.updates, &self.snapshot())?;
        self.read(|repository| {
            let transaction = self.lock_and_compare(repository, &change.updates)?;
            if let Some(quarantine) = quarantine {
                quarantine.take_in(&self.objects())?;
            }
            self.write(repository, transaction, change, author)
        })?;
        self.needs_upkeep();
        if let Some(applied) = self.has_shown(&change.updates) {
            return Ok(applied);
        }
        // The change is made: whatever happens now, it must not be told to have failed.
        Ok(self.accepted(&change.updates, quarantine).unwrap_or_else(|error| {
            tracing::error!(
                subcluster = %self.name(),
                "a change of subcluster {} has been made but is not shown until it is read again: {error}; run `systemctl reload ecconfigd`",
                self.name(),
            );
            Applied::default()
        }))
    }

    /// Shows readers a change that has been decided, and lets fetches find it. Only with the writer's
    /// lock.
    pub(super) fn accepted(
        &self,
        updates: &[RefUpdate],
        quarantine: Option<&Quarantine>,
    ) -> Result<Applied, Error> {
        let kept: Vec<Oid> = self.snapshot().commits().collect();
        self.segments().accepted(updates, &kept, quarantine.and_then(Quarantine::pushed));
        self.publish(updates)
    }

    /// A reference that is not what readers are shown has been changed by hand: they are shown it
    /// from now on, or nobody could push to it any more.
    fn lock_and_compare<'r>(
        &self,
        repository: &'r Repository,
        updates: &[RefUpdate],
    ) -> Result<Transaction<'r>, Error> {
        let result = lock_and_compare(repository, updates);
        if let Err(Error::Stale { name }) = &result {
            let was_ahead = self.show_none_ahead();
            let shown = self.snapshot().get(name).map_or(Id::ZERO, |reference| reference.target);
            if was_ahead || ref_on_disk(repository, name)? != shown {
                self.show_all(repository)?;
            }
        }
        result
    }

    fn write(
        &self,
        repository: &Repository,
        transaction: Transaction<'_>,
        change: &Move,
        author: &Author,
    ) -> Result<(), Error> {
        let updates = &change.updates;
        // One reference changes with one rename. Several need a note of what was meant, so that a
        // crash between them is made good at the next start.
        let several = updates.len() > 1;
        // Where the disk becomes full half-way, setting back needs room, too.
        let reserve = several.then(|| Reserve::take(self.path(), updates.len())).transpose()?;
        if several {
            let note = Note { change: change.clone(), author: author.clone() };
            journal::write(self.path(), &note)?;
        }
        let result = set(repository, transaction, updates, author);
        if result.is_err() {
            drop(reserve);
            if !self.roll_back(repository, updates, author) {
                // Readers must see what is there, or nobody could change it any more.
                self.show_all(repository)?;
            }
        }
        if several && let Err(error) = journal::clear(self.path()) {
            tracing::error!(subcluster = %self.name(), "the note of a finished change stays: {error}");
        }
        result
    }

    /// Finishes a change that a crash cut in two.
    pub(super) fn finish_interrupted(&self, repository: &Repository) -> Result<(), Error> {
        let Some(Note { mut change, author }) = journal::read(self.path())? else { return Ok(()) };
        // What is at its new value already is done.
        change.updates.retain(|update| {
            ref_on_disk(repository, &update.name).map_or(true, |now| now != update.new)
        });
        if !change.updates.is_empty() {
            self.finish(repository, &change.updates, &author)?;
        }
        Ok(journal::clear(self.path())?)
    }

    fn finish(
        &self,
        repository: &Repository,
        updates: &[RefUpdate],
        author: &Author,
    ) -> Result<(), Error> {
        let (name, account) = (self.name(), author.who.as_str());
        match lock_and_compare(repository, updates) {
            Ok(_) if !has_objects(repository, updates)? => tracing::warn!(
                subcluster = %name,
                account,
                "a change of several references to subcluster {name}, cut short when this copy of it was made, is given up: what it brought is not here",
            ),
            Ok(transaction) => {
                set(repository, transaction, updates, author)?;
                tracing::warn!(
                    subcluster = %name,
                    account,
                    "a change of several references to subcluster {name}, cut short when the server stopped, has been completed",
                );
            }
            // Somebody has mended it by hand, and knows better.
            Err(Error::Stale { name: reference }) => tracing::warn!(
                subcluster = %name,
                account,
                reference,
                "a change of several references to subcluster {name}, cut short when the server stopped, is given up: {reference} has been changed since",
            ),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// libgit2 writes the references of a transaction one after the other and leaves those written
    /// when one fails (`git_transaction_commit` in its transaction.c). Tells whether all are back.
    fn roll_back(&self, repository: &Repository, updates: &[RefUpdate], author: &Author) -> bool {
        let mut all_back = true;
        for update in updates.iter().map(RefUpdate::reversed) {
            let written = ref_on_disk(repository, &update.name).is_ok_and(|now| now == update.old);
            if !written || update.old == update.new {
                continue;
            }
            let undo = std::slice::from_ref(&update);
            let undone =
                lock_and_compare(repository, undo).and_then(|t| set(repository, t, undo, author));
            if let Err(error) = undone {
                all_back = false;
                let name = self.name();
                tracing::error!(
                    subcluster = %name,
                    "{} of subcluster {name} could not be set back after a failed change: {error}; set it to {} by hand",
                    update.name,
                    update.new,
                );
            }
        }
        all_back
    }
}

/// Whether what references are to name is there.
fn has_objects(repository: &Repository, updates: &[RefUpdate]) -> Result<bool, Error> {
    let odb = repository.odb()?;
    Ok(updates.iter().all(|update| update.new.is_zero() || odb.exists(update.new.into())))
}

/// A reference is a file: its name cannot also be the directory of another one.
pub(super) fn check_names(updates: &[RefUpdate], snapshot: &Snapshot) -> Result<(), Error> {
    let set = updates.iter().filter(|update| !update.new.is_zero()).map(|update| &update.name);
    for name in set.clone() {
        let mut others = snapshot.refs().iter().map(|reference| &reference.name).chain(set.clone());
        if let Some(other) = others.find(|other| lies_below(name, other) || lies_below(other, name))
        {
            return Err(Error::BadRef(format!("{name} and {other} cannot both exist")));
        }
    }
    Ok(())
}

fn lies_below(name: &str, dir: &str) -> bool {
    name.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'))
}

pub(super) fn lock_and_compare<'r>(
    repository: &'r Repository,
    updates: &[RefUpdate],
) -> Result<Transaction<'r>, Error> {
    let mut transaction = repository.transaction()?;
    for update in updates {
        locked::try_again(|| transaction.lock_ref(&update.name))
            .map_err(|error| lock_error(error, &update.name))?;
        if ref_on_disk(repository, &update.name)? != update.old {
            return Err(Error::Stale { name: update.name.clone() });
        }
    }
    Ok(transaction)
}

/// libgit2's messages name files; clients get ours.
fn lock_error(error: git2::Error, name: &str) -> Error {
    match error.code() {
        ErrorCode::Locked => Error::Locked(name.to_owned()),
        _ => error.into(),
    }
}

pub(super) fn set(
    repository: &Repository,
    mut transaction: Transaction<'_>,
    updates: &[RefUpdate],
    author: &Author,
) -> Result<(), Error> {
    let who = author.signature()?;
    // libgit2 needs it where it removes a packed reference, and does not wait.
    if updates.iter().any(|update| update.new.is_zero()) {
        locked::wait_for_packed_refs(repository);
    }
    for update in updates {
        if update.new.is_zero() {
            // A transaction leaves the log of a removed reference, which would be in the way of a
            // new one whose name continues this one's, or the other way round.
            repository.reflog_delete(&update.name)?;
            transaction.remove(&update.name)?;
        } else {
            transaction.set_target(&update.name, update.new.into(), Some(&who), "push")?;
        }
    }
    transaction.commit().map_err(|error| lock_error(error, "packed-refs"))?;
    updates.iter().for_each(|update| ref_log::note(repository, update, &who));
    let deleted = updates.iter().filter(|update| update.new.is_zero());
    deleted.map(|update| &update.name).try_for_each(|name| sync_deletion(repository, name))
}

/// libgit2 syncs what it writes, but not what it removes.
fn sync_deletion(repository: &Repository, name: &str) -> Result<(), Error> {
    let mut above = Path::new(name).ancestors().skip(1).map(|dir| repository.path().join(dir));
    if let Some(dir) = above.find(|dir| dir.is_dir()) {
        durable::sync_dir(&dir)?;
    }
    // The reference may have stood in `packed-refs`.
    Ok(durable::sync_dir(repository.path())?)
}

/// Whether the live configuration changes.
pub(super) fn moves_boot(updates: &[RefUpdate]) -> bool {
    updates.iter().any(|update| update.name == BOOT)
}

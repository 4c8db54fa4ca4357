//! A change that readers are shown before it is on the disk of this server: a log that others keep
//! too has it, and it is made again from there if it is lost here.

use std::collections::BTreeMap;

use git2::Repository;

use super::snapshot::RefValue;
use super::{Applied, Error, Move, Quarantine, RefUpdate, Subcluster, apply};
use crate::protocol::Id;

/// What is shown and not on the disk yet.
pub(super) struct Ahead {
    updates: Vec<RefUpdate>,
    applied: Applied,
}

impl Subcluster {
    /// Shows readers a change whose references are to be moved by [`Subcluster::apply`] right after.
    /// Nothing of it is durable. Fails with [`Error::Stale`] if readers are not shown what the change
    /// was made against.
    pub(super) fn show_ahead(
        &self,
        change: &Move,
        quarantine: Option<&Quarantine>,
    ) -> Result<Applied, Error> {
        let _one_at_a_time = self.writer();
        self.refuse_conflict()?;
        let (snapshot, updates) = (self.snapshot(), &change.updates);
        apply::check_names(updates, &snapshot)?;
        let shown = |name: &str| snapshot.get(name).map_or(Id::ZERO, |reference| reference.target);
        if let Some(other) = updates.iter().find(|update| shown(&update.name) != update.old) {
            return Err(Error::Stale { name: other.name.clone() });
        }
        if let Some(quarantine) = quarantine {
            quarantine.name_in(&self.objects())?;
        }
        let applied = self.accepted(updates, quarantine)?;
        *self.ahead() = Some(Ahead { updates: updates.clone(), applied });
        Ok(applied)
    }

    /// What came of these when they were shown, if they were: they are on the disk now.
    pub(super) fn has_shown(&self, updates: &[RefUpdate]) -> Option<Applied> {
        self.ahead().take_if(|ahead| ahead.updates == updates).map(|ahead| ahead.applied)
    }

    /// Readers are to be shown what is on the disk. Tells whether they were shown something else.
    pub(super) fn show_none_ahead(&self) -> bool {
        self.ahead().take().is_some()
    }

    /// The references that readers are shown, but for what is not on the disk yet.
    pub fn refs_on_disk(&self) -> BTreeMap<String, Id> {
        // No change of both comes in between.
        let ahead = self.ahead();
        let snapshot = self.snapshot();
        let mut refs: BTreeMap<String, Id> =
            snapshot.refs().iter().map(|r| (r.name.clone(), r.target)).collect();
        for update in ahead.iter().flat_map(|ahead| &ahead.updates) {
            match update.old.is_zero() {
                true => drop(refs.remove(&update.name)),
                false => drop(refs.insert(update.name.clone(), update.old)),
            }
        }
        refs
    }

    /// The references as they are shown, of those on the disk.
    pub(super) fn with_ahead(
        &self,
        repository: &Repository,
        refs: Vec<RefValue>,
    ) -> Result<Vec<RefValue>, Error> {
        match &*self.ahead() {
            Some(ahead) => moved(repository, refs, &ahead.updates),
            None => Ok(refs),
        }
    }
}

/// References after some have moved.
pub(super) fn moved(
    repository: &Repository,
    mut refs: Vec<RefValue>,
    updates: &[RefUpdate],
) -> Result<Vec<RefValue>, Error> {
    refs.retain(|reference| updates.iter().all(|update| update.name != reference.name));
    for update in updates.iter().filter(|update| !update.new.is_zero()) {
        refs.push(RefValue::read(repository, update.name.clone(), update.new)?);
    }
    Ok(refs)
}

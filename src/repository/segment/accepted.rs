//! Accepted changes become segments.

use std::path::Path;

use git2::{Oid, Repository};

use super::answers::key;
use super::file::Segment;
use super::objects::Objects;
use super::shelf::Pending;
use super::{Pushed, Segments};
use crate::repository::{Error, RefUpdate, Spool};

impl Segments {
    /// Notes accepted changes. Their segments are made by whoever needs them first, or by
    /// [`Segments::settle`]. `kept` are the commits that references led to before.
    pub(in crate::repository) fn accepted(
        &self,
        updates: &[RefUpdate],
        kept: &[Oid],
        pushed: Option<&Pushed>,
    ) {
        let mut pending = self.shelf.pending();
        for update in updates.iter().filter(|update| !update.new.is_zero()) {
            let tip = Oid::from(update.new);
            let bases = match update.old.is_zero() {
                true => kept.to_vec(),
                false => vec![update.old.into()],
            };
            if !kept.contains(&tip) {
                pending.insert(tip, Pending { bases, pushed: pushed.cloned() });
            }
        }
    }

    /// Makes the segments of all changes accepted so far.
    pub(in crate::repository) fn settle(&self, repository: &Repository, spool_dir: &Path) {
        loop {
            let pending = self.shelf.pending().keys().next().copied();
            let Some(tip) = pending else { return };
            if let Err(Error::InTheMaking(making)) = self.settle_one(repository, tip, spool_dir) {
                making.wait();
            }
        }
    }

    /// The same for somebody who waits. Fails only with [`Error::InTheMaking`].
    pub(super) fn settle_now(
        &self,
        repository: &Repository,
        spool_dir: &Path,
    ) -> Result<(), Error> {
        let pending: Vec<Oid> = self.shelf.pending().keys().copied().collect();
        pending.into_iter().try_for_each(|tip| self.settle_one(repository, tip, spool_dir))
    }

    /// Makes the segment of one change, if that can be. Fails only with [`Error::InTheMaking`].
    pub(super) fn settle_one(
        &self,
        repository: &Repository,
        tip: Oid,
        spool_dir: &Path,
    ) -> Result<(), Error> {
        let Some(pending) = self.shelf.pending().get(&tip).cloned() else { return Ok(()) };
        // One at a time, and the same for all who wait.
        let key = key(&[&[tip]], "settle");
        let made = self.answers.get(key, || {
            if self.shelf.pending().contains_key(&tip)
                && let Some(segment) = self.make(repository, tip, &pending, spool_dir)?
            {
                self.shelf.add(segment);
            }
            Ok(Spool::Memory(Default::default()))
        });
        if let Err(Error::InTheMaking(_)) = made {
            return made.map(drop);
        }
        self.shelf.pending().remove(&tip);
        if let Err(error) = made {
            tracing::debug!("the segment of {tip} is left out: {error}");
        }
        Ok(())
    }

    fn make(
        &self,
        repository: &Repository,
        tip: Oid,
        pending: &Pending,
        spool_dir: &Path,
    ) -> Result<Option<Segment>, Error> {
        // A tag goes into each answer by itself.
        if repository.find_commit(tip).is_err() {
            return Ok(None);
        }
        let objects = Objects::between(repository, &pending.bases, &[tip])?;
        if objects.len() == 0 {
            return Ok(None);
        }
        let bases = match pending.bases[..] {
            [old] => vec![old],
            _ => objects.boundary(repository)?,
        };
        let table = objects.table(bases, vec![tip]);
        let pushed = match &pending.pushed {
            Some(pushed) => pushed.segment(repository, &table.bases, &objects).unwrap_or(None),
            None => None,
        };
        let segment = match pushed {
            Some(pack) => Segment::write(&self.shelf.dir, pack, &table)?,
            None => {
                let pack = objects.build(repository, spool_dir)?;
                Segment::write(&self.shelf.dir, pack.reader(), &table)?
            }
        };
        Ok(Some(segment))
    }
}

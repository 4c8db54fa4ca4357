//! References that lead nowhere after a copy was put back.
//!
//! A copy that was made file by file, while changes came in, may have references that are newer than
//! its packs. Its server begins with the newest revision that is whole, and says which ones it lacks.

use git2::{ErrorCode, Oid, Repository};

use super::reachable::{self, Files};
use super::restore::restorer;
use super::revisions::Revisions;
use super::{BOOT, Error, RefUpdate, Subcluster, apply, branch, pack_list, ref_log, segment};
use crate::events;

/// Values that a reference lacks, of which the log tells this many.
const MAX_TOLD: usize = 10;

/// A reference that has been brought back to what it was before.
pub(super) struct BroughtBack {
    name: String,
    to: Oid,
    /// Values that it had since, oldest first.
    lacks: Vec<Oid>,
}

impl BroughtBack {
    pub(super) fn into_name(self) -> String {
        self.name
    }
}

impl Subcluster {
    /// Brings references whose objects are not here back to their newest value that is whole, where
    /// one is known. Not where a pack is damaged or cannot be read: what is in it is not lost yet.
    pub(super) fn bring_back_lost(
        &self,
        repository: &Repository,
    ) -> Result<Vec<BroughtBack>, Error> {
        let lost = self.lost(repository)?;
        if lost.is_empty() || !pack_list::are_all_sound(&self.objects())? {
            return Ok(Vec::new());
        }
        let mut all = Vec::new();
        for (name, now) in lost {
            let Some(brought_back) = self.newest_whole(repository, name, now)? else { continue };
            let update = [RefUpdate {
                name: brought_back.name.clone(),
                old: now.into(),
                new: brought_back.to.into(),
            }];
            let transaction = apply::lock_and_compare(repository, &update)?;
            apply::set(repository, transaction, &update, &restorer())?;
            ref_log::forget_missing(repository, &update[0].name)?;
            all.push(brought_back);
        }
        Ok(all)
    }

    /// Branches and tags that lead nowhere, and where to.
    fn lost(&self, repository: &Repository) -> Result<Vec<(String, Oid)>, Error> {
        let odb = repository.odb()?;
        let is_missing = |result: Result<(), git2::Error>| {
            result.is_err_and(|error| error.code() == ErrorCode::NotFound)
        };
        let mut lost = Vec::new();
        for reference in repository.references()? {
            let reference = reference?;
            let (Ok(name), Some(target)) = (reference.name(), reference.target()) else { continue };
            if branch::is_allowed(name)
                && (is_missing(odb.read_header(target).map(drop))
                    || name == BOOT && is_missing(self.history(repository, target)))
            {
                lost.push((name.to_owned(), target));
            }
        }
        Ok(lost)
    }

    /// Whether the revisions can be counted.
    fn history(&self, repository: &Repository, tip: Oid) -> Result<(), git2::Error> {
        match Revisions::load(&self.path().join(segment::DIR)).move_to(repository, tip) {
            Err(Error::Git(error)) => Err(error),
            _ => Ok(()),
        }
    }

    fn newest_whole(
        &self,
        repository: &Repository,
        name: String,
        now: Oid,
    ) -> Result<Option<BroughtBack>, Error> {
        let logged = ref_log::values(repository, &name);
        let numbered = match name == BOOT {
            true => Revisions::load(&self.path().join(segment::DIR)).into_commits(),
            false => Vec::new(),
        };
        let newest = |values: &[Oid]| {
            let place = values.iter().rposition(|&id| id != now && is_whole(repository, id))?;
            let mut lacks = values[place + 1..].to_vec();
            if lacks.last() != Some(&now) {
                lacks.push(now);
            }
            Some((values[place], lacks))
        };
        let newest = match (newest(&logged), newest(&numbered)) {
            // Either was read at a moment of its own.
            (Some(logged), Some(numbered)) => {
                match repository.graph_descendant_of(numbered.0, logged.0)? {
                    true => Some(numbered),
                    false => Some(logged),
                }
            }
            (logged, numbered) => logged.or(numbered),
        };
        Ok(newest.map(|(to, lacks)| BroughtBack { name, to, lacks }))
    }

    /// Says what is missing, once revisions can be counted.
    pub(super) fn tell_brought_back(&self, all: &[BroughtBack]) {
        for BroughtBack { name: reference, to, lacks } in all {
            let subcluster = self.name();
            let number = self.revision_number(*to).map(|number| format!("revision {number}, "));
            let newest = lacks.iter().rev().take(MAX_TOLD).map(Oid::to_string);
            let mut told: Vec<String> = newest.collect();
            if lacks.len() > MAX_TOLD {
                told.push(format!("and {} before them", lacks.len() - MAX_TOLD));
            }
            tracing::warn!(
                message_id = events::REVISIONS_MISSING,
                %subcluster,
                reference,
                commit = %to,
                "subcluster {subcluster} lacks its newest revisions, as a copy does that was made while changes came in: {reference} is set back to {}commit {to}, the newest that is whole; what it lacks, newest first: {}; a member of a cluster gets them from the others, else commit again what they changed",
                number.unwrap_or_default(),
                told.join(", "),
            );
        }
    }
}

fn is_whole(repository: &Repository, id: Oid) -> bool {
    reachable::walk(repository, [id], Files::Exist, |_| Ok(())).is_ok()
}

//! Revision numbers: the first-parent history of `boot`, counted from its first commit.

use std::collections::HashMap;
use std::path::Path;
use std::sync::OnceLock;

use git2::{Oid, Repository};

use super::revision_file::RevisionFile;
use super::{Error, Head};

/// What is asked for is nearly always among the newest.
const NEWEST: usize = 16;

/// The commits of the live configuration in order; revision `n` is at index `n - 1`.
#[derive(Debug, Default)]
pub(super) struct Revisions {
    commits: Vec<Oid>,
    /// Where each is, made when somebody asks for an older one.
    places: OnceLock<HashMap<Oid, usize>>,
    file: Option<RevisionFile>,
}

impl Revisions {
    /// Those that were written down, which may be another history than the repository has by now:
    /// [`Revisions::move_to`] puts that right.
    pub(super) fn load(dir: &Path) -> Self {
        let (file, commits) = RevisionFile::load(dir);
        Self { commits, places: OnceLock::new(), file: Some(file) }
    }

    /// Makes `tip` the newest revision. Costs as many steps as `tip` has first parents that are not
    /// in the history yet. Returns how many old numbers now name another commit, which happens when
    /// a merge has the old head as its second parent.
    pub(super) fn move_to(&mut self, repository: &Repository, tip: Oid) -> Result<usize, Error> {
        let mut new = Vec::new();
        let mut next = Some(tip);
        let mut kept = self.commits.len();
        while let Some(commit) = next {
            if let Some(index) = self.position(commit) {
                kept = index + 1;
                break;
            }
            new.push(commit);
            next = repository.find_commit(commit)?.parent_ids().next();
            if next.is_none() {
                kept = 0;
            }
        }
        let renumbered = self.commits.len() - kept;
        self.replace(kept, new);
        Ok(renumbered)
    }

    /// Lets these, newest first, follow the first `kept` ones.
    fn replace(&mut self, kept: usize, new: Vec<Oid>) {
        if kept < self.commits.len() {
            self.places = OnceLock::new();
        }
        self.commits.truncate(kept);
        if let Some(places) = self.places.get_mut() {
            places.extend(new.iter().rev().enumerate().map(|(index, &id)| (id, kept + index)));
        }
        self.commits.extend(new.iter().rev());
        if let Some(file) = &mut self.file {
            file.save(&self.commits, kept);
        }
    }

    /// All of them, oldest first.
    pub(super) fn into_commits(self) -> Vec<Oid> {
        self.commits
    }

    /// The newest revision.
    pub(super) fn head(&self) -> Option<Head> {
        let commit = *self.commits.last()?;
        Some(Head { commit: commit.into(), revision: self.commits.len() as u64 })
    }

    /// The commit of a revision.
    pub(super) fn commit(&self, revision: u64) -> Option<Oid> {
        let index = usize::try_from(revision.checked_sub(1)?).ok()?;
        self.commits.get(index).copied()
    }

    /// The number of a commit, if it is one of the revisions.
    pub(super) fn number(&self, commit: Oid) -> Option<u64> {
        self.position(commit).map(|index| index as u64 + 1)
    }

    fn position(&self, commit: Oid) -> Option<usize> {
        let newest = self.commits.len().saturating_sub(NEWEST);
        let among_newest = self.commits[newest..].iter().rposition(|&known| known == commit);
        among_newest.map(|index| newest + index).or_else(|| self.places().get(&commit).copied())
    }

    fn places(&self) -> &HashMap<Oid, usize> {
        let commits = self.commits.iter().enumerate();
        self.places.get_or_init(|| commits.map(|(index, &commit)| (commit, index)).collect())
    }
}

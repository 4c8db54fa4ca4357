//! Revision numbers: the first-parent history of `boot`, counted from its first commit.

use git2::{Oid, Repository};

use super::{Error, Head};

/// The commits of the live configuration in order; revision `n` is at index `n - 1`.
#[derive(Debug, Default)]
pub(super) struct Revisions {
    commits: Vec<Oid>,
}

impl Revisions {
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
        self.commits.truncate(kept);
        self.commits.extend(new.iter().rev());
        Ok(renumbered)
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

    /// From the newest down: what is asked for is nearly always there.
    fn position(&self, commit: Oid) -> Option<usize> {
        self.commits.iter().rposition(|&known| known == commit)
    }
}

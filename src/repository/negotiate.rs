//! What this repository knows of the objects a client has.

use std::collections::HashSet;

use git2::{Odb, OdbLookupFlags, Oid, Repository};

use crate::protocol::{Id, Known};

/// Commits looked at in one request to find out whether the negotiation can end. Running out of
/// them costs the client another round, no more.
const MAX_STEPS: usize = 100_000;

/// Answers the questions of a negotiation.
pub(super) struct Negotiator<'a> {
    repository: &'a Repository,
    odb: Odb<'a>,
    wants: &'a [Oid],
    steps: usize,
}

impl<'a> Negotiator<'a> {
    /// `wants` are commits.
    pub(super) fn new(repository: &'a Repository, wants: &'a [Oid]) -> Result<Self, git2::Error> {
        let odb = repository.odb()?;
        // Once here, so that each object which only the client has need not look for new packs.
        odb.refresh()?;
        Ok(Self { repository, odb, wants, steps: MAX_STEPS })
    }

    fn reaches(&mut self, want: Oid, common: &HashSet<Oid>) -> Result<bool, git2::Error> {
        let mut walk = self.repository.revwalk()?;
        walk.push(want)?;
        for commit in walk {
            if self.steps == 0 {
                return Ok(false);
            }
            self.steps -= 1;
            if common.contains(&commit?) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Known for Negotiator<'_> {
    fn has(&mut self, id: Id) -> bool {
        self.odb.exists_ext(id.into(), OdbLookupFlags::NO_REFRESH)
    }

    fn is_enough(&mut self, common: &[Id]) -> bool {
        if common.is_empty() || self.steps == 0 {
            return false;
        }
        // Looking at each common object again for each one that only the client has would take
        // hours, if a client wanted that.
        self.steps = self.steps.saturating_sub(common.len());
        let common: HashSet<Oid> = common.iter().map(|&id| id.into()).collect();
        // The wants are borrowed for longer than this call.
        let wants = self.wants;
        wants.iter().all(|&want| self.reaches(want, &common).unwrap_or(false))
    }
}

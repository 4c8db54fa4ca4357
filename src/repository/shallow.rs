//! Cut histories: which commits become the end of what a client has.
//!
//! The rules are those of `deepen`, `send_shallow` and `send_unshallow` in git's upload-pack.c.

use std::collections::HashSet;

use git2::{ObjectType, Oid, Repository};

use super::{Error, Snapshot};
use crate::protocol::{Deepen, FetchRequest, ShallowUpdate};

/// Where the client's history ends after this fetch.
#[derive(Debug, Default)]
pub(super) struct Cut {
    /// What the client is told.
    pub(super) update: ShallowUpdate,
    /// Commits whose parents are not sent.
    pub(super) ends: HashSet<Oid>,
    /// Commits that must be sent because the client's history goes further down now.
    pub(super) uncovered: Vec<Oid>,
}

/// The cut for this request; `None` if both sides have whole histories. `wants` are commits.
pub(super) fn cut(
    repository: &Repository,
    request: &FetchRequest,
    wants: &[Oid],
    snapshot: &Snapshot,
) -> Result<Option<Cut>, Error> {
    let odb = repository.odb()?;
    // What is not here, or no commit, cannot be where a history of ours ends.
    let is_commit = |&id: &Oid| matches!(odb.read_header(id), Ok((_, ObjectType::Commit)));
    let client: HashSet<Oid> =
        request.shallow.iter().map(|&id| Oid::from(id)).filter(is_commit).collect();
    let reach = match &request.deepen {
        None if client.is_empty() => return Ok(None),
        None => Reach::default(),
        Some(deepen) if deepen.is_infinite() => {
            Reach { inside: client.clone(), boundary: Vec::new() }
        }
        Some(Deepen::Depth(depth)) => by_depth(repository, wants, *depth)?,
        Some(Deepen::Relative(depth)) => {
            let ends = reachable(repository, wants, &client)?;
            by_depth(repository, &ends, depth.saturating_add(1))?
        }
        Some(Deepen::Limits { since, not }) => {
            let excluded = excluded(repository, not, snapshot)?;
            by_limits(repository, wants, *since, &excluded)?
        }
    };
    reach.against(repository, &client).map(Some)
}

/// Commits that the new history has whole, and those at its end.
#[derive(Default)]
struct Reach {
    inside: HashSet<Oid>,
    boundary: Vec<Oid>,
}

impl Reach {
    fn against(self, repository: &Repository, client: &HashSet<Oid>) -> Result<Cut, Error> {
        let mut cut = Cut::default();
        for &id in client {
            if self.inside.contains(&id) {
                cut.update.unshallow.push(id.into());
                cut.uncovered.extend(repository.find_commit(id)?.parent_ids());
            } else {
                cut.ends.insert(id);
            }
        }
        for id in self.boundary {
            if !client.contains(&id) {
                cut.update.shallow.push(id.into());
            }
            cut.ends.insert(id);
        }
        Ok(cut)
    }
}

fn by_depth(repository: &Repository, starts: &[Oid], depth: u32) -> Result<Reach, Error> {
    let mut reach = Reach::default();
    let mut seen: HashSet<Oid> = starts.iter().copied().collect();
    let mut level: Vec<Oid> = seen.iter().copied().collect();
    for _ in 1..depth {
        let mut below = Vec::new();
        for id in level {
            reach.inside.insert(id);
            let parents = repository.find_commit(id)?;
            below.extend(parents.parent_ids().filter(|&parent| seen.insert(parent)));
        }
        level = below;
        if level.is_empty() {
            break;
        }
    }
    reach.boundary = level;
    Ok(reach)
}

fn by_limits(
    repository: &Repository,
    wants: &[Oid],
    since: Option<i64>,
    excluded: &HashSet<Oid>,
) -> Result<Reach, Error> {
    let mut reach = Reach::default();
    let is_in = |id: Oid| -> Result<bool, Error> {
        let new_enough = match since {
            Some(since) => repository.find_commit(id)?.time().seconds() >= since,
            None => true,
        };
        Ok(new_enough && !excluded.contains(&id))
    };
    let mut seen = HashSet::new();
    let mut stack = wants.to_vec();
    while let Some(id) = stack.pop() {
        if !seen.insert(id) || !is_in(id)? {
            continue;
        }
        let mut whole = true;
        for parent in repository.find_commit(id)?.parent_ids() {
            whole &= is_in(parent)?;
            stack.push(parent);
        }
        match whole {
            true => _ = reach.inside.insert(id),
            false => reach.boundary.push(id),
        }
    }
    if reach.inside.is_empty() && reach.boundary.is_empty() {
        return Err(Error::NotFound("no commits selected for shallow requests".into()));
    }
    Ok(reach)
}

fn excluded(
    repository: &Repository,
    names: &[String],
    snapshot: &Snapshot,
) -> Result<HashSet<Oid>, Error> {
    let mut starts = Vec::new();
    for name in names {
        let candidates = [name.clone(), format!("refs/tags/{name}"), format!("refs/heads/{name}")];
        let found = candidates.iter().find_map(|name| snapshot.get(name));
        let found = found.ok_or_else(|| {
            Error::NotFound(format!("git upload-pack: deepen-not is not a ref: {name}"))
        })?;
        starts.push(found.peeled.unwrap_or(found.target).into());
    }
    ancestors(repository, &starts, &HashSet::new())
}

/// The commits of `targets` that `starts` reach.
fn reachable(
    repository: &Repository,
    starts: &[Oid],
    targets: &HashSet<Oid>,
) -> Result<Vec<Oid>, Error> {
    let mut reached = Vec::new();
    for &target in targets {
        for &start in starts {
            if start == target || repository.graph_descendant_of(start, target)? {
                reached.push(target);
                break;
            }
        }
    }
    Ok(reached)
}

/// All that `starts` reach, themselves included, not going below `ends`.
pub(super) fn ancestors(
    repository: &Repository,
    starts: &[Oid],
    ends: &HashSet<Oid>,
) -> Result<HashSet<Oid>, Error> {
    let mut seen = HashSet::new();
    let mut stack = starts.to_vec();
    while let Some(id) = stack.pop() {
        if seen.insert(id) && !ends.contains(&id) {
            stack.extend(repository.find_commit(id)?.parent_ids());
        }
    }
    Ok(seen)
}

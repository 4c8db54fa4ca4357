//! What comes of local changes and new ones.

use std::collections::{BTreeMap, BTreeSet};

use git2::{Index, ObjectType, Oid, Repository};

pub use super::content::merge_file;
use super::listing::{Leaf, Listing, directories, listing, obstacle};
use super::{content, disk, renames};
use crate::node::Error;

/// What becomes of changes that overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Nothing is changed at all.
    Refuse,
    /// The local side of what overlaps is kept.
    Mine,
    /// The other side is taken.
    Theirs,
    /// Both stand in the file, with markers.
    Manual,
}

/// A file that was changed here and upstream, so that a person has to decide.
#[derive(Clone, Debug)]
pub struct Conflict {
    pub base: Option<(Vec<u8>, Leaf)>,
    pub local: Option<(Vec<u8>, Leaf)>,
    pub upstream: Option<(Vec<u8>, Leaf)>,
    /// One side has a directory there.
    pub is_in_the_way: bool,
}

impl Conflict {
    fn at(path: &[u8], sides: Sides) -> Self {
        let [base, local, upstream] =
            sides.leaves.map(|leaf| leaf.map(|leaf| (path.to_vec(), leaf)));
        Self { base, local, upstream, is_in_the_way: false }
    }

    /// The path to tell people.
    pub fn path(&self) -> &[u8] {
        let sides = [&self.local, &self.upstream, &self.base];
        sides.into_iter().flatten().next().map_or(b"", |(path, _)| path)
    }

    /// What happened on both sides.
    pub fn reason(&self) -> &'static str {
        match (&self.base, &self.local, &self.upstream) {
            _ if self.is_in_the_way => "a file on one side, a directory on the other",
            (None, Some(_), Some(_)) => "added here and upstream",
            (_, Some(_), Some(_)) => "changed here and upstream",
            (_, Some(_), None) => "changed here, deleted or renamed upstream",
            (_, None, Some(_)) => "deleted or renamed here, changed upstream",
            (_, None, None) => "renamed here and upstream",
        }
    }

    /// Every path that it has on any side.
    pub fn paths(&self) -> impl Iterator<Item = &[u8]> {
        let sides = [&self.base, &self.local, &self.upstream];
        sides.into_iter().flatten().map(|(path, _)| &path[..])
    }

    /// The same, relative to another directory.
    pub fn below(mut self, prefix: &[u8]) -> Self {
        let sides = [&mut self.base, &mut self.local, &mut self.upstream];
        for (path, _) in sides.into_iter().flatten() {
            *path = [prefix, path].concat();
        }
        self
    }
}

/// The files to be, and what could not be decided.
#[derive(Debug)]
pub struct Merged {
    pub files: Listing,
    pub conflicts: Vec<Conflict>,
}

/// What stands at one path.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sides {
    /// [`BASE`], [`LOCAL`], [`UPSTREAM`].
    pub leaves: [Option<Leaf>; 3],
    /// A person has to decide, whatever stands there.
    pub is_open: bool,
}

/// What both sides began with.
pub(super) const BASE: usize = 0;
pub(super) const LOCAL: usize = 1;
pub(super) const UPSTREAM: usize = 2;

/// Merges two trees that come from a third, as git's merge strategy `ort` does but that it follows
/// no renamed directories. Conflicts are settled as `strategy` says, except those that are left to a
/// person.
pub fn merge(
    repository: &Repository,
    trees: [Oid; 3],
    strategy: Strategy,
) -> Result<Merged, Error> {
    let mut all = sides(repository, trees)?;
    renames::follow(repository, trees, &mut all, strategy)?;
    let mut files = Listing::new();
    let mut open = Vec::new();
    for (path, &sides) in &all {
        let (leaf, is_decided) = decide(repository, sides, strategy)?;
        files.extend(leaf.map(|leaf| (path.clone(), leaf)));
        if !is_decided {
            open.push(Conflict::at(path, sides));
        }
    }
    let here = repository.find_tree(trees[LOCAL])?;
    for path in in_the_way(&files) {
        let file = here.get_path(&disk::below("".as_ref(), &path));
        let is_local = file.is_ok_and(|file| file.kind() == Some(ObjectType::Blob));
        if strategy == if is_local { Strategy::Theirs } else { Strategy::Mine } {
            files.remove(&path);
        }
        open.retain(|conflict| conflict.path() != path);
        open.push(Conflict { is_in_the_way: true, ..Conflict::at(&path, all[&path]) });
    }
    // The old name of a file that became a directory is none to ask about.
    open.retain(|conflict| {
        conflict.local.is_some()
            || conflict.upstream.is_some()
            || obstacle(&files, conflict.path()).is_none()
    });
    let is_settled = matches!(strategy, Strategy::Mine | Strategy::Theirs);
    Ok(Merged { files, conflicts: if is_settled { Vec::new() } else { open } })
}

/// Files where others need a directory.
fn in_the_way(files: &Listing) -> BTreeSet<Vec<u8>> {
    let above = files.keys().flat_map(|path| directories(path));
    above.filter(|path| files.contains_key(*path)).map(<[u8]>::to_vec).collect()
}

fn sides(repository: &Repository, trees: [Oid; 3]) -> Result<BTreeMap<Vec<u8>, Sides>, Error> {
    let mut all: BTreeMap<Vec<u8>, Sides> = BTreeMap::new();
    for (side, tree) in trees.into_iter().enumerate() {
        for (path, leaf) in listing(repository, Some(tree))? {
            all.entry(path).or_default().leaves[side] = Some(leaf);
        }
    }
    Ok(all)
}

/// What is to stand there, and whether nobody need be asked.
fn decide(
    repository: &Repository,
    sides: Sides,
    strategy: Strategy,
) -> Result<(Option<Leaf>, bool), Error> {
    let Sides { leaves: [base, local, upstream], is_open } = sides;
    if !is_open && (local == upstream || base == upstream) {
        return Ok((local, true));
    }
    if !is_open && base == local {
        return Ok((upstream, true));
    }
    let both = match (local, upstream) {
        (Some(local), Some(upstream)) if local.is_link() == upstream.is_link() => Some(
            content::merge(repository, base, [local, upstream], strategy, content::MARKER_SIZE)?,
        ),
        _ => None,
    };
    Ok(match (strategy, both) {
        (_, Some((leaf, true))) if !is_open => (Some(leaf), true),
        (Strategy::Mine, _) => (local, false),
        (Strategy::Theirs, _) => (upstream, false),
        (Strategy::Refuse | Strategy::Manual, Some((leaf, _))) => (Some(leaf), false),
        (Strategy::Refuse | Strategy::Manual, None) => (local.or(upstream), false),
    })
}

/// Those of an index.
pub fn conflicts(index: &Index) -> Result<Vec<Conflict>, git2::Error> {
    let side = |entry: Option<git2::IndexEntry>| {
        entry.map(|entry| (entry.path, Leaf { id: entry.id, mode: entry.mode }))
    };
    let of = |found: git2::IndexConflict| Conflict {
        base: side(found.ancestor),
        local: side(found.our),
        upstream: side(found.their),
        is_in_the_way: false,
    };
    index.conflicts()?.map(|found| found.map(of)).collect()
}

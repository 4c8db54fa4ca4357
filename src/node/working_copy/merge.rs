//! What comes of local changes and new ones.

use git2::{FileFavor, Index, MergeFileOptions, MergeOptions, Oid, Repository};

use super::listing::{LINK, Leaf, Listing, index_entry};
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
}

impl Conflict {
    /// The path to tell people.
    pub fn path(&self) -> &[u8] {
        let sides = [&self.local, &self.upstream, &self.base];
        sides.into_iter().flatten().next().map_or(b"", |(path, _)| path)
    }

    /// What happened on both sides.
    pub fn reason(&self) -> &'static str {
        match (&self.base, &self.local, &self.upstream) {
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

/// Merges two trees that come from a third. Conflicts are settled as `strategy` says, except those
/// that are left to a person.
pub fn merge(
    repository: &Repository,
    [base, local, upstream]: [Oid; 3],
    strategy: Strategy,
) -> Result<Merged, Error> {
    let mut options = MergeOptions::new();
    options.find_renames(true);
    match strategy {
        Strategy::Mine => _ = options.file_favor(FileFavor::Ours),
        Strategy::Theirs => _ = options.file_favor(FileFavor::Theirs),
        Strategy::Refuse | Strategy::Manual => {}
    }
    let tree = |id| repository.find_tree(id);
    let index =
        repository.merge_trees(&tree(base)?, &tree(local)?, &tree(upstream)?, Some(&options))?;
    let mut merged = Merged { files: decided(&index), conflicts: Vec::new() };
    for conflict in conflicts(&index)? {
        if let Some((path, leaf)) = settle(repository, &conflict, strategy)? {
            merged.files.insert(path, leaf);
        }
        if matches!(strategy, Strategy::Refuse | Strategy::Manual) {
            merged.conflicts.push(conflict);
        }
    }
    Ok(merged)
}

fn decided(index: &Index) -> Listing {
    const STAGES: u16 = 0x3000;
    let entries = index.iter().filter(|entry| entry.flags & STAGES == 0);
    entries.map(|entry| (entry.path, Leaf { id: entry.id, mode: entry.mode })).collect()
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
    };
    index.conflicts()?.map(|found| found.map(of)).collect()
}

/// What stands in the tree afterwards; `None` if nothing does.
fn settle(
    repository: &Repository,
    conflict: &Conflict,
    strategy: Strategy,
) -> Result<Option<(Vec<u8>, Leaf)>, Error> {
    let Conflict { local, upstream, .. } = conflict;
    Ok(match strategy {
        Strategy::Refuse => None,
        Strategy::Mine => local.clone(),
        Strategy::Theirs => upstream.clone(),
        Strategy::Manual => match with_markers(repository, conflict)? {
            Some(marked) => Some(marked),
            None => local.clone().or_else(|| upstream.clone()),
        },
    })
}

/// Both sides in one file; `None` where that makes no sense.
fn with_markers(
    repository: &Repository,
    conflict: &Conflict,
) -> Result<Option<(Vec<u8>, Leaf)>, Error> {
    let (Some((path, local)), Some((_, upstream))) = (&conflict.local, &conflict.upstream) else {
        return Ok(None);
    };
    for leaf in [local, upstream] {
        if leaf.mode == LINK || repository.find_blob(leaf.id)?.is_binary() {
            return Ok(None);
        }
    }
    let nothing = Leaf { id: repository.blob(b"")?, mode: local.mode };
    let base = conflict.base.as_ref().map_or(nothing, |&(_, leaf)| leaf);
    let entry = |leaf| index_entry(path.clone(), leaf, 0);
    let mut options = MergeFileOptions::new();
    options
        .ancestor_label("base")
        .our_label("local")
        .their_label("upstream")
        .style_diff3(conflict.base.is_some());
    let (base, ours, theirs) = (entry(base), entry(*local), entry(*upstream));
    let marked = repository.merge_file_from_index(&base, &ours, &theirs, Some(&mut options))?;
    let id = repository.blob(marked.content())?;
    Ok(Some((path.clone(), Leaf { id, mode: local.mode })))
}

/// Merges the content of one file; `None` if the changes overlap or are no text.
pub fn merge_file(
    repository: &Repository,
    [base, local, upstream]: [Leaf; 3],
) -> Result<Option<Leaf>, Error> {
    for leaf in [base, local, upstream] {
        if leaf.mode == LINK || repository.find_blob(leaf.id)?.is_binary() {
            return Ok(None);
        }
    }
    let entry = |leaf| index_entry(b"file".to_vec(), leaf, 0);
    let (base, ours, theirs) = (entry(base), entry(local), entry(upstream));
    let merged = repository.merge_file_from_index(&base, &ours, &theirs, None)?;
    if !merged.is_automergeable() {
        return Ok(None);
    }
    Ok(Some(Leaf { id: repository.blob(merged.content())?, mode: local.mode }))
}

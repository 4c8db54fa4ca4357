//! What is different from what was checked out.

use std::collections::BTreeSet;

use git2::Repository;

use super::disk;
use super::listing::{Leaf, Listing, is_of_git};
use super::merge::conflicts;
use super::part::Part;
use super::scan::Disk;
use super::{Letter, WorkingCopy};
use crate::node::Error;

/// A file that is not as it was checked out.
#[derive(Clone, Debug)]
pub struct Change {
    pub letter: Letter,
    /// Which part it is in.
    pub part: usize,
    /// Its path in that part.
    pub path: Vec<u8>,
    /// What was checked out.
    pub before: Option<Leaf>,
}

impl WorkingCopy {
    /// All of them, in the order of their paths within each part.
    pub fn changes(&self) -> Result<Vec<Change>, Error> {
        let mut all = Vec::new();
        for (number, part) in self.parts.iter().enumerate() {
            all.extend(self.changes_of(number, part)?);
        }
        Ok(all)
    }

    /// The path of a change in the whole tree.
    pub fn path_of(&self, change: &Change) -> Vec<u8> {
        self.parts[change.part].path(&change.path)
    }

    fn changes_of(&self, number: usize, part: &Part) -> Result<Vec<Change>, Error> {
        let base = part.files(part.head(self.generation)?)?;
        let index = part.index(self.generation)?;
        let disk = part.scan(&self.paths.tree, &base, &index)?;
        let open: BTreeSet<Vec<u8>> =
            conflicts(&index)?.iter().map(|conflict| conflict.path().to_vec()).collect();
        let known: BTreeSet<Vec<u8>> = index.iter().map(|entry| entry.path).collect();
        let now = disk.listing();
        let unknown = self.unknown(part, &disk)?;
        let paths: BTreeSet<&Vec<u8>> =
            base.keys().chain(now.keys()).chain(&unknown).chain(&open).collect();
        let change = |path: &Vec<u8>| {
            let (before, now) = (base.get(path).copied(), now.get(path).copied());
            let letter = match (before, now) {
                _ if open.contains(path) => Letter::Conflict,
                (before, now) if before == now && before.is_some() => return None,
                (Some(_), Some(_)) => Letter::Modified,
                (Some(_), None) if known.contains(path) => Letter::Missing,
                (Some(_), None) => Letter::Deleted,
                (None, Some(_)) => Letter::Added,
                (None, None) => Letter::Unknown,
            };
            Some(Change { letter, part: number, path: path.clone(), before })
        };
        Ok(paths.into_iter().filter_map(change).collect())
    }

    /// Untracked files without those that `.gitignore` names, and those that git cannot keep.
    fn unknown(&self, part: &Part, disk: &Disk) -> Result<Vec<Vec<u8>>, Error> {
        if disk.untracked.is_empty() {
            return Ok(Vec::new());
        }
        let repository = Repository::open(part.top(&self.paths.tree))?;
        let mut unknown = Vec::new();
        let top = part.top(&self.paths.tree);
        for path in disk.untracked.keys().filter(|path| !is_of_git(path)) {
            let metadata = disk::metadata(&disk::below(&top, path))?;
            let can_be_kept = metadata.is_some_and(|metadata| disk::mode(&metadata).is_some());
            if can_be_kept && !repository.is_path_ignored(disk::below("".as_ref(), path))? {
                unknown.push(path.clone());
            }
        }
        Ok(unknown)
    }

    /// What was checked out, one for each part.
    pub fn base(&self) -> Result<Vec<Listing>, Error> {
        self.parts.iter().map(|part| part.files(part.head(self.generation)?)).collect()
    }
}

//! What a commit takes from the working copy, and what it leaves there.

use std::collections::BTreeMap;

use git2::{Oid, Signature};

use super::disk;
use super::listing::{Leaf, directories, index_entry, write_tree};
use super::merge::conflicts;
use super::{Change, Lock, Part, WorkingCopy};
use crate::node::Error;

/// What is to stand at a path; `None` if nothing is.
pub type Edits = BTreeMap<Vec<u8>, Option<Leaf>>;

impl WorkingCopy {
    /// The files in conflict.
    pub fn conflicts(&self) -> Result<Vec<Vec<u8>>, Error> {
        let mut paths = Vec::new();
        for part in &self.parts {
            let index = part.index(self.generation)?;
            let open = conflicts(&index)?;
            paths.extend(open.iter().map(|conflict| part.path(conflict.path())));
        }
        Ok(paths)
    }

    /// The outermost directory with this unknown file that has no known one.
    pub fn new_directory_of(&self, change: &Change) -> Result<Option<Vec<u8>>, Error> {
        let part = &self.parts[change.part];
        let base = part.files(part.head(self.generation)?)?;
        let is_new = |directory: &&[u8]| {
            let inside = [directory, &b"/"[..]].concat();
            let first = base.range(inside.clone()..).next();
            first.is_none_or(|(path, _)| !path.starts_with(&inside))
        };
        Ok(directories(&change.path).find(is_new).map(|directory| part.path(directory)))
    }

    /// Puts what stands on disk into the repository.
    pub fn store(&self, change: &Change) -> Result<Option<Leaf>, Error> {
        let (part, file) = (&self.parts[change.part], self.file(change));
        let found = disk::found(&part.top(&self.paths.tree), &change.path)?;
        let mode = found.and_then(|metadata| disk::mode(&metadata));
        mode.map(|mode| disk::store(&part.repository, &file, mode)).transpose()
    }

    /// Notes that the server has these edits. `head` is the commit that holds nothing else that is
    /// new. Where others committed as well, this node goes on from a commit of its own, which holds
    /// the edits alone, until it pulls.
    pub fn committed(
        &self,
        _lock: &Lock,
        part: &Part,
        edits: &Edits,
        head: Option<Oid>,
    ) -> Result<(), Error> {
        let head = head.map_or_else(|| self.own_commit(part, edits), Ok)?;
        part.change_index(self.generation, |index| {
            for (path, wanted) in edits {
                let file = disk::below("".as_ref(), path);
                match wanted {
                    Some(leaf) => index.add(&index_entry(path.clone(), *leaf, 0))?,
                    None if index.get_path(&file, 0).is_some() => index.remove(&file, 0)?,
                    None => {}
                }
            }
            Ok(())
        })?;
        let generation = self.generation.expect("a working copy that is there has one");
        generation.set_head(part.repository.path(), head)
    }

    fn own_commit(&self, part: &Part, edits: &Edits) -> Result<Oid, Error> {
        let before = self.head(part)?;
        let mut files = part.files(Some(before))?;
        for (path, wanted) in edits {
            match wanted {
                Some(leaf) => _ = files.insert(path.clone(), *leaf),
                None => _ = files.remove(path),
            }
        }
        let repository = &part.repository;
        let tree = repository.find_tree(write_tree(repository, &files)?)?;
        let parent = repository.find_commit(before)?;
        let who = Signature::now("eccfg", "eccfg@localhost")?;
        let message =
            "Committed from here; the revision that the server made comes with the next pull";
        Ok(repository.commit(None, &who, &who, message, &tree, &[&parent])?)
    }
}

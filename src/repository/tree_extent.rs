//! How far trees reach, counted without walking what they share more than once.

use std::collections::HashMap;

use git2::{ObjectType, Oid, Repository};

use super::Error;

/// What lies below a tree.
#[derive(Clone, Copy, Default)]
pub(super) struct Extent {
    /// Directories within directories.
    depth: usize,
    /// Bytes of the longest path.
    pub(super) longest_path: usize,
    pub(super) files: u64,
}

/// Extents of trees, remembered.
pub(super) struct Extents<'a> {
    repository: &'a Repository,
    max_depth: usize,
    known: HashMap<Oid, Extent>,
}

impl<'a> Extents<'a> {
    pub(super) fn new(repository: &'a Repository, max_depth: usize) -> Self {
        Self { repository, max_depth, known: HashMap::new() }
    }

    /// The extent of a tree; `None` if it is too deep, which also bounds the recursion.
    pub(super) fn of(&mut self, tree: Oid) -> Result<Option<Extent>, Error> {
        self.within(tree, self.max_depth)
    }

    fn within(&mut self, tree: Oid, depth: usize) -> Result<Option<Extent>, Error> {
        if let Some(&known) = self.known.get(&tree) {
            return Ok(Some(known).filter(|extent| extent.depth <= depth));
        }
        let mut extent = Extent::default();
        for entry in self.repository.find_tree(tree)?.iter() {
            let name = entry.name_bytes().len();
            if entry.kind() != Some(ObjectType::Tree) {
                extent.add(Extent { depth: 0, longest_path: name, files: 1 });
                continue;
            }
            let Some(below) = depth.checked_sub(1) else { return Ok(None) };
            let Some(below) = self.within(entry.id(), below)? else { return Ok(None) };
            extent.add(Extent {
                depth: below.depth + 1,
                longest_path: name + b"/".len() + below.longest_path,
                files: below.files,
            });
        }
        self.known.insert(tree, extent);
        Ok(Some(extent))
    }
}

impl Extent {
    fn add(&mut self, other: Self) {
        self.depth = self.depth.max(other.depth);
        self.longest_path = self.longest_path.max(other.longest_path);
        self.files = self.files.saturating_add(other.files);
    }
}

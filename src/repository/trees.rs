//! Walking trees by what they have that others do not.

use std::collections::HashSet;

use git2::{ObjectType, Oid, Repository, Sort, Tree, TreeEntry};

use super::Error;

/// What a visitor is shown and decides upon.
pub(super) trait Visit {
    /// A tree, before its entries, with the path of the directory (no slash at its end).
    fn tree(&mut self, tree: &Tree<'_>, path: &[u8]) -> Result<(), Error>;
    /// A tree that has been visited elsewhere, with all that is below it.
    fn again(&mut self) {}
    /// An entry that is no tree, with its whole path.
    fn leaf(&mut self, entry: &TreeEntry<'_>, path: &[u8]) -> Result<(), Error>;
}

/// Objects that have been visited, and whether as trees.
pub(super) type Seen = HashSet<(Oid, bool)>;

/// The order in which commits must be walked, see [`walk_new`].
pub(super) const PARENTS_FIRST: Sort = Sort::TOPOLOGICAL.union(Sort::REVERSE);

/// Walks what is new in `tree`, compared at the same place with each of `bases`. Every object is
/// visited once for each `seen`. Costs as much as there is new, not as much as there is.
///
/// A tree that has been seen is taken to have been walked with all that is below it. So everything
/// in `bases` must be known or have been walked before: of several commits, parents come first. Else
/// a revert would hide what the tree it comes back to has in common with the one it replaces.
pub(super) fn walk_new(
    repository: &Repository,
    tree: Oid,
    bases: &[Oid],
    seen: &mut Seen,
    visit: &mut impl Visit,
) -> Result<(), Error> {
    Walk { repository, seen, visit }.tree(tree, bases, &mut Vec::new())
}

struct Walk<'a, V> {
    repository: &'a Repository,
    seen: &'a mut Seen,
    visit: &'a mut V,
}

impl<V: Visit> Walk<'_, V> {
    fn tree(&mut self, id: Oid, bases: &[Oid], path: &mut Vec<u8>) -> Result<(), Error> {
        if bases.contains(&id) {
            return Ok(());
        }
        if !self.seen.insert((id, true)) {
            self.visit.again();
            return Ok(());
        }
        let tree = self.repository.find_tree(id)?;
        self.visit.tree(&tree, path)?;
        let bases: Vec<Tree<'_>> =
            bases.iter().map(|&base| self.repository.find_tree(base)).collect::<Result<_, _>>()?;
        for entry in tree.iter() {
            self.entry(&entry, &bases, path)?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        entry: &TreeEntry<'_>,
        bases: &[Tree<'_>],
        path: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let there: Vec<TreeEntry<'_>> =
            bases.iter().filter_map(|base| base.get_name_bytes(entry.name_bytes())).collect();
        // The same object as another kind of thing is another thing, and a wrong one.
        if there.iter().any(|old| old.id() == entry.id() && old.kind() == entry.kind()) {
            return Ok(());
        }
        let length = path.len();
        if length > 0 {
            path.push(b'/');
        }
        path.extend_from_slice(entry.name_bytes());
        if entry.kind() == Some(ObjectType::Tree) {
            let is_tree = |old: &&TreeEntry<'_>| old.kind() == Some(ObjectType::Tree);
            let bases: Vec<Oid> = there.iter().filter(is_tree).map(TreeEntry::id).collect();
            self.tree(entry.id(), &bases, path)?;
        } else if self.seen.insert((entry.id(), false)) {
            self.visit.leaf(entry, path)?;
        }
        path.truncate(length);
        Ok(())
    }
}

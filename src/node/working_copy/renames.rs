//! Files that one side gave another name, so that the other side's changes follow.

use std::collections::{BTreeMap, BTreeSet};

use git2::{Delta, DiffFindOptions, ObjectType, Oid, Repository};

use super::content::{self, MARKER_SIZE};
use super::listing::Leaf;
use super::merge::{BASE, LOCAL, Sides, Strategy, UPSTREAM};
use crate::node::Error;

type All = BTreeMap<Vec<u8>, Sides>;
/// The new names by the old ones.
type Renames = BTreeMap<Vec<u8>, Vec<u8>>;

/// Brings what belongs together to the place where it is to stand.
pub fn follow(
    repository: &Repository,
    [base, local, upstream]: [Oid; 3],
    all: &mut All,
    strategy: Strategy,
) -> Result<(), Error> {
    let find = |tree, side| renames(repository, all, [base, tree], side);
    let (local, upstream) = (find(local, LOCAL)?, find(upstream, UPSTREAM)?);
    let old: BTreeSet<&Vec<u8>> = local.keys().chain(upstream.keys()).collect();
    let mut follow = Follow { repository, all, strategy };
    for old in old {
        match (local.get(old), upstream.get(old)) {
            (Some(here), Some(there)) if here == there => follow.same(old, here),
            (Some(here), Some(there)) => follow.apart(old, here, there)?,
            (Some(new), None) => follow.one(old, new, LOCAL, UPSTREAM)?,
            (None, Some(new)) => follow.one(old, new, UPSTREAM, LOCAL)?,
            (None, None) => {}
        }
    }
    Ok(())
}

/// Those between two trees, the second of which is that of `side`.
fn renames(
    repository: &Repository,
    all: &All,
    [base, tree]: [Oid; 2],
    side: usize,
) -> Result<Renames, git2::Error> {
    let (base, tree) = (repository.find_tree(base)?, repository.find_tree(tree)?);
    let mut diff = repository.diff_tree_to_tree(Some(&base), Some(&tree), None)?;
    diff.find_similar(Some(DiffFindOptions::new().renames(true)))?;
    let nothing = Oid::hash_object(ObjectType::Blob, b"")?;
    // One empty file is not another.
    let renamed = diff
        .deltas()
        .filter(|delta| delta.status() == Delta::Renamed && delta.old_file().id() != nothing);
    let paths = renamed.filter_map(|delta| {
        Some((delta.old_file().path_bytes()?.to_vec(), delta.new_file().path_bytes()?.to_vec()))
    });
    // libgit2 takes a file that became a link for one that went and one that came.
    let leaf = |path: &[u8], side: usize| all.get(path).and_then(|sides| sides.leaves[side]);
    let is_name_changed =
        |(old, new): &(Vec<u8>, Vec<u8>)| leaf(old, side).is_none() && leaf(new, BASE).is_none();
    Ok(paths.filter(is_name_changed).collect())
}

struct Follow<'a> {
    repository: &'a Repository,
    all: &'a mut All,
    strategy: Strategy,
}

impl Follow<'_> {
    fn at(&mut self, path: &[u8]) -> &mut Sides {
        self.all.entry(path.to_vec()).or_default()
    }

    /// Both sides gave it the same name.
    fn same(&mut self, old: &[u8], new: &[u8]) {
        let before = self.all.remove(old).and_then(|sides| sides.leaves[BASE]);
        self.at(new).leaves[BASE] = before;
    }

    /// Each side gave it a name of its own: both get the changes of both.
    fn apart(&mut self, old: &[u8], here: &[u8], there: &[u8]) -> Result<(), Error> {
        let before = self.at(old).leaves[BASE];
        let sides = [before, self.at(here).leaves[LOCAL], self.at(there).leaves[UPSTREAM]];
        if let [_, Some(local), Some(upstream)] = sides {
            let (merged, is_decided) = self.merge(sides, MARKER_SIZE)?;
            let is_one_of_them = !is_decided && merged == Some(local);
            self.at(here).leaves[LOCAL] = merged;
            self.at(there).leaves[UPSTREAM] = if is_one_of_them { Some(upstream) } else { merged };
        }
        for path in [old, here, there] {
            self.at(path).is_open = true;
        }
        Ok(())
    }

    /// One side gave it another name.
    fn one(&mut self, old: &[u8], new: &[u8], side: usize, other: usize) -> Result<(), Error> {
        let (before, there) = (self.at(old).leaves[BASE], self.at(old).leaves[other]);
        let (renamed, taken) = (self.at(new).leaves[side], self.at(new).leaves[other]);
        let is_other_kind = matches!((renamed, there), (Some(renamed), Some(there))
            if renamed.is_link() != there.is_link());
        match is_other_kind {
            true => self.at(old).leaves[BASE] = None,
            false => _ = self.all.remove(old),
        }
        if taken.is_none() || is_other_kind {
            let target = self.at(new);
            target.leaves[BASE] = before;
            if !is_other_kind {
                target.leaves[other] = there;
            }
            target.is_open = target.leaves[other].is_none();
        } else if there.is_none() {
            self.at(new).is_open = true;
        } else {
            let mut sides = [before, None, None];
            (sides[side], sides[other]) = (renamed, there);
            // Its own markers may come to stand within others.
            let (merged, _) = self.merge(sides, MARKER_SIZE + 1)?;
            self.at(new).leaves[side] = merged;
        }
        Ok(())
    }

    fn merge(
        &self,
        sides: [Option<Leaf>; 3],
        marker_size: u16,
    ) -> Result<(Option<Leaf>, bool), Error> {
        let [base, Some(local), Some(upstream)] = sides else { return Ok((None, false)) };
        let (merged, is_decided) =
            content::merge(self.repository, base, [local, upstream], self.strategy, marker_size)?;
        Ok((Some(merged), is_decided))
    }
}

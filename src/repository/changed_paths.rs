//! Which paths differ between two trees, as far as a log needs them.

use git2::{ObjectType, Oid, Repository, Tree, TreeEntry};

use super::Error;

/// The paths of all files that differ, sorted. `None` is a tree without entries.
///
/// libgit2's own comparison reads every tree of both, for it knows no tree by its id alone; this one
/// reads those that differ, so it costs as much as has changed, not as much as there is.
pub(super) fn changed_paths(
    repository: &Repository,
    old: Option<Oid>,
    new: Option<Oid>,
) -> Result<Vec<String>, Error> {
    let mut comparison = Comparison { repository, paths: Vec::new() };
    comparison.trees(old, new, "")?;
    comparison.paths.sort_unstable();
    Ok(comparison.paths)
}

struct Comparison<'r> {
    repository: &'r Repository,
    paths: Vec<String>,
}

impl Comparison<'_> {
    fn trees(&mut self, old: Option<Oid>, new: Option<Oid>, dir: &str) -> Result<(), Error> {
        if old == new {
            return Ok(());
        }
        let read = |id: Option<Oid>| id.map(|id| self.repository.find_tree(id)).transpose();
        let (old, new) = (read(old)?, read(new)?);
        for entry in new.iter().flat_map(Tree::iter) {
            let before = old.as_ref().and_then(|old| old.get_name_bytes(entry.name_bytes()));
            self.entries(before.as_ref(), Some(&entry), dir)?;
        }
        for entry in old.iter().flat_map(Tree::iter) {
            let stays = |new: &Tree<'_>| new.get_name_bytes(entry.name_bytes()).is_some();
            if !new.as_ref().is_some_and(stays) {
                self.entries(Some(&entry), None, dir)?;
            }
        }
        Ok(())
    }

    /// Compares what has the same name in `dir`.
    fn entries(
        &mut self,
        old: Option<&TreeEntry<'_>>,
        new: Option<&TreeEntry<'_>>,
        dir: &str,
    ) -> Result<(), Error> {
        let what = |entry: &TreeEntry<'_>| (entry.id(), entry.filemode());
        if old.map(what) == new.map(what) {
            return Ok(());
        }
        let Some(either) = new.or(old) else { return Ok(()) };
        let path = format!("{dir}{}", String::from_utf8_lossy(either.name_bytes()));
        let is_tree = |entry: &&TreeEntry<'_>| entry.kind() == Some(ObjectType::Tree);
        let tree = |entry: Option<&TreeEntry<'_>>| entry.filter(is_tree).map(TreeEntry::id);
        self.trees(tree(old), tree(new), &format!("{path}/"))?;
        if !old.into_iter().chain(new).all(|entry| is_tree(&entry)) {
            self.paths.push(path);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use git2::FileMode;
    use git2::build::TreeUpdateBuilder;

    use super::*;

    #[test]
    fn the_paths_are_those_that_libgit2_finds() {
        let dir = tempfile::tempdir().unwrap();
        let repository = Repository::init_bare(dir.path()).unwrap();
        let blob = |content: &str| repository.blob(content.as_bytes()).unwrap();
        let (one, two) = (blob("one"), blob("two"));
        let tree = |files: &[(&str, Oid, FileMode)]| {
            let empty =
                repository.find_tree(repository.treebuilder(None).unwrap().write().unwrap());
            let mut update = TreeUpdateBuilder::new();
            for (path, id, mode) in files {
                update.upsert(*path, *id, *mode);
            }
            update.create_updated(&repository, &empty.unwrap()).unwrap()
        };
        let (file, program) = (FileMode::Blob, FileMode::BlobExecutable);
        let trees = [
            tree(&[]),
            tree(&[("a", one, file), ("d/b", one, file), ("same/x", one, file)]),
            tree(&[("a", one, program), ("d/b", two, file), ("same/x", one, file)]),
            tree(&[("a.b", one, file), ("a/c", one, file), ("d", one, file), ("e/f/g", two, file)]),
        ];
        for (old, new) in trees.iter().flat_map(|old| trees.iter().map(move |new| (*old, *new))) {
            let of = |id| repository.find_tree(id).unwrap();
            let diff = repository.diff_tree_to_tree(Some(&of(old)), Some(&of(new)), None).unwrap();
            let paths = diff.deltas().map(|d| d.new_file().path().unwrap().to_owned());
            let mut expected: Vec<_> = paths.map(|p| p.to_str().unwrap().to_owned()).collect();
            expected.sort();
            assert_eq!(changed_paths(&repository, Some(old), Some(new)).unwrap(), expected);
        }
        assert_eq!(changed_paths(&repository, None, Some(trees[3])).unwrap().len(), 4);
    }
}

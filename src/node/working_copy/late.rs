//! Edits made in the old tree between the moment it was looked at and the exchange.

use std::fs;
use std::path::{Path, PathBuf};

use git2::Index;

use super::build::{inherit, put};
use super::disk;
use super::listing::{Leaf, Listing};
use super::merge::merge_file;
use super::part::Part;
use super::paths::Paths;
use super::scan;
use crate::node::Error;

/// Brings them into the new tree. `seen` is what the old tree was taken to hold. What cannot be
/// merged is put beside the file; returns where.
pub fn carry_over(paths: &Paths, part: &Part, seen: &Listing) -> Result<Vec<Vec<u8>>, Error> {
    let (old, new) = (part.top(&paths.other_tree), part.top(&paths.tree));
    if !old.is_dir() {
        return Ok(Vec::new());
    }
    let mut late = Late { part, seen, old: &old, new: &new, put_aside: Vec::new() };
    let disk = scan::scan(&old, part.apart(), seen, &Index::new()?)?;
    for path in disk.tracked.keys().chain(&disk.untracked) {
        late.file(path)?;
    }
    for (path, leaf) in seen {
        if !disk.tracked.contains_key(path) {
            late.deleted(path, *leaf)?;
        }
    }
    Ok(late.put_aside)
}

struct Late<'a> {
    part: &'a Part,
    seen: &'a Listing,
    old: &'a Path,
    new: &'a Path,
    put_aside: Vec<Vec<u8>>,
}

impl Late<'_> {
    fn file(&mut self, path: &[u8]) -> Result<(), Error> {
        let (old, new) = (disk::below(self.old, path), disk::below(self.new, path));
        if is_same_file(&old, &new)? {
            return Ok(());
        }
        let seen = self.seen.get(path).copied();
        let (Some(edited), now) = (disk::leaf(&old)?, disk::leaf(&new)?) else { return Ok(()) };
        if seen == Some(edited) || now == Some(edited) {
            return Ok(());
        }
        match (seen, now) {
            (seen, now) if now == seen => self.take(&old, &new),
            (_, None) if fs::symlink_metadata(&new).is_err() => self.take(&old, &new),
            (Some(seen), Some(now)) => self.merge(path, [seen, edited, now]),
            _ => self.put_aside(path),
        }
    }

    fn merge(&mut self, path: &[u8], [seen, _, now]: [Leaf; 3]) -> Result<(), Error> {
        let (old, new) = (disk::below(self.old, path), disk::below(self.new, path));
        let repository = &self.part.repository;
        let store = |file: &PathBuf, leaf: Leaf| disk::store(repository, file, leaf.mode);
        let leaves = [seen, store(&old, seen)?, store(&new, now)?];
        let Some(merged) = merge_file(repository, leaves)? else { return self.put_aside(path) };
        let beside = beside(&new);
        let content = repository.find_blob(merged.id)?;
        put(&beside, content.content(), now.mode).map_err(Error::file(&beside))?;
        let before = fs::symlink_metadata(&new).map_err(Error::file(&new))?;
        inherit(&beside, &before, std::os::unix::fs::MetadataExt::mode(&before))
            .and_then(|()| fs::rename(&beside, &new))
            .map_err(Error::file(&new))
    }

    /// The file of the old tree itself: whoever has it open goes on writing to the right one.
    fn take(&self, old: &Path, new: &Path) -> Result<(), Error> {
        let beside = beside(new);
        let parent = new.parent().expect("a file of a tree lies in a directory");
        fs::create_dir_all(parent)
            .and_then(|()| fs::hard_link(old, &beside))
            .and_then(|()| fs::rename(&beside, new))
            .map_err(Error::file(new))
    }

    fn put_aside(&mut self, path: &[u8]) -> Result<(), Error> {
        let aside = [path, b".mine"].concat();
        self.take(&disk::below(self.old, path), &disk::below(self.new, &aside))?;
        self.put_aside.push(self.part.path(&aside));
        Ok(())
    }

    /// A file that was deleted meanwhile and that upstream did not change.
    fn deleted(&self, path: &[u8], seen: Leaf) -> Result<(), Error> {
        let (old, new) = (disk::below(self.old, path), disk::below(self.new, path));
        if disk::metadata(&old)?.is_some() || disk::leaf(&new)? != Some(seen) {
            return Ok(());
        }
        fs::remove_file(&new).map_err(Error::file(&new))
    }
}

fn is_same_file(one: &Path, other: &Path) -> Result<bool, Error> {
    use std::os::unix::fs::MetadataExt;
    let place = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    let (one, other) = (disk::metadata(one)?.map(place), disk::metadata(other)?.map(place));
    Ok(one == other)
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".eccfg-new");
    file.with_file_name(name)
}

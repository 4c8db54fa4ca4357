//! Edits made in the old tree between the moment it was looked at and the exchange.
//!
//! The new tree is in use meanwhile, and this may be cut short and done again: whatever is put there
//! takes its place in one system call, and nothing that is not expected there is replaced.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

use super::build::duplicate;
use super::disk::{self, Place, Stamp};
use super::listing::{Leaf, Listing};
use super::merge::merge_file;
use super::new_file::{inherit, put, with_execution};
use super::part::Part;
use super::paths::Paths;
use super::walk::walk;
use crate::node::Error;

/// Brings them into the new tree. The old tree, or what is there of it, was taken to hold `known` and
/// `untracked`. What cannot be merged is put beside the file; returns where.
pub fn carry_over(
    paths: &Paths,
    part: &Part,
    known: &Listing,
    untracked: &BTreeMap<Vec<u8>, Stamp>,
) -> Result<Vec<Vec<u8>>, Error> {
    let (old, new) = (part.top(&paths.other_tree), part.top(&paths.tree));
    if !old.is_dir() {
        return Ok(Vec::new());
    }
    let (overlapping, put_aside, old, new) = (Vec::new(), Vec::new(), &old, &new);
    let late = &mut Late { paths, part, known, untracked, old, new, overlapping, put_aside };
    let all = walk(old, part.apart())?;
    for (path, metadata) in &all.files {
        late.file(path, metadata)?;
    }
    let there: BTreeSet<&[u8]> = all.files.iter().map(|(path, _)| &path[..]).collect();
    for path in known.keys().chain(untracked.keys()) {
        if !there.contains(&path[..]) && disk::found(old, path)?.is_none_or(|found| found.is_dir())
        {
            late.deleted(path)?;
        }
    }
    let holds_files = |directory: &[u8]| {
        let inside = [directory, b"/"].concat();
        there.range(&inside[..]..).next().is_some_and(|path| path.starts_with(&inside))
    };
    for path in all.directories.iter().filter(|path| !holds_files(path)) {
        late.empty_directory(path)?;
    }
    // Not before all that has a name of its own has taken its place.
    for path in std::mem::take(&mut late.overlapping) {
        late.put_aside(&path)?;
    }
    Ok(std::mem::take(&mut late.put_aside))
}

struct Late<'a> {
    paths: &'a Paths,
    part: &'a Part,
    known: &'a Listing,
    untracked: &'a BTreeMap<Vec<u8>, Stamp>,
    old: &'a Path,
    new: &'a Path,
    overlapping: Vec<Vec<u8>>,
    /// Where the files are.
    put_aside: Vec<Vec<u8>>,
}

impl Late<'_> {
    fn file(&mut self, path: &[u8], metadata: &Metadata) -> Result<(), Error> {
        // Nearly all are links to one file, which is known without a look at each directory above.
        let linked = fs::symlink_metadata(disk::below(self.new, path)).ok();
        if linked.is_some_and(|found| is_same(&found, metadata)) {
            return Ok(());
        }
        let place = disk::place(self.new, path)?;
        let seen = self.known.get(path).copied();
        let edited = leaf(&disk::below(self.old, path), metadata)?;
        if edited.is_some() && edited == seen {
            return Ok(());
        }
        let now = match &place {
            Place::Taken(found) => leaf(&disk::below(self.new, path), found)?,
            Place::Free | Place::Obstructed(_) => None,
        };
        let is_as_seen = match &place {
            Place::Taken(found) => self.is_as_seen(path, found, now),
            _ => false,
        };
        match (seen, edited, now) {
            (_, Some(_), _) if edited == now => Ok(()),
            (_, _, Some(now)) if is_as_seen => {
                self.link_beside(path)?;
                self.take_place(path, now)
            }
            (Some(seen), Some(edited), Some(now)) => self.merge(path, [seen, edited, now]),
            // Deleted upstream: it must not come back unasked.
            (Some(_), Some(_), None) => self.overlaps(path),
            _ if matches!(place, Place::Free) => self.add(path),
            _ => self.overlaps(path),
        }
    }

    /// Whether a file of the new tree is as that of the old one was when it was looked at.
    fn is_as_seen(&self, path: &[u8], found: &Metadata, now: Option<Leaf>) -> bool {
        match self.untracked.get(path) {
            Some(stamp) => Stamp::of(found) == *stamp,
            None => now.is_some() && now == self.known.get(path).copied(),
        }
    }

    fn overlaps(&mut self, path: &[u8]) -> Result<(), Error> {
        self.overlapping.push(path.to_vec());
        Ok(())
    }

    fn merge(&mut self, path: &[u8], [seen, edited, now]: [Leaf; 3]) -> Result<(), Error> {
        let (old, new) = (disk::below(self.old, path), disk::below(self.new, path));
        let repository = &self.part.repository;
        let theirs = disk::store(repository, &new, now.mode)?;
        let leaves = [seen, disk::store(repository, &old, edited.mode)?, theirs];
        let Some(merged) = merge_file(repository, leaves)? else { return self.overlaps(path) };
        let mode = if edited.mode == seen.mode { now.mode } else { edited.mode };
        let content = repository.find_blob(merged.id)?;
        let beside = self.beside()?;
        let place = || {
            let before = fs::symlink_metadata(&new)?;
            put(beside, content.content(), mode)?;
            inherit(beside, &new, &before, with_execution(before.mode(), mode))
        };
        place().map_err(Error::file(&new))?;
        self.take_place(path, theirs)
    }

    /// The file of the old tree itself: whoever has it open goes on writing to the right one.
    fn link_beside(&self, path: &[u8]) -> Result<(), Error> {
        let old = disk::below(self.old, path);
        duplicate(&old, self.beside()?).map_err(Error::file(&old))
    }

    /// What was made beside the tree takes the place of a file that is as `expected`. If that has
    /// changed since it was looked at it stays, for it is the newer edit.
    fn take_place(&mut self, path: &[u8], expected: Leaf) -> Result<(), Error> {
        let (beside, new) = (&self.paths.beside, disk::below(self.new, path));
        match exchange(beside, &new) {
            Ok(()) => {}
            Err(error) if disk::is_absent(&error) => return self.add(path),
            Err(error) => return Err(Error::file(&new)(error)),
        }
        let replaced = fs::symlink_metadata(beside).map_err(Error::file(beside))?;
        if leaf(beside, &replaced)? == Some(expected) {
            return fs::remove_file(beside).map_err(Error::file(beside));
        }
        exchange(beside, &new).map_err(Error::file(&new))?;
        self.overlaps(path)
    }

    /// To where nothing is.
    fn add(&mut self, path: &[u8]) -> Result<(), Error> {
        match self.link(path, path) {
            Err(error) if is_in_the_way(&error) => self.overlaps(path),
            linked => linked.map_err(Error::file(&disk::below(self.new, path))),
        }
    }

    fn put_aside(&mut self, path: &[u8]) -> Result<(), Error> {
        let old = disk::metadata(&disk::below(self.old, path))?;
        for number in 1.. {
            let aside = self.aside(path, number)?;
            match disk::place(self.new, &aside)? {
                Place::Free => match self.link(path, &aside) {
                    Err(error) if is_in_the_way(&error) => continue,
                    linked => linked.map_err(Error::file(&disk::below(self.new, &aside)))?,
                },
                // It was done before this was cut short.
                Place::Taken(found) if old.as_ref().is_some_and(|old| is_same(&found, old)) => {}
                _ => continue,
            }
            self.put_aside.push(self.part.path(&aside));
            break;
        }
        Ok(())
    }

    /// `FILE.mine`, then `FILE.mine2` and so on; or `DIRECTORY.mine/FILE` where the new tree has no
    /// such directory but something else.
    fn aside(&self, path: &[u8], number: u32) -> Result<Vec<u8>, Error> {
        let end = match disk::place(self.new, path)? {
            Place::Obstructed(end) => end,
            _ => path.len(),
        };
        let number = if number == 1 { String::new() } else { number.to_string() };
        Ok([&path[..end], b".mine", number.as_bytes(), &path[end..]].concat())
    }

    fn link(&self, path: &[u8], to: &[u8]) -> io::Result<()> {
        let (old, new) = (disk::below(self.old, path), disk::below(self.new, to));
        fs::create_dir_all(new.parent().expect("a file of a tree lies in a directory"))?;
        match duplicate(&old, &new) {
            // It was deleted since it was looked at.
            Err(error) if disk::is_absent(&error) => Ok(()),
            done => done,
        }
    }

    /// A file that was deleted meanwhile. What upstream changed stays.
    fn deleted(&self, path: &[u8]) -> Result<(), Error> {
        let Some(found) = disk::found(self.new, path)? else { return Ok(()) };
        let new = disk::below(self.new, path);
        if !self.is_as_seen(path, &found, leaf(&new, &found)?) {
            return Ok(());
        }
        match fs::remove_file(&new) {
            Err(error) if !disk::is_absent(&error) => Err(Error::file(&new)(error)),
            _ => Ok(()),
        }
    }

    fn empty_directory(&self, path: &[u8]) -> Result<(), Error> {
        let new = disk::below(self.new, path);
        match disk::place(self.new, path)? {
            Place::Free => fs::create_dir_all(&new).map_err(Error::file(&new)),
            _ => Ok(()),
        }
    }

    /// A place outside of the tree, which nobody else uses.
    fn beside(&self) -> Result<&Path, Error> {
        self.paths.clear_beside()?;
        Ok(&self.paths.beside)
    }
}

/// What git would make of a file; `None` if nothing.
pub fn leaf(file: &Path, metadata: &Metadata) -> Result<Option<Leaf>, Error> {
    let Some(mode) = disk::mode(metadata) else { return Ok(None) };
    match disk::id(file, mode) {
        Ok(id) => Ok(Some(Leaf { id, mode })),
        Err(Error::File { source, .. }) if disk::is_absent(&source) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

fn is_in_the_way(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotADirectory)
}

fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    renameat2(AT_FDCWD, one, AT_FDCWD, other, RenameFlags::RENAME_EXCHANGE).map_err(io::Error::from)
}

//! A complete new tree beside the old one.
//!
//! What stays as it is becomes a link to the same file, so that it keeps its owner, its times and
//! everything else, and so that an edit made meanwhile is in both trees.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::thread;

use git2::Repository;

use super::attributes;
use super::disk;
use super::listing::{Leaf, Listing, directories};
use super::new_file::{NewFile, inherit};
use super::scan::{Disk, OnDisk};
use super::writers::Writers;
use crate::node::Error;

/// Builds one repository's part of a tree.
pub struct Builder<'a> {
    repository: &'a Repository,
    /// There need not be an old tree.
    old: &'a Path,
    new: &'a Path,
    disk: &'a Disk,
    directories: BTreeSet<PathBuf>,
}

impl<'a> Builder<'a> {
    /// Takes from `old`, where `disk` was found, what it can, and puts all into `new`.
    pub fn new(repository: &'a Repository, old: &'a Path, new: &'a Path, disk: &'a Disk) -> Self {
        Self { repository, old, new, disk, directories: BTreeSet::new() }
    }

    /// Puts these files there and everything that git does not know. Tells what is in the tree, and
    /// how to recognise it unchanged.
    pub fn build(mut self, files: &Listing) -> Result<BTreeMap<Vec<u8>, OnDisk>, Error> {
        self.directory(self.new)?;
        let mut placed = self.linked(files)?;
        placed.extend(self.written(files)?);
        for path in self.disk.untracked.keys() {
            if !files.contains_key(path) {
                self.link(path)?;
            }
        }
        for path in self.empty_directories(files) {
            self.directory(&disk::below(self.new, path))?;
        }
        self.finish_directories()?;
        Ok(placed)
    }

    /// What is on disk already.
    fn linked(&mut self, files: &Listing) -> Result<BTreeMap<Vec<u8>, OnDisk>, Error> {
        let mut placed = BTreeMap::new();
        for (path, &leaf) in files {
            if let Some(&file) = self.on_disk(path, leaf) {
                self.link(path)?;
                placed.insert(path.clone(), file);
            }
        }
        Ok(placed)
    }

    /// What is not, or not so.
    fn written(&mut self, files: &Listing) -> Result<Vec<(Vec<u8>, OnDisk)>, Error> {
        let is_new = |&(path, &leaf): &(&Vec<u8>, &Leaf)| self.on_disk(path, leaf).is_none();
        let new: Vec<(&Vec<u8>, &Leaf)> = files.iter().filter(is_new).collect();
        thread::scope(|scope| {
            let mut writers = Writers::start(scope, new.len());
            for (path, &leaf) in new {
                writers.write(path.clone(), self.new_file(path, leaf)?)?;
            }
            writers.finish()
        })
    }

    fn on_disk(&self, path: &[u8], leaf: Leaf) -> Option<&'a OnDisk> {
        self.disk.tracked.get(path).filter(|file| file.leaf == leaf)
    }

    fn link(&mut self, path: &[u8]) -> Result<(), Error> {
        let (old, new) = (disk::below(self.old, path), disk::below(self.new, path));
        self.parents(&new)?;
        match duplicate(&old, &new) {
            // It went away since it was seen.
            Err(error) if disk::is_absent(&error) => Ok(()),
            done => done.map_err(Error::file(&old)),
        }
    }

    fn new_file(&mut self, path: &[u8], leaf: Leaf) -> Result<NewFile, Error> {
        let file = disk::below(self.new, path);
        self.parents(&file)?;
        let content = self.repository.find_blob(leaf.id)?.content().to_vec();
        let was_there =
            self.disk.tracked.contains_key(path) || self.disk.untracked.contains_key(path);
        let before = match was_there {
            true => disk::found(self.old, path)?.filter(fs::Metadata::is_file),
            false => None,
        };
        let before = before.map(|before| (disk::below(self.old, path), before));
        Ok(NewFile { file, leaf, content, before })
    }

    /// Directories that hold nothing would otherwise be gone. Where a file is to be, they go.
    fn empty_directories<'f>(
        &self,
        files: &'f Listing,
    ) -> impl Iterator<Item = &'a Vec<u8>> + use<'a, 'f> {
        let disk = self.disk;
        let mut paths: BTreeSet<&[u8]> = disk.tracked.keys().map(Vec::as_slice).collect();
        paths.extend(disk.untracked.keys().map(Vec::as_slice));
        disk.directories.iter().filter(move |directory| {
            let inside = [&directory[..], b"/"].concat();
            let first = paths.range(&inside[..]..).next();
            let is_empty = first.is_none_or(|path| !path.starts_with(&inside));
            is_empty && !directories(&inside).any(|path| files.contains_key(path))
        })
    }

    fn parents(&mut self, file: &Path) -> Result<(), Error> {
        let parent = file.parent().expect("a file of a tree lies in a directory");
        self.directory(parent)
    }

    fn directory(&mut self, path: &Path) -> Result<(), Error> {
        if self.directories.contains(path) {
            return Ok(());
        }
        if path != self.new {
            self.parents(path)?;
        }
        match DirBuilder::new().create(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(Error::file(path)(error))
            }
            _ => {
                let below = path.strip_prefix(self.new).expect("it is the tree's");
                attributes::copy_inherited(&self.old.join(below), path);
                self.directories.insert(path.to_owned());
                Ok(())
            }
        }
    }

    /// Gives directories the owners and modes of those they replace, the innermost first: one that
    /// may not be written could not be filled.
    fn finish_directories(&self) -> Result<(), Error> {
        for new in self.directories.iter().rev() {
            let below = new.strip_prefix(self.new).expect("it is the tree's");
            let old = self.old.join(below);
            if let Some(before) = disk::metadata(&old)?.filter(fs::Metadata::is_dir) {
                inherit(new, &old, &before, before.mode()).map_err(Error::file(new))?;
            }
        }
        Ok(())
    }
}

/// Makes `new` another link to the file `old`, or a copy where that cannot be.
pub fn duplicate(old: &Path, new: &Path) -> io::Result<()> {
    match fs::hard_link(old, new) {
        Err(error) if disk::is_absent(&error) || error.kind() == io::ErrorKind::AlreadyExists => {
            Err(error)
        }
        Err(_) => copy(old, new),
        Ok(()) => Ok(()),
    }
}

/// Where a file cannot be linked, as that of somebody else.
fn copy(old: &Path, new: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(old)?;
    if metadata.is_symlink() {
        return symlink(fs::read_link(old)?, new);
    }
    if !metadata.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "it is neither a file nor a link and belongs to somebody else: move it away",
        ));
    }
    fs::copy(old, new)?;
    inherit(new, old, &metadata, metadata.mode())
}

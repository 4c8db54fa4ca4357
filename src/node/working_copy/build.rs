//! A complete new tree beside the old one.
//!
//! What stays as it is becomes a link to the same file, so that it keeps its owner, its times and
//! everything else, and so that an edit made meanwhile is in both trees.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

use git2::Repository;

use super::disk::{self, Stamp};
use super::listing::{EXECUTABLE, LINK, Leaf, Listing, directories};
use super::scan::{Disk, OnDisk};
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
        let mut placed = BTreeMap::new();
        for (path, &leaf) in files {
            placed.insert(path.clone(), self.file(path, leaf)?);
        }
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

    fn file(&mut self, path: &[u8], leaf: Leaf) -> Result<OnDisk, Error> {
        match self.disk.tracked.get(path) {
            Some(file) if file.leaf == leaf => {
                self.link(path)?;
                Ok(*file)
            }
            _ => self.write(path, leaf),
        }
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

    fn write(&mut self, path: &[u8], leaf: Leaf) -> Result<OnDisk, Error> {
        let new = disk::below(self.new, path);
        self.parents(&new)?;
        let content = self.repository.find_blob(leaf.id)?;
        put(&new, content.content(), leaf.mode).map_err(Error::file(&new))?;
        let was_there =
            self.disk.tracked.contains_key(path) || self.disk.untracked.contains_key(path);
        if was_there
            && let Some(before) = disk::found(self.old, path)?.filter(fs::Metadata::is_file)
        {
            let mode = with_execution(before.mode(), leaf.mode);
            inherit(&new, &before, mode).map_err(Error::file(&new))?;
        }
        let metadata = fs::symlink_metadata(&new).map_err(Error::file(&new))?;
        Ok(OnDisk { leaf, stamp: Some(Stamp::of(&metadata)) })
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
            if let Some(before) =
                disk::metadata(&self.old.join(below))?.filter(fs::Metadata::is_dir)
            {
                inherit(new, &before, before.mode()).map_err(Error::file(new))?;
            }
        }
        Ok(())
    }
}

/// Makes a file that was not there.
pub fn put(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    if mode == LINK {
        return symlink(std::ffi::OsStr::from_bytes(content), path);
    }
    let permissions = if mode == EXECUTABLE { 0o777 } else { 0o666 };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(permissions).open(path)?;
    file.write_all(content)
}

/// The permissions of before, with execution for those who may read or for nobody.
pub fn with_execution(permissions: u32, mode: u32) -> u32 {
    let readers = (permissions & 0o444) >> 2;
    match mode == EXECUTABLE {
        true if permissions & 0o100 == 0 => permissions | readers,
        true => permissions,
        false => permissions & !0o111,
    }
}

/// Gives a file or directory the owner of another and these permissions. Links have none, and what
/// they lead to is left alone.
pub fn inherit(path: &Path, from: &fs::Metadata, mode: u32) -> io::Result<()> {
    let now = fs::symlink_metadata(path)?;
    if (now.uid(), now.gid()) != (from.uid(), from.gid()) {
        // Only root may give files away; who may not keeps them.
        match lchown(path, Some(from.uid()), Some(from.gid())) {
            Err(error) if error.kind() != io::ErrorKind::PermissionDenied => return Err(error),
            _ => {}
        }
    }
    match now.is_symlink() || now.mode() & 0o7777 == mode & 0o7777 {
        true => Ok(()),
        false => fs::set_permissions(path, Permissions::from_mode(mode & 0o7777)),
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
    inherit(new, &metadata, metadata.mode())
}

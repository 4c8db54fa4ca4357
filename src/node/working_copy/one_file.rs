//! An update that changes the content or the mode of one file and nothing else, as most do: the new
//! file takes the place of the old one in one system call, so that whoever reads the tree sees one
//! revision or the other, as if all of it had been exchanged.
//!
//! What is replaced comes to lie where the old tree would, and is looked at as that is. Wherever the
//! file is not as it was checked out, or anything stands in the way, the whole tree is exchanged
//! instead.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use git2::{Delta, DiffFile, Oid};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, RenameFlags, openat, renameat2};
use nix::sys::stat::Mode;

use super::disk::{self, Stamp};
use super::generation::Generation;
use super::late;
use super::listing::{EXECUTABLE, FILE, Leaf, Listing, directories, is_of_git};
use super::new_file::NewFile;
use super::part::Part;
use super::pending::Pending;
use super::remove::remove_tree;
use super::update::Updated;
use super::{Letter, WorkingCopy};
use crate::node::Error;
use crate::node::debug::step;

/// What changes.
#[derive(Clone, Debug)]
pub struct OneFile {
    /// Which part it is in.
    pub part: usize,
    /// Its path in that part.
    pub path: Vec<u8>,
    /// As it was checked out.
    pub before: Leaf,
    /// As it is to be.
    pub after: Leaf,
    /// The commit that its part comes to.
    pub target: Oid,
}

impl WorkingCopy {
    /// Checks `targets` out if that changes one file, which is here as it was checked out. `None`
    /// means that it is not so, and that nothing was done.
    pub(super) fn update_one_file(&self, targets: &[Oid]) -> Result<Option<Updated>, Error> {
        let Some(one) = self.one_file(targets)? else { return Ok(None) };
        let exchanged = step("exchange one file", || self.exchange_file(&one));
        let Ok(Some(directory)) = exchanged else {
            // What is in the way of the whole tree as well is told then.
            exchanged.inspect_err(|error| tracing::debug!("not one file alone: {error}")).ok();
            Pending::done(&self.paths)?;
            remove_tree(&self.paths.other_tree)?;
            return Ok(None);
        };
        let (generation, repository) = self.kept_by_git(&one);
        generation.take_index(repository)?;
        generation.take_head(repository)?;
        directory.sync_all().map_err(Error::file(&self.paths.tree))?;
        let put_aside = step("look for a late edit", || self.carry_over_one(&one))?;
        Pending::done(&self.paths)?;
        remove_tree(&self.paths.other_tree)?;
        let files = vec![(Letter::Updated, self.parts[one.part].path(&one.path))];
        Ok(Some(Updated { files, put_aside, ..Updated::default() }))
    }

    /// The only file that is another one in these commits, if both are regular files.
    fn one_file(&self, targets: &[Oid]) -> Result<Option<OneFile>, Error> {
        let heads = self.heads()?;
        let mut moved = (0..self.parts.len()).filter(|&part| heads[part] != Some(targets[part]));
        let (Some(part), None) = (moved.next(), moved.next()) else { return Ok(None) };
        let (Some(head), target) = (heads[part], targets[part]) else { return Ok(None) };
        let repository = &self.parts[part].repository;
        let tree =
            |commit| repository.find_tree(self.parts[part].tree(commit)?).map_err(Error::Git);
        let diff = repository.diff_tree_to_tree(Some(&tree(head)?), Some(&tree(target)?), None)?;
        let mut deltas = diff.deltas();
        let (Some(delta), None) = (deltas.next(), deltas.next()) else { return Ok(None) };
        let leaves = (regular(&delta.old_file()), regular(&delta.new_file()));
        let (Delta::Modified, (Some(before), Some(after)), Some(path)) =
            (delta.status(), leaves, delta.new_file().path_bytes())
        else {
            return Ok(None);
        };
        Ok(Some(OneFile { part, path: path.to_vec(), before, after, target }))
    }

    /// Puts the new file in the place of the old one, and returns its directory. Anything else
    /// means that it was not done.
    fn exchange_file(&self, one: &OneFile) -> Result<Option<File>, Error> {
        let part = &self.parts[one.part];
        let Some(found) = self.as_checked_out(part, one)? else { return Ok(None) };
        let Some(directory) = self.directory_of(part, one)? else { return Ok(None) };
        let new = self.make_new(part, one, found)?;
        let (generation, repository) = self.kept_by_git(one);
        // The file is too new for its time to tell git whether it was changed again.
        generation.prepare_entry(repository, &one.path, one.after)?;
        generation.prepare_head(repository, one.target)?;
        Pending::File(generation, one.clone()).write(&self.paths)?;
        sync(&self.paths.state)?;
        let name = disk::below("".as_ref(), &one.path);
        let name = name.file_name().expect("a path of a file ends with a name");
        renameat2(AT_FDCWD, &new, &directory, name, RenameFlags::RENAME_EXCHANGE)
            .map_err(|errno| Error::file(&new)(errno.into()))?;
        Ok(Some(directory))
    }

    fn file_of(&self, part: &Part, one: &OneFile) -> PathBuf {
        disk::below(&self.paths.tree, &part.path(&one.path))
    }

    /// The file on disk, if it is as it was checked out and nothing else is meant to become of it.
    fn as_checked_out(&self, part: &Part, one: &OneFile) -> Result<Option<Metadata>, Error> {
        let path = part.path(&one.path);
        if is_of_git(&path) {
            return Ok(None);
        }
        let index = part.index(self.generation)?;
        let entry = index.get_path(&disk::below("".as_ref(), &one.path), 0);
        let (Some(entry), Some(found)) = (entry, disk::found(&self.paths.tree, &path)?) else {
            return Ok(None);
        };
        if disk::mode(&found) != Some(one.before.mode) {
            return Ok(None);
        }
        let id = match Stamp::of(&found).is_that_of(&entry) {
            true => entry.id,
            false => disk::id(&self.file_of(part, one), one.before.mode)?,
        };
        Ok((id == one.before.id).then_some(found))
    }

    /// The directory that it lies in. Whatever another one makes of the tree meanwhile, nothing is
    /// changed behind a link.
    fn directory_of(&self, part: &Part, one: &OneFile) -> Result<Option<File>, Error> {
        let tree = &self.paths.tree;
        let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mut directory = OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits())
            .open(tree)
            .map_err(Error::file(tree))?;
        let path = part.path(&one.path);
        for above in directories(&path) {
            let above = disk::below(tree, above);
            let name = above.file_name().expect("a path of a directory ends with a name");
            match openat(&directory, name, flags, Mode::empty()) {
                Ok(next) => directory = next.into(),
                Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => return Ok(None),
                Err(errno) => return Err(Error::file(&above)(errno.into())),
            }
        }
        Ok(Some(directory))
    }

    /// Makes the new file, where nobody else looks, and durable.
    fn make_new(&self, part: &Part, one: &OneFile, found: Metadata) -> Result<PathBuf, Error> {
        const NOBODY_ELSE: u32 = 0o700;
        remove_tree(&self.paths.other_tree)?;
        let file = disk::below(&part.top(&self.paths.other_tree), &one.path);
        let directory = file.parent().expect("a file of a tree lies in a directory");
        let made = DirBuilder::new().recursive(true).mode(NOBODY_ELSE).create(directory);
        made.map_err(Error::file(directory))?;
        let content = part.repository.find_blob(one.after.id)?.content().to_vec();
        let before = Some((self.file_of(part, one), found));
        NewFile { file: file.clone(), leaf: one.after, content, before }.make()?;
        sync(&file)?;
        Ok(file)
    }

    /// What git keeps of the tree, and in which repository.
    fn kept_by_git(&self, one: &OneFile) -> (Generation, &Path) {
        let generation = self.generation.expect("a working copy that is there has one");
        (generation, self.parts[one.part].repository.path())
    }

    fn carry_over_one(&self, one: &OneFile) -> Result<Vec<Vec<u8>>, Error> {
        let known = Listing::from([(one.path.clone(), one.before)]);
        late::carry_over(&self.paths, &self.parts[one.part], &known, &BTreeMap::new())
    }

    /// Ends what was cut short after the exchange; if there was none, nothing is to be done.
    pub(super) fn recover_one_file(&self, one: &OneFile) -> Result<Vec<Vec<u8>>, Error> {
        let part = &self.parts[one.part];
        let replaced = disk::below(&part.top(&self.paths.other_tree), &one.path);
        let is_exchanged = match disk::metadata(&replaced)? {
            None => false,
            // An edit that made it the same comes with the next update as well.
            Some(found) => late::leaf(&replaced, &found)? != Some(one.after),
        };
        if !is_exchanged {
            return Ok(Vec::new());
        }
        let (generation, repository) = self.kept_by_git(one);
        generation.prepare_entry(repository, &one.path, one.after)?;
        generation.take_index(repository)?;
        generation.set_head(repository, one.target)?;
        self.carry_over_one(one)
    }
}

fn regular(file: &DiffFile<'_>) -> Option<Leaf> {
    let leaf = Leaf { id: file.id(), mode: file.mode().into() };
    [FILE, EXECUTABLE].contains(&leaf.mode).then_some(leaf)
}

fn sync(path: &Path) -> Result<(), Error> {
    File::open(path).and_then(|opened| opened.sync_all()).map_err(Error::file(path))
}

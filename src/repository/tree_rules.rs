//! What a tree may hold, so that every node can check it out. libgit2's indexer looks at none of
//! this; git's own rules are in `fsck_tree` in its fsck.c.

use std::collections::HashSet;

use git2::{ObjectType, Odb, Oid, Repository, Tree, TreeEntry};

use super::Error;
use super::file_names::{self, MAX_PATH};
use super::tree_extent::Extents;
use super::trees::Visit;
use crate::protocol::Id;

/// Directories within directories.
pub(super) const MAX_DEPTH: usize = 64;
/// Files in a revision. Only trees that hold the same one in several places can have more: a push
/// of a few kilobytes could make billions.
const MAX_FILES: u64 = 500_000;

const DIRECTORY: i32 = 0o040000;
const FILE: i32 = 0o100644;
const EXECUTABLE: i32 = 0o100755;
const LINK: i32 = 0o120000;

/// Checks the trees it is shown, and that their blobs are there.
pub(super) struct TreeRules<'a> {
    odb: Odb<'a>,
    extents: Extents<'a>,
    /// A tree was met again, so that there is more than what is shown.
    is_shared: bool,
    is_wanted: &'a dyn Fn() -> bool,
}

impl<'a> TreeRules<'a> {
    pub(super) fn new(
        repository: &'a Repository,
        is_wanted: &'a dyn Fn() -> bool,
    ) -> Result<Self, Error> {
        let extents = Extents::new(repository, MAX_DEPTH);
        Ok(Self { odb: repository.odb()?, extents, is_shared: false, is_wanted })
    }

    /// Checks a commit's tree as a whole, after what is new in it has been shown.
    pub(super) fn check_extent(&mut self, tree: Oid) -> Result<(), Error> {
        if !self.is_shared {
            return Ok(());
        }
        match self.extents.of(tree)? {
            None => Err(Error::BadPack(format!(
                "the push has more than {MAX_DEPTH} directories within each other"
            ))),
            Some(extent) if extent.longest_path > MAX_PATH => {
                Err(Error::BadPack(format!("the push has paths of more than {MAX_PATH} bytes")))
            }
            Some(extent) if extent.files > MAX_FILES => {
                Err(Error::BadPack(format!("the push has more than {MAX_FILES} files")))
            }
            Some(_) => Ok(()),
        }
    }

    /// libgit2 reads modes with leading zeros, which make the same tree another object; git calls
    /// them a fault (`zeroPaddedFilemode`). Here only the tree's size gives them away.
    fn check_size(&self, tree: &Tree<'_>, path: &[u8]) -> Result<(), Error> {
        let sizes = tree.iter().map(|entry| {
            let mode = format!("{:o} ", entry.filemode_raw());
            mode.len() + entry.name_bytes().len() + b"\0".len() + Id::ZERO.as_bytes().len()
        });
        match self.odb.read_header(tree.id())?.0 == sizes.sum::<usize>() {
            true => Ok(()),
            false => Err(bad(path, "has a mode with a leading zero")),
        }
    }
}

impl Visit for TreeRules<'_> {
    fn tree(&mut self, tree: &Tree<'_>, path: &[u8]) -> Result<(), Error> {
        if !(self.is_wanted)() {
            return Err(Error::Unwanted);
        }
        if path.iter().filter(|&&byte| byte == b'/').count() >= MAX_DEPTH {
            return Err(bad(path, "lies too deep"));
        }
        let mut last = Vec::new();
        // A file and a directory of one name need not stand side by side.
        let mut names = HashSet::new();
        for entry in tree.iter() {
            let (name, path) = (entry.name_bytes(), join(path, entry.name_bytes()));
            file_names::check(name, &path).map_err(|what| bad(&path, what))?;
            check_mode(&entry, &path)?;
            let key = sort_key(&entry);
            if last >= key || !names.insert(name.to_owned()) {
                return Err(bad(&path, "is out of order or there twice"));
            }
            last = key;
        }
        self.check_size(tree, path)
    }

    fn again(&mut self) {
        self.is_shared = true;
    }

    fn leaf(&mut self, entry: &TreeEntry<'_>, path: &[u8]) -> Result<(), Error> {
        match self.odb.read_header(entry.id()) {
            Ok((_, ObjectType::Blob)) => Ok(()),
            Ok(_) => Err(bad(path, "is called a file but is none")),
            Err(_) => Err(bad(path, "is missing from the push")),
        }
    }
}

fn join(dir: &[u8], name: &[u8]) -> Vec<u8> {
    match dir {
        [] => name.to_owned(),
        _ => [dir, b"/", name].concat(),
    }
}

/// Git sorts a directory as if its name ended in a slash.
fn sort_key(entry: &TreeEntry<'_>) -> Vec<u8> {
    let mut key = entry.name_bytes().to_owned();
    if entry.filemode_raw() == DIRECTORY {
        key.push(b'/');
    }
    key
}

fn check_mode(entry: &TreeEntry<'_>, path: &[u8]) -> Result<(), Error> {
    match entry.filemode_raw() {
        DIRECTORY | FILE | EXECUTABLE | LINK => Ok(()),
        0o160000 => Err(bad(path, "is a submodule, which no node could fetch")),
        mode => Err(bad(path, &format!("has the mode {mode:o}, which git does not use"))),
    }
}

fn bad(path: &[u8], what: &str) -> Error {
    const SHOWN: usize = 120;
    let cut = &path[..path.len().min(SHOWN)];
    Error::BadPack(format!("\"{}\" {what}", cut.escape_ascii()))
}

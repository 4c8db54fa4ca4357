//! What a tree may hold, so that every node can check it out. libgit2's indexer looks at none of
//! this; git's own rules are in `fsck_tree` in its fsck.c.

use git2::{Odb, Tree, TreeEntry};

use super::Error;
use super::trees::Visit;

/// The longest name of a file or directory, in bytes: Linux's NAME_MAX.
const MAX_NAME: usize = 255;
/// The longest path within a repository, in bytes.
const MAX_PATH: usize = 1024;
/// Directories within directories.
const MAX_DEPTH: usize = 64;

const DIRECTORY: i32 = 0o040000;
const FILE: i32 = 0o100644;
const EXECUTABLE: i32 = 0o100755;
const LINK: i32 = 0o120000;

/// Checks the trees it is shown, and that their blobs are there.
pub(super) struct TreeRules<'a> {
    odb: Odb<'a>,
}

impl<'a> TreeRules<'a> {
    pub(super) fn new(odb: Odb<'a>) -> Self {
        Self { odb }
    }
}

impl Visit for TreeRules<'_> {
    fn tree(&mut self, tree: &Tree<'_>, path: &[u8]) -> Result<(), Error> {
        if path.iter().filter(|&&byte| byte == b'/').count() >= MAX_DEPTH {
            return Err(bad(path, "lies too deep"));
        }
        let mut last: Option<Vec<u8>> = None;
        for entry in tree.iter() {
            let path = join(path, entry.name_bytes());
            check_name(entry.name_bytes(), &path)?;
            check_mode(&entry, &path)?;
            let key = sort_key(&entry);
            if last.is_some_and(|last| last >= key) {
                return Err(bad(&path, "is out of order or there twice"));
            }
            last = Some(key);
        }
        Ok(())
    }

    fn leaf(&mut self, entry: &TreeEntry<'_>, path: &[u8]) -> Result<(), Error> {
        match self.odb.exists(entry.id()) {
            true => Ok(()),
            false => Err(bad(path, "is missing from the push")),
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

fn check_name(name: &[u8], path: &[u8]) -> Result<(), Error> {
    let Ok(text) = std::str::from_utf8(name) else {
        return Err(bad(path, "has a name that is not UTF-8"));
    };
    if text.is_empty() || text == "." || text == ".." || text.eq_ignore_ascii_case(".git") {
        return Err(bad(path, "has a name that no file may have"));
    }
    if text.contains('/') || text.chars().any(char::is_control) {
        return Err(bad(path, "has a slash or a control character in its name"));
    }
    if name.len() > MAX_NAME || path.len() > MAX_PATH {
        return Err(bad(path, "has a name that is too long"));
    }
    Ok(())
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

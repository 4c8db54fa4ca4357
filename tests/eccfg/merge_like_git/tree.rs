//! Files with their content and kind, in memory, on disk and in git.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use git2::{Oid, Repository, TreeWalkMode, TreeWalkResult};

pub type Tree = BTreeMap<String, File>;

#[derive(Clone, PartialEq, Eq)]
pub struct File {
    pub mode: u32,
    pub content: Vec<u8>,
}

pub const PLAIN: u32 = 0o100644;
pub const EXECUTABLE: u32 = 0o100755;
pub const LINK: u32 = 0o120000;

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let id = Oid::hash_object(git2::ObjectType::Blob, &self.content).unwrap().to_string();
        let text = self.content.escape_ascii().to_string();
        let middle = text.len().saturating_sub(60);
        match middle {
            0 => write!(f, "{:o} {} {text}", self.mode, &id[..8]),
            _ => write!(f, "{:o} {} {}...", self.mode, &id[..8], &text[..60]),
        }
    }
}

/// Puts a file there, and takes away what cannot stand beside it.
pub fn place(tree: &mut Tree, path: &str, file: File) {
    tree.retain(|other, _| !is_above(other, path) && !is_above(path, other));
    tree.insert(path.to_owned(), file);
}

/// Whether the second lies in a directory of the first's name.
pub fn is_above(directory: &str, path: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether a file of this name and the tree can both be.
pub fn obstructs(tree: &Tree, path: &str) -> bool {
    tree.keys().any(|other| is_above(other, path) || is_above(path, other))
}

/// Those of a git tree.
pub fn of_git(repository: &Repository, id: &str) -> Tree {
    let mut files = Tree::new();
    let tree = repository.find_tree(Oid::from_str(id).unwrap()).unwrap();
    tree.walk(TreeWalkMode::PreOrder, |directory, entry| {
        if let Ok(blob) = repository.find_blob(entry.id()) {
            let path = format!("{directory}{}", entry.name().unwrap());
            let (mode, content) = (entry.filemode() as u32, blob.content().to_owned());
            files.insert(path, File { mode, content });
        }
        TreeWalkResult::Ok
    })
    .unwrap();
    files
}

/// Those on disk, but for git's own.
pub fn on_disk(top: &Path) -> Tree {
    let mut files = Tree::new();
    add(&mut files, top, "");
    files
}

fn add(files: &mut Tree, directory: &Path, prefix: &str) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{prefix}{}", entry.file_name().into_string().unwrap());
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() && path != "global" {
            add(files, &entry.path(), &format!("{path}/"));
        } else if !metadata.is_dir() && path != ".git" {
            let executes = metadata.permissions().mode() & 0o100 != 0;
            let (mode, content) = match metadata.is_symlink() {
                true => {
                    let target = fs::read_link(entry.path()).unwrap();
                    (LINK, target.as_os_str().as_bytes().to_owned())
                }
                false if executes => (EXECUTABLE, fs::read(entry.path()).unwrap()),
                false => (PLAIN, fs::read(entry.path()).unwrap()),
            };
            files.insert(path, File { mode, content });
        }
    }
}

/// Turns the one into the other on disk, as somebody does who edits.
pub fn edit(top: &Path, before: &Tree, after: &Tree) {
    for path in before.keys().filter(|path| !after.contains_key(*path)) {
        fs::remove_file(top.join(path)).unwrap();
        let above = Path::new(path).ancestors().skip(1).filter(|path| *path != Path::new(""));
        above.take_while(|directory| fs::remove_dir(top.join(directory)).is_ok()).for_each(drop);
    }
    for (path, file) in after {
        let there = before.get(path);
        if there != Some(file) {
            write(&top.join(path), there.map(|file| file.mode), file);
        }
    }
}

fn write(path: &Path, there: Option<u32>, file: &File) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    if there == Some(LINK) || there.is_some() && file.mode == LINK {
        fs::remove_file(path).unwrap();
    }
    if file.mode == LINK {
        return symlink(OsStr::from_bytes(&file.content), path).unwrap();
    }
    fs::write(path, &file.content).unwrap();
    let mode = file.mode & 0o777;
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

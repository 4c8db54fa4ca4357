//! A tree, flat: every file with its path.

use std::collections::BTreeMap;

use git2::{Index, IndexEntry, IndexTime, ObjectType, Oid, Repository};

/// The content of a file and what kind of file it is, as git has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    pub id: Oid,
    pub mode: u32,
}

impl Leaf {
    /// Whether it is a symbolic link.
    pub fn is_link(self) -> bool {
        self.mode == LINK
    }
}

/// A regular file.
pub const FILE: u32 = 0o100644;
/// A regular file that its owner may execute.
pub const EXECUTABLE: u32 = 0o100755;
/// A symbolic link.
pub const LINK: u32 = 0o120000;

/// Paths below the top of a repository, as bytes with slashes between.
pub type Listing = BTreeMap<Vec<u8>, Leaf>;

/// A file that cannot stand beside one at `path`: one of them would have to be a directory.
pub fn obstacle<'f>(files: &'f Listing, path: &[u8]) -> Option<&'f [u8]> {
    let inside = [path, b"/"].concat();
    let first = files.range(inside.clone()..).next().map(|(other, _)| &other[..]);
    let below = first.filter(|other| other.starts_with(&inside));
    below.or_else(|| {
        let above = directories(path).find_map(|directory| files.get_key_value(directory));
        above.map(|(other, _)| &other[..])
    })
}

/// Whether a file belongs to a git repository that somebody has made within the tree. git keeps
/// none of it, in any spelling that a file system may take for this one.
pub fn is_of_git(path: &[u8]) -> bool {
    path.split(|&byte| byte == b'/').any(|name| name.eq_ignore_ascii_case(b".git"))
}

/// The directories that a path lies in, the outermost first.
pub fn directories(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.iter().enumerate().filter(|&(_, &byte)| byte == b'/').map(|(end, _)| &path[..end])
}

/// The files of a tree; none of them without one.
pub fn listing(repository: &Repository, tree: Option<Oid>) -> Result<Listing, git2::Error> {
    let mut files = Listing::new();
    if let Some(tree) = tree {
        add(&mut files, repository, tree, b"")?;
    }
    Ok(files)
}

fn add(
    files: &mut Listing,
    repository: &Repository,
    tree: Oid,
    prefix: &[u8],
) -> Result<(), git2::Error> {
    for entry in repository.find_tree(tree)?.iter() {
        let path = [prefix, entry.name_bytes()].concat();
        match entry.kind() {
            Some(ObjectType::Tree) => {
                add(files, repository, entry.id(), &[&path[..], b"/"].concat())?;
            }
            Some(ObjectType::Blob) => {
                files.insert(path, Leaf { id: entry.id(), mode: entry.filemode() as u32 });
            }
            _ => {}
        }
    }
    Ok(())
}

/// The tree that holds these files, written into the repository.
pub fn write_tree(repository: &Repository, files: &Listing) -> Result<Oid, git2::Error> {
    let mut index = Index::new()?;
    for (path, &leaf) in files {
        index.add(&index_entry(path.clone(), leaf, 0))?;
    }
    index.write_tree_to(repository)
}

/// An entry that says nothing of the file on disk, so that git looks at its content. `stage` is that
/// of a conflict: 1 the ancestor, 2 here, 3 upstream.
pub fn index_entry(path: Vec<u8>, leaf: Leaf, stage: u16) -> IndexEntry {
    const STAGE_SHIFT: u16 = 12;
    let never = IndexTime::new(0, 0);
    IndexEntry {
        ctime: never,
        mtime: never,
        dev: 0,
        ino: 0,
        mode: leaf.mode,
        uid: 0,
        gid: 0,
        file_size: 0,
        id: leaf.id,
        flags: stage << STAGE_SHIFT,
        flags_extended: 0,
        path,
    }
}

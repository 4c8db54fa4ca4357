//! Files and directories at a revision.

use std::io::Write;
use std::path::Path;

use git2::{ErrorCode, ObjectType, Oid, Repository, Tree};

use super::{BOOT, Error, Spool, SpoolWriter, Subcluster};
use crate::protocol::Id;

/// The shortest beginning of a commit id that is taken for one. Fewer digits are a number.
const MIN_ID: usize = 7;

/// A revision of a branch, found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its commit.
    pub commit: Id,
    /// Its number, if it is a revision of the live configuration.
    pub revision: Option<u64>,
    /// When it was committed, in seconds since 1970.
    pub time: i64,
    tree: Oid,
}

/// What a path leads to.
#[derive(Debug)]
pub enum Found {
    /// A file, or a symbolic link, whose content is its target.
    File(Blob),
    /// A larger one, by its object and its bytes. [`Subcluster::spool_file`] reads it.
    Large(Id, u64),
    /// A directory.
    Directory(Vec<DirEntry>),
}

/// A file's content.
#[derive(Debug)]
pub struct Blob {
    /// Its object.
    pub id: Id,
    /// The bytes.
    pub content: Vec<u8>,
}

/// One line of a directory.
#[derive(Debug, PartialEq, Eq)]
pub struct DirEntry {
    /// The name, without a slash.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
    /// Bytes of a file.
    pub size: Option<u64>,
    /// Its object.
    pub id: Id,
}

/// What an entry of a directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory.
    Directory,
    /// A file.
    File,
    /// A file that can be executed.
    Executable,
    /// A symbolic link.
    Link,
}

impl Subcluster {
    /// Finds a revision of a branch: its newest one, or `revision`, a number or a commit id.
    pub fn place(&self, branch: &str, revision: Option<&str>) -> Result<Place, Error> {
        let full = format!("refs/heads/{branch}");
        let snapshot = self.snapshot();
        let tip = snapshot.get(&full).ok_or_else(|| {
            Error::NotFound(format!("subcluster {} has no branch \"{branch}\"", self.name()))
        })?;
        let tip = Oid::from(tip.target);
        self.read(|repository| {
            let commit = match revision {
                None => tip,
                Some(revision) => self.revision(repository, &full, tip, revision)?,
            };
            let number = match full == BOOT {
                true => self.revision_number(commit),
                false => None,
            };
            let commit = repository.find_commit(commit)?;
            Ok(Place {
                commit: commit.id().into(),
                revision: number,
                time: commit.time().seconds(),
                tree: commit.tree_id(),
            })
        })
    }

    fn revision(
        &self,
        repository: &Repository,
        branch: &str,
        tip: Oid,
        text: &str,
    ) -> Result<Oid, Error> {
        let unknown = || {
            let name = branch.trim_start_matches("refs/heads/");
            Error::NotFound(format!(
                "branch {name} of subcluster {} has no revision \"{}\"",
                self.name(),
                text.escape_default()
            ))
        };
        if text.len() < MIN_ID && text.bytes().all(|digit| digit.is_ascii_digit()) {
            let number = text.parse().map_err(|_| unknown())?;
            return match branch == BOOT {
                true => self.revision_commit(number).ok_or_else(unknown),
                false => nth_first_parent(repository, tip, number)?.ok_or_else(unknown),
            };
        }
        if text.len() < MIN_ID || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(unknown());
        }
        // Not what git would take it for: a branch may have a name of such digits.
        let commit = repository.find_commit_by_prefix(text).map_err(|_| unknown())?.id();
        match commit == tip || repository.graph_descendant_of(tip, commit)? {
            true => Ok(commit),
            false => Err(unknown()),
        }
    }

    /// What `path` leads to at `place`, with the content of a file of up to `most` bytes. The empty
    /// path is the root directory.
    pub fn find(&self, place: &Place, path: &str, most: usize) -> Result<Found, Error> {
        self.read(|repository| {
            let root = repository.find_tree(place.tree)?;
            if path.is_empty() {
                return Ok(Found::Directory(list(repository, &root)?));
            }
            let entry = root.get_path(path.as_ref()).map_err(|e| match e.code() {
                ErrorCode::NotFound => Error::NotFound(format!(
                    "there is no file \"{}\" at this revision",
                    path.escape_default()
                )),
                _ => e.into(),
            })?;
            match entry.kind() {
                Some(ObjectType::Tree) => {
                    Ok(Found::Directory(list(repository, &repository.find_tree(entry.id())?)?))
                }
                _ => {
                    let (length, _) = repository.odb()?.read_header(entry.id())?;
                    if length > most {
                        return Ok(Found::Large(entry.id().into(), length as u64));
                    }
                    let content = repository.find_blob(entry.id())?.content().to_owned();
                    Ok(Found::File(Blob { id: entry.id().into(), content }))
                }
            }
        })
    }
}

impl Subcluster {
    /// Copies a file into `spool_dir`, and says whether it is text.
    pub fn spool_file(&self, id: Id, spool_dir: &Path) -> Result<(Spool, bool), Error> {
        self.read(|repository| {
            let blob = repository.find_blob(id.into())?;
            let mut writer = SpoolWriter::new(spool_dir);
            writer.write_all(blob.content())?;
            Ok((writer.finish()?, is_text(blob.content())))
        })
    }
}

/// Whether some content is text, as far as its bytes tell.
pub fn is_text(content: &[u8]) -> bool {
    !content.contains(&0) && std::str::from_utf8(content).is_ok()
}

/// Revision `number` of a branch whose revisions are not kept in memory.
fn nth_first_parent(repository: &Repository, tip: Oid, number: u64) -> Result<Option<Oid>, Error> {
    let mut walk = repository.revwalk()?;
    walk.simplify_first_parent()?;
    walk.push(tip)?;
    let newest_first = walk.collect::<Result<Vec<_>, _>>()?;
    let index = (newest_first.len() as u64).checked_sub(number);
    Ok(index.and_then(|index| newest_first.get(index as usize)).copied())
}

fn list(repository: &Repository, tree: &Tree<'_>) -> Result<Vec<DirEntry>, Error> {
    let odb = repository.odb()?;
    let mut entries = Vec::with_capacity(tree.len());
    for entry in tree.iter() {
        let kind = match entry.filemode() {
            0o040000 => EntryKind::Directory,
            0o100755 => EntryKind::Executable,
            0o120000 => EntryKind::Link,
            _ => EntryKind::File,
        };
        let size = match kind {
            EntryKind::Directory => None,
            _ => Some(odb.read_header(entry.id())?.0 as u64),
        };
        let name = String::from_utf8_lossy(entry.name_bytes()).into_owned();
        entries.push(DirEntry { name, kind, size, id: entry.id().into() });
    }
    Ok(entries)
}

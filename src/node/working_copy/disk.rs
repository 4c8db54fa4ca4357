//! Files as they are on disk.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use git2::{IndexEntry, ObjectType, Oid, Repository};
use serde::{Deserialize, Serialize};

use super::listing::{EXECUTABLE, FILE, LINK, Leaf, directories};
use crate::node::Error;

/// What shows whether a file was changed, without reading it. Not the time of its last change of
/// status: that moves when another link to it goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    pub modified: (i64, i64),
    pub inode: u64,
    pub size: u64,
}

impl Stamp {
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            inode: metadata.ino(),
            size: metadata.size(),
        }
    }

    /// Whether git's index saw the same.
    pub fn is_that_of(&self, entry: &IndexEntry) -> bool {
        let modified = (i64::from(entry.mtime.seconds()), i64::from(entry.mtime.nanoseconds()));
        // The index keeps the lower bits only.
        (self.modified, self.inode as u32, self.size as u32)
            == (modified, entry.ino, entry.file_size)
            && self.size > 0
    }

    /// Whether the file cannot have been changed again at the same time, as file systems tell it.
    pub fn is_settled(&self, now: Duration) -> bool {
        const RESOLUTION: Duration = Duration::from_millis(100);
        let (seconds, nanoseconds) = self.modified;
        let modified = Duration::new(seconds.max(0) as u64, nanoseconds.max(0) as u32);
        modified + RESOLUTION < now
    }
}

/// The path below `top` that these bytes name.
pub fn below(top: &Path, path: &[u8]) -> PathBuf {
    top.join(OsStr::from_bytes(path))
}

/// What git would call the kind of this file; `None` for what git does not keep.
pub fn mode(metadata: &Metadata) -> Option<u32> {
    const OWNER_EXECUTES: u32 = 0o100;
    let kind = metadata.file_type();
    if kind.is_symlink() {
        Some(LINK)
    } else if kind.is_file() {
        let executes = metadata.mode() & OWNER_EXECUTES != 0;
        Some(if executes { EXECUTABLE } else { FILE })
    } else {
        None
    }
}

/// The id that the content of this file has in git, byte for byte, without any conversion.
pub fn id(path: &Path, mode: u32) -> Result<Oid, Error> {
    if mode == LINK {
        let target = fs::read_link(path).map_err(Error::file(path))?;
        return Ok(Oid::hash_object(ObjectType::Blob, target.as_os_str().as_bytes())?);
    }
    // libgit2 could do this itself, but fails if somebody writes to the file meanwhile.
    let content = fs::read(path).map_err(Error::file(path))?;
    Ok(Oid::hash_object(ObjectType::Blob, &content)?)
}

/// What there is at a path of a tree. A link is never followed: what lies behind one is no part of
/// the tree.
#[derive(Debug)]
pub enum Place {
    /// Nothing, and it can be made.
    Free,
    /// The path of so many bytes, which it lies in, is no directory.
    Obstructed(usize),
    /// This.
    Taken(Metadata),
}

/// Looks at a path below `top`.
pub fn place(top: &Path, path: &[u8]) -> Result<Place, Error> {
    for directory in directories(path) {
        match metadata(&below(top, directory))? {
            None => return Ok(Place::Free),
            Some(found) if found.is_dir() => {}
            Some(_) => return Ok(Place::Obstructed(directory.len())),
        }
    }
    Ok(metadata(&below(top, path))?.map_or(Place::Free, Place::Taken))
}

/// What stands at a path below `top`; `None` if nothing does.
pub fn found(top: &Path, path: &[u8]) -> Result<Option<Metadata>, Error> {
    Ok(match place(top, path)? {
        Place::Taken(metadata) => Some(metadata),
        Place::Free | Place::Obstructed(_) => None,
    })
}

/// That of the file itself, not of what it links to; `None` if there is none.
pub fn metadata(path: &Path) -> Result<Option<Metadata>, Error> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(Error::file(path)(error)),
    }
}

/// Whether the system says that there is no such file.
pub fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Puts the content of this file into the repository.
pub fn store(repository: &Repository, path: &Path, mode: u32) -> Result<Leaf, Error> {
    let content = match mode {
        LINK => fs::read_link(path).map(|target| target.into_os_string().into_encoded_bytes()),
        _ => fs::read(path),
    };
    let content = content.map_err(Error::file(path))?;
    Ok(Leaf { id: repository.blob(&content)?, mode })
}

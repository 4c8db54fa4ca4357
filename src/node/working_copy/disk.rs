//! Files as they are on disk.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use git2::{IndexEntry, ObjectType, Oid, Repository};

use super::listing::{EXECUTABLE, FILE, LINK, Leaf};
use crate::node::Error;

/// What shows whether a file was changed, without reading it. Not the time of its last change of
/// status: that moves when another link to it goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    // libgit2 tells of a file that cannot be read in other words than the system.
    fs::File::open(path).map_err(Error::file(path))?;
    Ok(Oid::hash_file(ObjectType::Blob, path)?)
}

/// The file as git sees it; `None` if there is none, or one that git does not keep.
pub fn leaf(path: &Path) -> Result<Option<Leaf>, Error> {
    let Some(metadata) = metadata(path)? else { return Ok(None) };
    mode(&metadata).map(|mode| Ok(Leaf { id: id(path, mode)?, mode })).transpose()
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

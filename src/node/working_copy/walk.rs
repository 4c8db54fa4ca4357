//! What there is in a tree, whatever git knows of it.

use std::fs::{self, DirEntry, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::disk;
use crate::node::Error;

/// What was found.
#[derive(Debug, Default)]
pub struct Walk {
    /// Everything that is no directory.
    pub files: Vec<(Vec<u8>, Metadata)>,
    /// Every directory, parents first.
    pub directories: Vec<Vec<u8>>,
}

/// Goes through all below `top` but, directly below it, the `.git` file that eccfg has made and
/// `apart`. Links are not followed.
pub fn walk(top: &Path, apart: Option<&str>) -> Result<Walk, Error> {
    let mut walk = Walk::default();
    for entry in entries(top)? {
        let name = entry.file_name();
        if name != ".git" && apart.is_none_or(|apart| name != *apart) {
            walk.entry(&entry, name.as_bytes().to_vec())?;
        }
    }
    Ok(walk)
}

impl Walk {
    fn entry(&mut self, entry: &DirEntry, path: Vec<u8>) -> Result<(), Error> {
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            // It went away since its directory was read.
            Err(error) if disk::is_absent(&error) => return Ok(()),
            Err(error) => return Err(Error::file(&entry.path())(error)),
        };
        if !metadata.is_dir() {
            self.files.push((path, metadata));
            return Ok(());
        }
        let inside = match entries(&entry.path()) {
            Err(Error::File { source, .. }) if disk::is_absent(&source) => return Ok(()),
            inside => inside?,
        };
        self.directories.push(path.clone());
        for entry in inside {
            let path = [&path[..], b"/", entry.file_name().as_bytes()].concat();
            self.entry(&entry, path)?;
        }
        Ok(())
    }
}

fn entries(directory: &Path) -> Result<Vec<DirEntry>, Error> {
    let read = || fs::read_dir(directory)?.collect::<Result<Vec<_>, _>>();
    let mut entries = read().map_err(Error::file(directory))?;
    entries.sort_by_key(DirEntry::file_name);
    Ok(entries)
}

//! Trees that are not needed any more.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use crate::node::Error;

/// How often to begin again because somebody who stands in the tree has made a file.
const ATTEMPTS: usize = 10;

/// Removes a tree, if it is there.
pub fn remove_tree(tree: &Path) -> Result<(), Error> {
    for _ in 1..ATTEMPTS {
        match fs::remove_dir_all(tree) {
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => {}
            // A directory's mode is one of the things that a tree takes over from the one before.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                make_writable(tree).map_err(Error::file(tree))?;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            done => return done.map_err(Error::file(tree)),
        }
    }
    fs::remove_dir_all(tree).map_err(Error::file(tree))
}

fn make_writable(directory: &Path) -> io::Result<()> {
    const OWNER: u32 = 0o700;
    let metadata = fs::symlink_metadata(directory)?;
    if !metadata.is_dir() {
        return Ok(());
    }
    if metadata.mode() & OWNER != OWNER {
        let mode = metadata.mode() & 0o7777 | OWNER;
        fs::set_permissions(directory, Permissions::from_mode(mode))?;
    }
    fs::read_dir(directory)?.try_for_each(|entry| make_writable(&entry?.path()))
}

//! Two trees change places in one system call.

use std::fs::{self, File};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use nix::unistd::syncfs;

use super::paths::Paths;
use crate::node::Error;

/// Puts the new tree in the place of the old one, or where there was none. What it consists of is
/// durable before. If this fails, nothing was exchanged.
pub fn exchange(paths: &Paths) -> Result<(), Error> {
    let (new, tree) = (&paths.other_tree, &paths.tree);
    sync_all(new)?;
    match renameat2(AT_FDCWD, new, AT_FDCWD, tree, RenameFlags::RENAME_EXCHANGE) {
        Ok(()) => Ok(()),
        Err(Errno::ENOENT) => fs::rename(new, tree).map_err(Error::file(tree)),
        Err(Errno::EBUSY) => Err(mount_point(tree)),
        Err(errno @ (Errno::EINVAL | Errno::ENOSYS)) => Err(cannot_exchange(tree, errno)),
        Err(errno) => Err(Error::file(tree)(errno.into())),
    }
}

/// Makes the exchange durable.
pub fn sync_exchange(paths: &Paths) -> Result<(), Error> {
    let parent = paths.parent();
    File::open(parent).and_then(|parent| parent.sync_all()).map_err(Error::file(parent))
}

fn sync_all(tree: &Path) -> Result<(), Error> {
    let directory = File::open(tree).map_err(Error::file(tree))?;
    syncfs(directory).map_err(|errno| Error::file(tree)(errno.into()))
}

fn mount_point(tree: &Path) -> Error {
    Error::Refused(format!(
        "{} is a mount point, which cannot be exchanged: mount the directory above it instead",
        tree.display()
    ))
}

fn cannot_exchange(tree: &Path, errno: Errno) -> Error {
    Error::Refused(format!(
        "the file system of {} cannot exchange two directories ({}): put the working copy on another \
         one, such as ext4 or xfs",
        tree.display(),
        errno.desc()
    ))
}

//! Whom the tool runs as. Whoever calls it, the files belong to the service's user, and the service's
//! user must be able to go on with them.

use std::fs::{self, DirEntry, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use nix::fcntl::{AtFlags, OFlag};
use nix::unistd::{User, fchownat, geteuid};

use super::Error;
use super::working_copy::Paths;
use crate::files;
use crate::layout::Layout;

/// The user that the mail server and the configuration service run as.
pub const SERVICE: &str = "ecuser";

/// Lets the service's user have the working copy and becomes that user, if this is root and the
/// installation the system's own. Must be called before there is a second thread.
pub fn become_service(
    layout: &Layout,
    paths: impl FnOnce() -> Result<Paths, Error>,
) -> Result<(), Error> {
    if !geteuid().is_root() || layout.root() != Path::new("/") {
        return Ok(());
    }
    no_link_of_others(&layout.working_copy())?;
    let failed = |errno: nix::Error| {
        Error::Refused(format!("cannot become the user {SERVICE}: {}", errno.desc()))
    };
    let Some(user) = User::from_name(SERVICE).map_err(failed)? else { return Ok(()) };
    let (etc, paths) = (layout.etc(), paths()?);
    admit(&etc, &user).map_err(Error::file(&etc))?;
    // The file is written anew by bootstrap, and read by whoever pulls.
    let boot = layout.cluster_boot();
    for tree in [&layout.eccfg(), &boot, &paths.parent().join(".eccfg"), &paths.tree] {
        hand_over(tree, &user).map_err(Error::file(tree))?;
    }
    files::become_user(&user).map_err(failed)
}

/// The service's user could lead root anywhere.
fn no_link_of_others(tree: &Path) -> Result<(), Error> {
    match fs::symlink_metadata(tree) {
        Ok(metadata) if metadata.is_symlink() && metadata.uid() != 0 => {
            Err(Error::Refused(format!(
                "{} is a symbolic link that is not root's, and is not followed: run this as {SERVICE}",
                tree.display()
            )))
        }
        _ => Ok(()),
    }
}

/// Lets the user exchange what is theirs in this directory, and nothing else: beside the working copy
/// lie files that root's scripts read.
fn admit(directory: &Path, user: &User) -> io::Result<()> {
    const STICKY_AND_WRITABLE: u32 = 0o1070;
    fs::create_dir_all(directory)?;
    let metadata = fs::metadata(directory)?;
    if metadata.uid() == user.uid.as_raw() {
        return Ok(());
    }
    chown(directory, None, Some(user.gid.as_raw()))?;
    let mode = metadata.mode() & 0o7777 | STICKY_AND_WRITABLE;
    fs::set_permissions(directory, Permissions::from_mode(mode))
}

/// Gives a tree to the user, if it is there, and where nobody else leads.
fn hand_over(tree: &Path, user: &User) -> io::Result<()> {
    match is_fixed(tree.parent().unwrap_or(tree))? {
        true => unless_gone(give(tree, user)),
        false => Ok(()),
    }
}

/// Whether nobody but root can put another directory there. It may be another account's itself.
fn is_fixed(directory: &Path) -> io::Result<bool> {
    let above = directory.parent().unwrap_or(directory);
    Ok(files::is_roots(directory)? || !directory.is_symlink() && files::is_roots(above)?)
}

fn unless_gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The user may change these directories meanwhile. So each entry is opened first, links not
/// followed, and what was opened is given: never what another name leads to.
fn give(path: &Path, user: &User) -> io::Result<()> {
    let flags = (OFlag::O_PATH | OFlag::O_NOFOLLOW).bits();
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let metadata = opened.metadata()?;
    if !is_theirs(&metadata, user) && may_be_given(&metadata) {
        fchownat(&opened, "", Some(user.uid), Some(user.gid), AtFlags::AT_EMPTY_PATH)?;
    }
    if metadata.is_dir() {
        let directory = PathBuf::from(format!("/proc/self/fd/{}", opened.as_raw_fd()));
        for entry in fs::read_dir(&directory)? {
            unless_gone(entry.and_then(|entry| give_entry(&entry, user)))?;
        }
    }
    Ok(())
}

/// Most files are theirs already: this is one system call for each.
fn give_entry(entry: &DirEntry, user: &User) -> io::Result<()> {
    let metadata = entry.metadata()?;
    match is_theirs(&metadata, user) && !metadata.is_dir() {
        true => Ok(()),
        false => give(&entry.path(), user),
    }
}

fn is_theirs(metadata: &Metadata, user: &User) -> bool {
    metadata.uid() == user.uid.as_raw()
}

/// A directory is here because root or its owner has put it here. A file may have been brought here by
/// the user, who could not read it: by a second name, or out of a directory that others may write,
/// too. So only root's are given, and those that have no other name.
fn may_be_given(metadata: &Metadata) -> bool {
    metadata.is_dir() || metadata.uid() == 0 && metadata.nlink() == 1
}

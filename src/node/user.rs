//! Whom the tool runs as. Whoever calls it, the files belong to the service's user, and the service's
//! user must be able to go on with them.

use std::ffi::CString;
use std::fs;
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::Path;

use nix::unistd::{User, geteuid, initgroups, setgid, setuid};

use super::Error;
use super::working_copy::Paths;
use crate::layout::Layout;

/// The user that the mail server and the configuration service run as.
pub const SERVICE: &str = "ecuser";

/// Gives the working copy to the service's user and becomes that user, if this is root and the
/// installation the system's own. Must be called before there is a second thread.
pub fn become_service(layout: &Layout, paths: &Paths) -> Result<(), Error> {
    if !geteuid().is_root() || layout.root() != Path::new("/") {
        return Ok(());
    }
    let failed = |errno: nix::Error| {
        Error::Refused(format!("cannot become the user {SERVICE}: {}", errno.desc()))
    };
    let Some(user) = User::from_name(SERVICE).map_err(failed)? else { return Ok(()) };
    let parent = paths.parent();
    fs::create_dir_all(parent).map_err(Error::file(parent))?;
    give(parent, &user)?;
    give_all(&layout.eccfg(), &user)?;
    give_all(&parent.join(".eccfg"), &user)?;
    give_all(&paths.tree, &user)?;
    let name = CString::new(SERVICE).expect("the name has no zero byte");
    initgroups(&name, user.gid).map_err(failed)?;
    setgid(user.gid).map_err(failed)?;
    setuid(user.uid).map_err(failed)
}

fn give_all(path: &Path, user: &User) -> Result<(), Error> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::file(path)(error)),
    };
    give(path, user)?;
    if metadata.is_dir() {
        for entry in fs::read_dir(path).map_err(Error::file(path))? {
            give_all(&entry.map_err(Error::file(path))?.path(), user)?;
        }
    }
    Ok(())
}

/// A link itself, and not what it leads to.
fn give(path: &Path, user: &User) -> Result<(), Error> {
    let owner = fs::symlink_metadata(path).map_err(Error::file(path))?.uid();
    match owner == user.uid.as_raw() {
        true => Ok(()),
        false => lchown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
            .map_err(Error::file(path)),
    }
}

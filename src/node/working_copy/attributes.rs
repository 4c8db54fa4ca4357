//! Extended attributes (xattr(7)): access control lists, security labels, what administrators note.

use std::ffi::OsStr;
use std::path::Path;

/// The access control list of the file itself (acl(5)).
const ACL: &str = "system.posix_acl_access";
/// That which files made in a directory get.
const DEFAULT_ACL: &str = "system.posix_acl_default";

/// Gives `new` those of `old`. Some are root's or the kernel's alone, and not every file system has
/// them: what cannot be copied is left.
pub fn copy(old: &Path, new: &Path) {
    // Nearly always there is nothing to do, and no way to fail that matters.
    let (Ok(names), Ok(mut inherited)) = (xattr::list(old), xattr::list(new)) else { return };
    let mut has_acl = false;
    for name in names {
        copy_one(old, new, &name);
        has_acl |= name == ACL;
    }
    // Where the directory has a default list, a new file has one that the old file had not.
    if !has_acl && inherited.any(|name| name == ACL) {
        let _ = xattr::remove(new, ACL);
    }
}

/// Gives a new directory what files made in it inherit.
pub fn copy_inherited(old: &Path, new: &Path) {
    copy_one(old, new, DEFAULT_ACL.as_ref());
}

fn copy_one(old: &Path, new: &Path, name: &OsStr) {
    let Ok(Some(value)) = xattr::get(old, name) else { return };
    if let Err(error) = xattr::set(new, name, &value) {
        tracing::debug!("{} of {} is not kept: {error}", name.display(), old.display());
    }
}

//! The file that programs lock to take turns when they change the accounts.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::libc::O_NOFOLLOW;
use nix::unistd::geteuid;

use crate::files::Owner;

/// Opens it, or makes it. A link in its place is not followed: the account that owns the directory
/// could lead root, who runs `ecconfigd passwd`, to any file. The server need not be root: the file
/// gets the directory's owner.
pub(super) fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o640).custom_flags(O_NOFOLLOW);
    let file = options.open(path)?;
    if geteuid().is_root() {
        let directory = path.parent().expect("a file lies in a directory");
        Owner::of(&fs::metadata(directory)?).take(&file)?;
    }
    Ok(file)
}

//! Files that nobody but their owner may read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;

use nix::libc::O_NOFOLLOW;
use nix::unistd::geteuid;

/// Writes a file as a whole: whatever happens, it has its old content or the new one. Of several
/// writers only one at a time may call this.
pub fn write_private(path: &Path, text: &str) -> io::Result<()> {
    // Always the same name: what a killed writer left does not lie there for ever.
    let new = path.with_extension("new");
    match fs::remove_file(&new) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    give_to_owner(directory(path), &file)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    File::open(directory(path))?.sync_all()
}

/// Makes a file that programs lock to take turns. A link in its place is not followed: the account
/// that owns the directory could lead root, who runs `ecconfigd passwd`, to any file.
pub(super) fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o640).custom_flags(O_NOFOLLOW);
    let file = options.open(path)?;
    give_to_owner(directory(path), &file)?;
    Ok(file)
}

/// The server need not be root, who runs `ecconfigd passwd`: files get the directory's owner.
fn give_to_owner(dir: &Path, file: &File) -> io::Result<()> {
    let (dir, now) = (fs::metadata(dir)?, file.metadata()?);
    match (dir.uid(), dir.gid()) == (now.uid(), now.gid()) {
        false if geteuid().is_root() => fchown(file, Some(dir.uid()), Some(dir.gid())),
        _ => Ok(()),
    }
}

fn directory(path: &Path) -> &Path {
    path.parent().expect("a file lies in a directory")
}

//! Writing so that it survives the loss of power.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Makes the names in a directory durable.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Makes a directory durable with all that is in it.
pub(super) fn sync_tree(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        match path.is_dir() {
            true => sync_tree(&path)?,
            false => File::open(&path)?.sync_all()?,
        }
    }
    sync_dir(dir)
}

/// Writes a file as a whole: it has its old content or the new one, whatever happens. Until then it
/// is `PATH.lock`, which a killed server leaves. Only one may write it at a time.
pub(super) fn write_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let new = path.with_added_extension("lock");
    let mut file = File::create(&new)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    sync_dir(path.parent().expect("a file lies in a directory"))
}

/// Removes a file for good; one that is gone already is no error.
pub(super) fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
        Ok(()) => sync_dir(path.parent().expect("a file lies in a directory")),
    }
}

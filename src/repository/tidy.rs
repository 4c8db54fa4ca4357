//! Clearing away what a killed server left in a repository.

use std::path::Path;
use std::{fs, io};

use super::{journal, orders, quarantine};

/// Removes quarantines and locks. Only the one server of these repositories may call this, and only
/// before it serves: then nobody can hold them.
pub(super) fn tidy(repository: &Path) -> io::Result<()> {
    for entry in fs::read_dir(repository.join("objects"))? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(quarantine::PREFIX) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    for file in ["HEAD", "packed-refs", "config", journal::FILE, orders::FILE] {
        remove_if_there(&repository.join(format!("{file}.lock")))?;
    }
    remove_locks(&repository.join("refs"))
}

fn remove_locks(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            remove_locks(&path)?;
        } else if path.extension().is_some_and(|ending| ending == "lock") {
            // git forbids names of references that end so.
            remove_if_there(&path)?;
        }
    }
    Ok(())
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

//! Clearing away what a killed server left in a repository.

use std::path::Path;
use std::{fs, io};

use super::{journal, orders, quarantine, segment};

/// Removes quarantines and locks. Only the one server of these repositories may call this, and only
/// before it serves: then nobody can hold them.
pub(super) fn tidy(repository: &Path) -> io::Result<()> {
    remove_all(&repository.join("objects"), quarantine::PREFIX)?;
    let cache = repository.join(segment::DIR);
    if cache.exists() {
        remove_all(&cache, segment::UNFINISHED)?;
    }
    remove_lone_indexes(&repository.join("objects/pack"))?;
    for file in ["HEAD", "packed-refs", "config", journal::FILE, orders::FILE] {
        remove_if_there(&repository.join(format!("{file}.lock")))?;
    }
    remove_locks(&repository.join("refs"))
}

/// Removes what has a name that begins so.
fn remove_all(dir: &Path, prefix: &str) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            match entry.file_type()?.is_dir() {
                true => fs::remove_dir_all(entry.path())?,
                false => fs::remove_file(entry.path())?,
            }
        }
    }
    Ok(())
}

/// A pack that has been put into another goes before its index.
fn remove_lone_indexes(packs: &Path) -> io::Result<()> {
    for entry in fs::read_dir(packs)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "idx")
            && !path.with_extension("pack").exists()
        {
            remove_if_there(&path)?;
        }
    }
    Ok(())
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

//! The note of a change that consists of several steps, kept while it is made.

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::{Entry, Error, durable};

/// Its name in the repository.
pub(super) const FILE: &str = "ecconfigd-entry.json";

fn file(repository: &Path) -> PathBuf {
    repository.join(FILE)
}

/// Notes what is about to be done, durably.
pub(super) fn write(repository: &Path, entry: &Entry) -> Result<(), Error> {
    let content = serde_json::to_vec(entry).expect("an entry is text and numbers");
    Ok(durable::write_file(&file(repository), &content)?)
}

/// The change that was not finished, if there is one.
pub(super) fn read(repository: &Path) -> Result<Option<Entry>, Error> {
    match fs::read(file(repository)) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e.into()),
        Ok(content) => Ok(Some(serde_json::from_slice(&content).map_err(io::Error::from)?)),
    }
}

/// It is done.
pub(super) fn clear(repository: &Path) -> io::Result<()> {
    durable::remove_file(&file(repository))
}

//! The note of a change that consists of several steps, kept while it is made.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};

use super::{Author, Error, Move, durable};

/// Its name in the repository.
pub(super) const FILE: &str = "ecconfigd-entry.json";

/// What is about to be done.
#[derive(Serialize, Deserialize)]
pub(super) struct Note {
    #[serde(flatten)]
    pub(super) change: Move,
    #[serde(flatten)]
    pub(super) author: Author,
}

fn file(repository: &Path) -> PathBuf {
    repository.join(FILE)
}

/// Notes it, durably.
pub(super) fn write(repository: &Path, note: &Note) -> Result<(), Error> {
    let content = serde_json::to_vec(note).expect("a note is text and numbers");
    Ok(durable::write_file(&file(repository), &content)?)
}

/// The change that was not finished, if there is one.
pub(super) fn read(repository: &Path) -> Result<Option<Note>, Error> {
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

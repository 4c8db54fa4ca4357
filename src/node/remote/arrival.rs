//! A pack on its way into the working copy's repository: seen by nobody before it is whole.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use git2::{ErrorClass, Indexer, Odb, Repository};
use nix::unistd::geteuid;
use tempfile::TempDir;

use super::Error;
use crate::files::Owner;

/// What a killed process has left is deleted after this time.
const LEFT_OVER: Duration = Duration::from_secs(24 * 60 * 60);
/// Directories of packs on their way begin so, as git's own do.
const PREFIX: &str = "incoming-";
/// A pack without objects: the head and the hash behind it.
const EMPTY: usize = 12 + 20;
const DOING: &str = "storing what the server sent";

/// Dropping it deletes what has come.
pub(super) struct Arrival<'a> {
    dir: TempDir,
    objects: PathBuf,
    indexer: Indexer<'a>,
    bytes: usize,
}

impl<'a> Arrival<'a> {
    /// `known` holds the objects that need not come; none if all must. Objects that the pack's lead
    /// to must be in one of the two.
    pub(super) fn begin(
        repository: &Repository,
        known: Option<&Odb<'a>>,
        tell: impl FnMut(git2::Progress<'_>) + 'a,
    ) -> Result<Self, Error> {
        let objects = repository.commondir().join("objects");
        delete_left_over(&objects);
        let made = tempfile::Builder::new().prefix(PREFIX).tempdir_in(&objects);
        let dir = made.map_err(|e| Error::io(DOING, &e))?;
        let mut tell = tell;
        let indexer = Indexer::new(known, dir.path(), 0o444, true);
        let mut indexer = indexer.map_err(|e| Error::git(DOING, &e))?;
        indexer.progress(move |progress| {
            tell(progress);
            true
        });
        Ok(Self { dir, objects, indexer, bytes: 0 })
    }

    pub(super) fn write(&mut self, content: &[u8]) -> Result<(), Misfit> {
        self.bytes += content.len();
        self.indexer.write_all(content).map_err(|error| {
            match error.get_ref().and_then(|inner| inner.downcast_ref::<git2::Error>()) {
                Some(error) => misfit(error),
                None => Misfit::Failed(Error::io(DOING, &error)),
            }
        })
    }

    /// Makes the objects part of the repository, durably.
    pub(super) fn take_in(self) -> Result<(), Misfit> {
        if self.bytes == EMPTY {
            return Ok(());
        }
        let name = self.indexer.commit().map_err(|error| misfit(&error))?;
        publish(self.dir.path(), &self.objects.join("pack"), &name)
            .map_err(|error| Misfit::Failed(Error::io(DOING, &error)))
    }
}

/// Why a pack cannot be taken.
pub(super) enum Misfit {
    /// It is damaged, or leads to objects that are not here.
    Damaged(String),
    /// This machine's side failed.
    Failed(Error),
}

fn misfit(error: &git2::Error) -> Misfit {
    let message = error.message();
    match error.class() {
        ErrorClass::Indexer | ErrorClass::Zlib | ErrorClass::Odb | ErrorClass::Object
            if !message.contains("No space left") =>
        {
            Misfit::Damaged(message.to_owned())
        }
        _ => Misfit::Failed(Error::git(DOING, error)),
    }
}

/// libgit2 and git look for the index first, so the pack must be there before it.
fn publish(from: &Path, to: &Path, name: &str) -> std::io::Result<()> {
    let directory = File::open(to)?;
    let owner = match geteuid().is_root() {
        true => Some(Owner::of(&directory.metadata()?)),
        false => None,
    };
    for ending in ["pack", "idx"] {
        let name = format!("pack-{name}.{ending}");
        let file = File::open(from.join(&name))?;
        owner.map_or(Ok(()), |owner| owner.take(&file))?;
        file.sync_all()?;
        fs::rename(from.join(&name), to.join(&name))?;
    }
    directory.sync_all()
}

fn delete_left_over(objects: &Path) {
    let Ok(entries) = fs::read_dir(objects) else { return };
    for entry in entries.flatten() {
        let is_old = || entry.metadata().ok()?.modified().ok()?.elapsed().ok();
        if entry.file_name().to_string_lossy().starts_with(PREFIX)
            && is_old().is_some_and(|age| age > LEFT_OVER)
        {
            tracing::debug!(path = %entry.path().display(), "deleting what an interrupted fetch left");
            // The next fetch tries again.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

//! Open repositories, kept for the next request: opening one costs more the more packs there are.

use std::path::PathBuf;
use std::sync::Mutex;

use git2::Repository;

use super::Error;

/// Handles that wait for work, at the most. More may be in use.
const MAX_IDLE: usize = 8;

/// The handles of one repository.
pub(super) struct Handles {
    path: PathBuf,
    idle: Mutex<Vec<Repository>>,
}

impl Handles {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::new(Vec::new()) }
    }

    /// Lends a handle to `work`. Blocks on files.
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&Repository) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let idle = self.lock().pop();
        let repository = match idle {
            Some(repository) => repository,
            None => Repository::open_bare(&self.path).map_err(Error::from)?,
        };
        let result = work(&repository);
        // A handle that has seen such an error may hold stale files open; a new one is cheap enough.
        if result.as_ref().err().is_none_or(|error| !error.is_broken()) {
            let mut idle = self.lock();
            if idle.len() < MAX_IDLE {
                idle.push(repository);
            }
        }
        result
    }

    /// Forgets all idle handles.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Repository>> {
        self.idle.lock().expect("no code panics while it holds the list of handles")
    }
}

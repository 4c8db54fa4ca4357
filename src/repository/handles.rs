//! Open repositories, kept for the next request: opening one costs more the more packs there are.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use git2::Repository;

use super::Error;
use crate::libgit2;

/// Handles that wait for work, at the most. More may be in use.
const MAX_IDLE: usize = 8;

/// The handles of one repository.
pub(super) struct Handles {
    path: PathBuf,
    idle: Mutex<Idle>,
}

struct Idle {
    handles: Vec<(Repository, Use)>,
    current: Generation,
}

/// Handles that were opened between two moments at which packs went.
struct Generation {
    number: u64,
    in_use: Sender<Infallible>,
    ended: Receiver<Infallible>,
}

/// Held by whoever may still read files that were there when it was made.
#[derive(Clone)]
pub(super) struct Use {
    generation: u64,
    _in_use: Sender<Infallible>,
}

/// Ends with the last one who uses a generation.
pub(super) struct Old(Receiver<Infallible>);

impl Old {
    /// Whether the last one has gone, or goes within this time.
    pub(super) fn ends_within(&self, time: Duration) -> bool {
        matches!(self.0.recv_timeout(time), Err(RecvTimeoutError::Disconnected))
    }
}

impl Generation {
    fn new(number: u64) -> Self {
        let (in_use, ended) = channel();
        Self { number, in_use, ended }
    }

    fn enter(&self) -> Use {
        Use { generation: self.number, _in_use: self.in_use.clone() }
    }
}

impl Handles {
    pub(super) fn new(path: PathBuf) -> Self {
        let idle = Idle { handles: Vec::new(), current: Generation::new(0) };
        Self { path, idle: Mutex::new(idle) }
    }

    /// Lends a handle to `work`. Blocks on files.
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&Repository) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let idle = self.lock().handles.pop();
        let (repository, its_use) = match idle {
            Some(handle) => handle,
            None => {
                // Before the handle looks at what is there.
                let its_use = self.enter();
                (libgit2::open(&self.path).map_err(Error::from)?, its_use)
            }
        };
        let result = work(&repository);
        // A handle that has seen such an error may hold stale files open; a new one is cheap enough.
        if result.as_ref().err().is_none_or(|error| !error.is_broken()) {
            let mut idle = self.lock();
            if idle.handles.len() < MAX_IDLE && its_use.generation == idle.current.number {
                idle.handles.push((repository, its_use));
            }
        }
        result
    }

    /// Keeps packs from going for as long as this is held.
    pub(super) fn enter(&self) -> Use {
        self.lock().current.enter()
    }

    /// Forgets all idle handles, and those in use when they come back.
    pub(super) fn renew(&self) -> Old {
        let (old_handles, old) = {
            let mut idle = self.lock();
            let next = Generation::new(idle.current.number + 1);
            (std::mem::take(&mut idle.handles), std::mem::replace(&mut idle.current, next))
        };
        drop(old_handles);
        Old(old.ended)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Idle> {
        self.idle.lock().expect("no code panics while it holds the list of handles")
    }
}

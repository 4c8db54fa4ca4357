//! Files on their way to the disk while something else is done.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// The content of some files, on its way.
pub(super) struct Syncing(Mutex<State>);

enum State {
    /// Whoever waits first does it.
    Waiting(Arc<[File]>),
    OnTheWay(JoinHandle<io::Result<()>>),
    Done,
    /// For good: a file that could not be synced once may be taken for synced the next time
    /// (fsync(2)).
    Failed(io::ErrorKind, String),
}

impl Syncing {
    /// Whatever happens to these, and wherever they are moved, their content is meant.
    pub(super) fn new<const N: usize>(files: [&Path; N]) -> io::Result<Self> {
        let files = files.into_iter().map(File::open).collect::<io::Result<_>>()?;
        Ok(Self(Mutex::new(State::Waiting(files))))
    }

    /// Begins, so that there is less to wait for.
    pub(super) fn begin(&self) {
        let mut state = self.state();
        let State::Waiting(files) = &*state else { return };
        let files = files.clone();
        // If there is no thread to be had, it is done later.
        if let Ok(beside) = thread::Builder::new().spawn(move || sync(&files)) {
            *state = State::OnTheWay(beside);
        }
    }

    /// Returns when the content is durable, or fails.
    pub(super) fn wait(&self) -> io::Result<()> {
        let mut state = self.state();
        let synced = match std::mem::replace(&mut *state, State::Done) {
            State::Waiting(files) => sync(&files),
            State::OnTheWay(beside) => {
                beside.join().unwrap_or_else(|_| Err(io::Error::other("a panic")))
            }
            State::Done => Ok(()),
            State::Failed(kind, text) => Err(io::Error::new(kind, text)),
        };
        if let Err(error) = &synced {
            *state = State::Failed(error.kind(), error.to_string());
        }
        synced
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // It is replaced as a whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sync(files: &[File]) -> io::Result<()> {
    files.iter().try_for_each(File::sync_all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_may_be_moved_or_removed_meanwhile() {
        let dir = tempfile::tempdir().unwrap();
        let [one, other] = ["one", "other"].map(|name| dir.path().join(name));
        for begin in [Syncing::begin, |_: &Syncing| {}] {
            for file in [&one, &other] {
                std::fs::write(file, "content").unwrap();
            }
            let syncing = Syncing::new([&one, &other]).unwrap();
            std::fs::rename(&one, dir.path().join("third")).unwrap();
            std::fs::remove_file(&other).unwrap();
            begin(&syncing);
            syncing.wait().unwrap();
            syncing.wait().unwrap();
        }
    }

    #[test]
    fn what_could_not_be_synced_once_is_never_taken_for_synced() {
        // A pipe cannot be synced.
        let (_reader, writer) = std::io::pipe().unwrap();
        let file = File::from(std::os::fd::OwnedFd::from(writer));
        let syncing = Syncing(Mutex::new(State::Waiting([file].into())));
        let errors = [(); 2].map(|()| syncing.wait().unwrap_err().kind());
        assert_eq!(errors[0], errors[1]);
    }
}

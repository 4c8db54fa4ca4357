//! What is done for the repositories when nobody waits for it: segments of accepted changes, base
//! packs, fewer packs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use std::{io, thread};

use super::consolidate::Consolidated;
use super::{Error, Name, Store, Subcluster};

/// After a change: its client gets the answer, and those who fetch it theirs, before processors are
/// taken for this. Changes that come meanwhile are looked after together.
const PAUSE: Duration = Duration::from_millis(100);
/// Nobody has changed anything for so long: the repository is quiet.
const QUIET: Duration = Duration::from_secs(5);

/// The subclusters for which there is something to do.
#[derive(Default)]
pub(super) struct Upkeep {
    due: Mutex<BTreeMap<Name, Due>>,
    woken: Condvar,
}

#[derive(Clone, Copy)]
struct Due {
    at: Instant,
    is_quiet: bool,
}

impl Upkeep {
    /// There is something to do for this one.
    pub(super) fn wake(&self, name: &Name) {
        let at = Instant::now() + PAUSE;
        let mut all = self.due();
        let due = all.entry(name.clone()).or_insert(Due { at, is_quiet: false });
        // Whoever pushes again and again must not put it off for ever.
        *due = Due { at: due.at.min(at), is_quiet: false };
        self.woken.notify_one();
    }

    /// There is something to do for it unless it is woken before.
    fn when_quiet(&self, name: Name) {
        let due = Due { at: Instant::now() + QUIET, is_quiet: true };
        self.due().entry(name).or_insert(due);
    }

    /// Waits for the next one.
    fn next(&self) -> (Name, bool) {
        let mut all = self.due();
        loop {
            let first = all.iter().min_by_key(|(_, due)| due.at);
            let wait = match first.map(|(name, due)| (name.clone(), *due)) {
                None => None,
                Some((name, due)) => match due.at.checked_duration_since(Instant::now()) {
                    Some(wait) if !wait.is_zero() => Some(wait),
                    _ => {
                        all.remove(&name);
                        return (name, due.is_quiet);
                    }
                },
            };
            const POISONED: &str = "no code panics while it changes the list";
            all = match wait {
                None => self.woken.wait(all).expect(POISONED),
                Some(wait) => self.woken.wait_timeout(all, wait).expect(POISONED).0,
            };
        }
    }

    fn due(&self) -> MutexGuard<'_, BTreeMap<Name, Due>> {
        self.due.lock().expect("no code panics while it changes the list")
    }
}

impl Store {
    /// Looks after the repositories on a thread of its own, which ends with the process. Large packs
    /// are spooled into `spool_dir`.
    pub fn start_upkeep(self: &Arc<Self>, spool_dir: PathBuf) -> io::Result<()> {
        self.names().iter().for_each(|name| self.upkeep().wake(name));
        let store = self.clone();
        thread::Builder::new().name("upkeep".into()).spawn(move || {
            loop {
                let (name, is_quiet) = store.upkeep().next();
                if let Some(Ok(subcluster)) = store.opened(name.as_str()) {
                    look_after(&store, &subcluster, is_quiet, &spool_dir);
                }
            }
        })?;
        Ok(())
    }
}

fn look_after(store: &Store, subcluster: &Subcluster, is_quiet: bool, spool_dir: &Path) {
    let done = subcluster.look_after(is_quiet, spool_dir);
    let name = subcluster.name();
    match done {
        Ok(Consolidated::Done) => {}
        Ok(Consolidated::Later) => store.upkeep().when_quiet(name.clone()),
        // Whoever reads or writes there will be told as well, in clearer words.
        Err(error) => tracing::debug!(subcluster = %name, "its packs stay as they are: {error}"),
    }
}

impl Subcluster {
    fn look_after(&self, is_quiet: bool, spool_dir: &Path) -> Result<Consolidated, Error> {
        let bases = self.read(|repository| {
            self.segments().settle(repository, spool_dir);
            let number = |commit| self.revision_number(commit);
            self.segments().renew_base(repository, number, is_quiet, spool_dir)
        })?;
        Ok(match self.consolidate(is_quiet)? {
            Consolidated::Done if bases => Consolidated::Done,
            _ => Consolidated::Later,
        })
    }
}

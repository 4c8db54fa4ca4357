//! The segments of a repository: files in a directory of it, and what is known of them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use git2::Oid;

use super::file::{ENDING, Segment};
use super::pushed::Pushed;

/// Segments of updates that are kept, and bytes of them. A node that is further behind gets a pack
/// that is built for it.
const MAX_UPDATES: usize = 1000;
const MAX_UPDATE_BYTES: u64 = 128 << 20;
/// Base packs that are kept: of all branches, of `boot` alone, and of what else is cloned.
const MAX_BASES: usize = 3;

/// All segments.
pub(super) struct Shelf {
    pub(super) dir: PathBuf,
    state: Mutex<State>,
    /// Changes that have been accepted, whose segments have not been made yet, by their tips.
    pending: Mutex<HashMap<Oid, Pending>>,
}

#[derive(Default)]
pub(super) struct State {
    loaded: bool,
    /// By the commit that they lead to.
    updates: HashMap<Oid, Arc<Segment>>,
    /// Commits within an update, behind none of which a client's history ends.
    inner: HashSet<Oid>,
    /// The tips of the updates, oldest first.
    order: VecDeque<Oid>,
    bytes: u64,
    /// The one used last comes last.
    pub(super) bases: Vec<Arc<Segment>>,
    /// Commits for which a base pack should be put together in the background.
    pub(super) wish: Option<Vec<Oid>>,
}

/// An accepted change.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    /// Commits that had been there.
    pub(super) bases: Vec<Oid>,
    pub(super) pushed: Option<Pushed>,
}

impl Shelf {
    pub(super) fn new(dir: PathBuf) -> Self {
        Self { dir, state: Mutex::default(), pending: Mutex::default() }
    }

    /// What is known, read from the directory at the first call.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().expect("no code panics while it changes the shelf");
        if !state.loaded {
            state.loaded = true;
            for segment in load(&self.dir) {
                state.add(segment);
            }
        }
        state
    }

    /// Changes without a segment. Reads no files.
    pub(super) fn pending(&self) -> MutexGuard<'_, HashMap<Oid, Pending>> {
        self.pending.lock().expect("no code panics while it changes the list")
    }

    /// Forgets everything that is known and on disk no more.
    pub(super) fn reread(&self) {
        let mut state = self.state.lock().expect("no code panics while it changes the shelf");
        *state = State::default();
    }

    /// Puts a segment up, and removes those for which there is no room.
    pub(super) fn add(&self, segment: Segment) -> Arc<Segment> {
        let segment = Arc::new(segment);
        self.state().add(segment.clone());
        segment
    }

    /// Removes a segment that is damaged.
    pub(super) fn remove(&self, segment: &Segment) {
        tracing::debug!(
            "{} is damaged or gone, and made again when needed",
            segment.path.display()
        );
        let mut state = self.state();
        state.bases.retain(|base| base.path != segment.path);
        if let Some(tip) = segment.tips.first()
            && state.updates.get(tip).is_some_and(|update| update.path == segment.path)
        {
            state.take_down(*tip);
        }
        let _ = fs::remove_file(&segment.path);
    }
}

impl State {
    fn add(&mut self, segment: Arc<Segment>) {
        if segment.is_base() {
            self.bases.retain(|base| base.path != segment.path);
            self.bases.push(segment);
            while self.bases.len() > MAX_BASES {
                let _ = fs::remove_file(&self.bases.remove(0).path);
            }
            return;
        }
        let [tip] = segment.tips[..] else { return };
        self.take_down(tip);
        self.bytes += segment.length;
        self.inner.extend(&segment.inner);
        self.order.push_back(tip);
        self.updates.insert(tip, segment);
        while self.order.len() > MAX_UPDATES || self.bytes > MAX_UPDATE_BYTES {
            let Some(oldest) = self.order.front().copied() else { break };
            if let Some(segment) = self.take_down(oldest) {
                let _ = fs::remove_file(&segment.path);
            }
        }
    }

    fn take_down(&mut self, tip: Oid) -> Option<Arc<Segment>> {
        let segment = self.updates.remove(&tip)?;
        self.order.retain(|other| *other != tip);
        self.bytes -= segment.length;
        segment.inner.iter().for_each(|commit| _ = self.inner.remove(commit));
        Some(segment)
    }

    /// The update that leads to this commit.
    pub(super) fn update_to(&self, tip: Oid) -> Option<&Arc<Segment>> {
        self.updates.get(&tip)
    }

    /// Whether this commit came together with others that followed it.
    pub(super) fn is_inner(&self, commit: &Oid) -> bool {
        self.inner.contains(commit)
    }

    /// Says that a base has been used.
    pub(super) fn touch(&mut self, base: &Segment) {
        if let Some(index) = self.bases.iter().position(|known| known.path == base.path) {
            let base = self.bases.remove(index);
            self.bases.push(base);
        }
    }

    /// Removes a base for which there is a better one.
    pub(super) fn replace_base(&mut self, old: &Segment) {
        if let Some(index) = self.bases.iter().position(|known| known.path == old.path) {
            let _ = fs::remove_file(&self.bases.remove(index).path);
        }
    }
}

/// Reads the directory, and removes from it what is damaged.
fn load(dir: &Path) -> Vec<Arc<Segment>> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        let written = entry.metadata().and_then(|data| data.modified());
        if path.extension().is_none_or(|ending| ending != ENDING) {
            continue;
        }
        match Segment::open(path.clone()) {
            Ok(segment) => {
                found.push((written.unwrap_or(SystemTime::UNIX_EPOCH), Arc::new(segment)));
            }
            Err(_) => _ = fs::remove_file(&path),
        }
    }
    found.sort_by_key(|(written, segment)| (*written, segment.path.clone()));
    found.into_iter().map(|(_, segment)| segment).collect()
}

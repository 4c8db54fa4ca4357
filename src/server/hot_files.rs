//! Small files that were asked for lately, in memory: a fleet asks for the same ones again and again.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::conditional::Representation;
use super::limits::{MAX_HOT_BYTES, MAX_HOT_FILE};
use crate::protocol::Id;

/// The commit, its number where it is a revision of the live configuration, and the path, which never
/// lead to anything else.
type Key = (Id, Option<u64>, String);

/// Files that are kept. What has not been asked for while half of the room was filled goes.
#[derive(Default)]
pub(super) struct HotFiles(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    young: HashMap<Key, Arc<Representation>>,
    old: HashMap<Key, Arc<Representation>>,
    young_bytes: usize,
}

impl HotFiles {
    /// The file, if it is kept.
    pub(super) fn get(&self, key: &Key) -> Option<Arc<Representation>> {
        let mut kept = self.lock();
        if let Some(file) = kept.young.get(key) {
            return Some(file.clone());
        }
        let (key, file) = kept.old.remove_entry(key)?;
        kept.keep(key, file.clone());
        Some(file)
    }

    /// Keeps a file that has been read, if it is small.
    pub(super) fn keep(&self, key: Key, file: &Arc<Representation>) {
        if file.len() <= MAX_HOT_FILE as u64 {
            self.lock().keep(key, file.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Each file stands for itself.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn keep(&mut self, key: Key, file: Arc<Representation>) {
        /// What an entry takes beside its content and its path.
        const OVERHEAD: usize = 2048;
        let bytes = file.len() as usize + key.2.len() + OVERHEAD;
        if self.young_bytes + bytes > MAX_HOT_BYTES / 2 {
            self.old = mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        if self.young.insert(key, file).is_none() {
            self.young_bytes += bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn file(bytes: usize) -> Arc<Representation> {
        let content = Bytes::from(vec![b'#'; bytes]).into();
        Arc::new(Representation::new("text/plain", content, Id::ZERO, 0))
    }

    fn key(number: usize) -> Key {
        (Id::ZERO, None, number.to_string())
    }

    #[test]
    fn a_file_that_is_asked_for_stays_and_others_make_room() {
        let files = HotFiles::default();
        let several = 4 * MAX_HOT_BYTES / MAX_HOT_FILE;
        for number in 0..several {
            files.keep(key(number), &file(MAX_HOT_FILE));
            assert!(files.get(&key(0)).is_some(), "{number}");
        }
        assert!(files.get(&key(1)).is_none());
        let kept = files.lock();
        let bytes = |map: &HashMap<Key, Arc<Representation>>| {
            map.values().map(|file| file.len()).sum::<u64>()
        };
        assert!(bytes(&kept.young) + bytes(&kept.old) <= MAX_HOT_BYTES as u64);
    }

    #[test]
    fn a_large_file_is_not_kept() {
        let files = HotFiles::default();
        files.keep(key(0), &file(MAX_HOT_FILE + 1));
        assert!(files.get(&key(0)).is_none());
    }
}

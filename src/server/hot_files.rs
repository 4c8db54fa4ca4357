//! Small files that were asked for lately, in memory: a fleet asks for the same ones again and again.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::limits::{MAX_HOT_BYTES, MAX_HOT_FILE};
use crate::protocol::Id;

/// A file as it is sent.
pub(super) struct HotFile {
    pub(super) content_type: &'static str,
    pub(super) content: Bytes,
    pub(super) id: Id,
    /// When its commit was made, in seconds since 1970.
    pub(super) modified: i64,
}

/// The commit and the path in it, which never lead to anything else.
type Key = (Id, String);

/// Files that are kept. What has not been asked for while half of the room was filled goes.
#[derive(Default)]
pub(super) struct HotFiles(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    young: HashMap<Key, Arc<HotFile>>,
    old: HashMap<Key, Arc<HotFile>>,
    young_bytes: usize,
}

impl HotFiles {
    /// The file, if it is kept.
    pub(super) fn get(&self, key: &Key) -> Option<Arc<HotFile>> {
        let mut kept = self.lock();
        if let Some(file) = kept.young.get(key) {
            return Some(file.clone());
        }
        let (key, file) = kept.old.remove_entry(key)?;
        kept.keep(key, file.clone());
        Some(file)
    }

    /// Keeps a file that has been read, if it is small.
    pub(super) fn keep(&self, key: Key, file: &Arc<HotFile>) {
        if file.content.len() <= MAX_HOT_FILE {
            self.lock().keep(key, file.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Each file stands for itself.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn keep(&mut self, key: Key, file: Arc<HotFile>) {
        /// What an entry takes beside its content and its path.
        const OVERHEAD: usize = 256;
        let bytes = file.content.len() + key.1.len() + OVERHEAD;
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
    use super::*;

    fn file(bytes: usize) -> Arc<HotFile> {
        let content = vec![b'#'; bytes].into();
        Arc::new(HotFile { content_type: "text/plain", content, id: Id::ZERO, modified: 0 })
    }

    fn key(number: usize) -> Key {
        (Id::ZERO, number.to_string())
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
        let bytes = |map: &HashMap<Key, Arc<HotFile>>| {
            map.values().map(|file| file.content.len()).sum::<usize>()
        };
        assert!(bytes(&kept.young) + bytes(&kept.old) <= MAX_HOT_BYTES);
    }

    #[test]
    fn a_large_file_is_not_kept() {
        let files = HotFiles::default();
        files.keep(key(0), &file(MAX_HOT_FILE + 1));
        assert!(files.get(&key(0)).is_none());
    }
}

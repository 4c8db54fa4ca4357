//! Large files on their way to clients: one copy of each on disk for all who ask for it, read piece by
//! piece. Nobody's memory grows with the number of clients that take their time.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::error::Error;
use super::limits::{MAX_LARGE_FILES, MAX_LARGE_FILES_OF_ADDRESS};
use super::shares::{Share, Shares};
use crate::protocol::Id;
use crate::repository::{Spool, Subcluster};

/// A file of which there is a copy for as long as somebody has this.
pub(super) struct LargeFile {
    pub(super) spool: Spool,
    pub(super) is_text: bool,
    /// Of the disk, taken by who asked first.
    _share: Share,
}

/// Those there are.
pub(super) struct LargeFiles {
    known: Mutex<HashMap<Id, Weak<LargeFile>>>,
    disk: Arc<Shares>,
}

impl Default for LargeFiles {
    fn default() -> Self {
        let disk = Shares::new(MAX_LARGE_FILES, MAX_LARGE_FILES_OF_ADDRESS);
        Self { known: Mutex::default(), disk }
    }
}

impl LargeFiles {
    /// The copy of a file of so many bytes, which is made in `spool_dir` if there is none. Then it
    /// blocks, and takes the memory of the whole file for a moment.
    pub(super) fn get(
        &self,
        subcluster: &Subcluster,
        (id, length): (Id, u64),
        client: IpAddr,
        spool_dir: &Path,
    ) -> Result<Arc<LargeFile>, Error> {
        if let Some(file) = self.known(id) {
            return Ok(file);
        }
        let share = self.disk.take(client, usize::try_from(length).unwrap_or(usize::MAX))?;
        let (spool, is_text) = subcluster.spool_file(id, spool_dir)?;
        let file = Arc::new(LargeFile { spool, is_text, _share: share });
        let mut known = self.lock();
        known.retain(|_, file| file.strong_count() > 0);
        known.insert(id, Arc::downgrade(&file));
        Ok(file)
    }

    /// The copy of a file, if there is one.
    pub(super) fn known(&self, id: Id) -> Option<Arc<LargeFile>> {
        self.lock().get(&id)?.upgrade()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Id, Weak<LargeFile>>> {
        // Each file stands for itself.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

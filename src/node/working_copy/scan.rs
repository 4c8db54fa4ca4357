//! What is on disk, beside what was checked out.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use git2::{Index, IndexEntry};

use super::disk::{self, Stamp};
use super::listing::{Leaf, Listing};
use crate::node::Error;

/// A file changed so shortly ago may change again without its stamp telling.
const STAMP_RESOLUTION: Duration = Duration::from_millis(100);

/// The files of one repository as they are on disk.
#[derive(Debug, Default)]
pub struct Disk {
    /// Files that git knows, as they are now. Those that are missing are not here.
    pub tracked: BTreeMap<Vec<u8>, OnDisk>,
    /// Everything else that is no directory.
    pub untracked: Vec<Vec<u8>>,
    /// Every directory, parents first.
    pub directories: Vec<Vec<u8>>,
}

/// A file on disk.
#[derive(Clone, Copy, Debug)]
pub struct OnDisk {
    pub leaf: Leaf,
    /// How to recognise it unchanged; `None` where its stamp does not tell.
    pub stamp: Option<Stamp>,
}

impl Disk {
    /// The tracked files alone.
    pub fn listing(&self) -> Listing {
        self.tracked.iter().map(|(path, file)| (path.clone(), file.leaf)).collect()
    }
}

/// Looks at all files below `top` but, directly below it, `.git` and `apart`. Tracked are those of
/// `base`, of the index, and no others.
pub fn scan(top: &Path, apart: Option<&str>, base: &Listing, index: &Index) -> Result<Disk, Error> {
    let known = index.iter().map(|entry| (entry.path.clone(), entry)).collect();
    let mut scan = Scan { top, apart, base, known, now: now(), disk: Disk::default() };
    scan.directory(b"")?;
    Ok(scan.disk)
}

struct Scan<'a> {
    top: &'a Path,
    apart: Option<&'a str>,
    base: &'a Listing,
    known: BTreeMap<Vec<u8>, IndexEntry>,
    now: Duration,
    disk: Disk,
}

impl Scan<'_> {
    fn directory(&mut self, prefix: &[u8]) -> Result<(), Error> {
        let directory = disk::below(self.top, prefix);
        let read = |error| Error::file(&directory)(error);
        let mut entries: Vec<_> =
            fs::read_dir(&directory).map_err(read)?.collect::<Result<_, _>>().map_err(read)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            // Deeper down it is somebody else's.
            let is_own = name == ".git" || self.apart.is_some_and(|apart| name == *apart);
            if prefix.is_empty() && is_own {
                continue;
            }
            self.entry(&entry, [prefix, name.as_bytes()].concat())?;
        }
        Ok(())
    }

    fn entry(&mut self, entry: &fs::DirEntry, path: Vec<u8>) -> Result<(), Error> {
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            Err(error) if disk::is_absent(&error) => return Ok(()),
            Err(error) => return Err(Error::file(&entry.path())(error)),
        };
        if metadata.is_dir() {
            let below = [&path[..], b"/"].concat();
            self.disk.directories.push(path);
            return self.directory(&below);
        }
        match disk::mode(&metadata) {
            Some(mode) if self.base.contains_key(&path) || self.known.contains_key(&path) => {
                match self.tracked(&path, mode, Stamp::of(&metadata), &entry.path()) {
                    Ok(file) => _ = self.disk.tracked.insert(path, file),
                    Err(Error::File { source, .. }) if disk::is_absent(&source) => {}
                    Err(error) => return Err(error),
                }
            }
            _ => self.disk.untracked.push(path),
        }
        Ok(())
    }

    fn tracked(&self, path: &[u8], mode: u32, stamp: Stamp, file: &Path) -> Result<OnDisk, Error> {
        let id = match self.known.get(path) {
            Some(entry) if stamp.is_that_of(entry) => entry.id,
            _ => disk::id(file, mode)?,
        };
        let (seconds, nanoseconds) = stamp.modified;
        let modified = Duration::new(seconds.max(0) as u64, nanoseconds.max(0) as u32);
        let is_settled = modified + STAMP_RESOLUTION < self.now;
        Ok(OnDisk { leaf: Leaf { id, mode }, stamp: is_settled.then_some(stamp) })
    }
}

fn now() -> Duration {
    // A clock before 1970 makes every stamp one that does not tell.
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

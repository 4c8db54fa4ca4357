//! What is on disk, beside what was checked out.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use git2::{Index, IndexEntry};

use super::disk::{self, Stamp};
use super::listing::{Leaf, Listing};
use super::walk::walk;
use crate::node::Error;

/// The files of one repository as they are on disk.
#[derive(Debug, Default)]
pub struct Disk {
    /// Files that git knows, as they are now. Those that are missing are not here.
    pub tracked: BTreeMap<Vec<u8>, OnDisk>,
    /// Everything else that is no directory.
    pub untracked: BTreeMap<Vec<u8>, Stamp>,
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

/// Looks at all files below `top` but those of eccfg's own and, directly below it, `apart`. Tracked
/// are those of `base`, of the index, and no others.
pub fn scan(top: &Path, apart: Option<&str>, base: &Listing, index: &Index) -> Result<Disk, Error> {
    let known = index.iter().map(|entry| (entry.path.clone(), entry)).collect();
    let all = walk(top, apart)?;
    let scan = Scan { top, base, known, now: now() };
    let mut disk = Disk { directories: all.directories, ..Disk::default() };
    for (path, metadata) in all.files {
        match scan.file(&path, &metadata)? {
            Found::Tracked(file) => _ = disk.tracked.insert(path, file),
            Found::Other => _ = disk.untracked.insert(path, Stamp::of(&metadata)),
            Found::Gone => {}
        }
    }
    Ok(disk)
}

struct Scan<'a> {
    top: &'a Path,
    base: &'a Listing,
    known: BTreeMap<Vec<u8>, IndexEntry>,
    now: Duration,
}

enum Found {
    Tracked(OnDisk),
    Other,
    Gone,
}

impl Scan<'_> {
    fn file(&self, path: &[u8], metadata: &Metadata) -> Result<Found, Error> {
        match disk::mode(metadata) {
            Some(mode) if self.base.contains_key(path) || self.known.contains_key(path) => {
                match self.tracked(path, mode, Stamp::of(metadata)) {
                    Ok(file) => Ok(Found::Tracked(file)),
                    Err(Error::File { source, .. }) if disk::is_absent(&source) => Ok(Found::Gone),
                    Err(error) => Err(error),
                }
            }
            _ => Ok(Found::Other),
        }
    }

    fn tracked(&self, path: &[u8], mode: u32, stamp: Stamp) -> Result<OnDisk, Error> {
        let id = match self.known.get(path) {
            Some(entry) if stamp.is_that_of(entry) => entry.id,
            _ => disk::id(&disk::below(self.top, path), mode)?,
        };
        Ok(OnDisk { leaf: Leaf { id, mode }, stamp: stamp.is_settled(self.now).then_some(stamp) })
    }
}

/// The time of now, as that of files.
pub fn now() -> Duration {
    // A clock before 1970 makes every stamp one that does not tell.
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

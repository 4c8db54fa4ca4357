//! The revisions of a subcluster, written down so that a start need not walk its history.
//!
//! A revision is a record of its commit's id (20 bytes) and a CRC-32 of all ids up to this one. The
//! file is never synced: what a crash has damaged is cut off by the checksums, and read from the
//! history again.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use flate2::Crc;
use git2::Oid;

use super::segment;

const ID: usize = 20;
const RECORD: usize = ID + 4;

/// The file, and what is known of it.
pub(super) struct RevisionFile {
    path: PathBuf,
    /// Of so many ids.
    checksum: (usize, Crc),
}

impl std::fmt::Debug for RevisionFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RevisionFile({})", self.path.display())
    }
}

impl RevisionFile {
    /// The file in `dir`, and the commits in it, which are none if there is no file.
    pub(super) fn load(dir: &Path) -> (Self, Vec<Oid>) {
        let path = dir.join("revisions");
        let bytes = std::fs::read(&path).unwrap_or_default();
        let (mut commits, mut checksum) = (Vec::with_capacity(bytes.len() / RECORD), Crc::new());
        for record in bytes.chunks_exact(RECORD) {
            let (id, sum) = record.split_at(ID);
            checksum.update(id);
            if checksum.sum().to_be_bytes() != sum {
                // All of it is written again.
                return (Self { path, checksum: (0, Crc::new()) }, commits);
            }
            commits.push(Oid::from_bytes(id).expect("it is as long as an id"));
        }
        (Self { path, checksum: (commits.len(), checksum) }, commits)
    }

    /// Writes down what is new behind the first `kept` commits. The next start walks through what
    /// could not be written.
    pub(super) fn save(&mut self, commits: &[Oid], kept: usize) {
        if kept == commits.len() && kept == self.checksum.0 {
            return;
        }
        let mut from = kept.min(self.checksum.0);
        if from < self.checksum.0 {
            (from, self.checksum) = (0, (0, Crc::new()));
        }
        let mut records = Vec::with_capacity((commits.len() - from) * RECORD);
        for commit in &commits[from..] {
            self.checksum.1.update(commit.as_bytes());
            records.extend_from_slice(commit.as_bytes());
            records.extend_from_slice(&self.checksum.1.sum().to_be_bytes());
        }
        self.checksum.0 = commits.len();
        if let Err(error) = self.write(&records, from * RECORD) {
            tracing::debug!("{} could not be written: {error}", self.path.display());
            self.checksum = (0, Crc::new());
        }
    }

    fn write(&self, records: &[u8], at: usize) -> io::Result<()> {
        let open = || File::options().create(true).truncate(false).write(true).open(&self.path);
        let file = match open() {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let dir = self.path.parent().expect("a file lies in a directory");
                segment::make_dir(dir)?;
                open()?
            }
            other => other?,
        };
        let end = (at + records.len()) as u64;
        if file.metadata()?.len() > end {
            file.set_len(end)?;
        }
        file.write_all_at(records, at as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(range: std::ops::Range<u8>) -> Vec<Oid> {
        range.map(|number| Oid::from_bytes(&[number; ID]).unwrap()).collect()
    }

    #[test]
    fn what_was_saved_is_loaded_and_what_is_damaged_is_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let (mut file, none) = RevisionFile::load(dir.path());
        assert!(none.is_empty());
        file.save(&ids(0..5), 0);
        file.save(&ids(0..9), 5);
        assert_eq!(RevisionFile::load(dir.path()).1, ids(0..9));
        let renumbered = [ids(0..3), ids(20..24)].concat();
        file.save(&renumbered, 3);
        let (mut file, loaded) = RevisionFile::load(dir.path());
        assert_eq!(loaded, renumbered);
        file.save(&ids(0..2), 2);
        let path = dir.path().join("revisions");
        let mut bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes.len(), 2 * RECORD);
        bytes[RECORD] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let (mut file, loaded) = RevisionFile::load(dir.path());
        assert_eq!(loaded, ids(0..1));
        file.save(&ids(0..4), 1);
        assert_eq!(RevisionFile::load(dir.path()).1, ids(0..4));
    }
}

//! Room on the disk for setting references back.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// What writing a reference may take: a file, a line of its log, and what the directories of both
/// grow by; each a block of the file system.
const ROOM: u64 = 4 * 4096;

/// Room that nobody else gets. It is free again when this is dropped, or the process ends.
pub(super) struct Reserve(#[expect(dead_code, reason = "held, not used")] File);

impl Reserve {
    /// Takes the room for so many references, or fails for want of it.
    pub(super) fn take(dir: &Path, references: usize) -> io::Result<Self> {
        let mut file = tempfile::tempfile_in(dir)?;
        io::copy(&mut io::repeat(0).take(references as u64 * ROOM), &mut file)?;
        Ok(Self(file))
    }
}

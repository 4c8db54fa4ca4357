//! Bytes on their way in or out: small ones in memory, others in a file without a name, which is
//! gone with the last one who uses it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use tempfile::{SpooledData, SpooledTempFile};

/// Bytes kept in memory before a file is made.
const IN_MEMORY: usize = 256 << 10;

/// Finished content that can be read from many threads, each at its own place.
#[derive(Clone, Debug)]
pub enum Spool {
    /// All of it.
    Memory(Bytes),
    /// A file and its length in bytes.
    File(Arc<File>, u64),
}

/// Content in the making.
pub struct SpoolWriter(SpooledTempFile, usize);

impl SpoolWriter {
    /// Files are made in `dir`.
    pub fn new(dir: &Path) -> Self {
        Self(SpooledTempFile::new_in(IN_MEMORY, dir), 0)
    }

    /// Whether so many more bytes will still be kept in memory, so that writing cannot block.
    pub fn stays_in_memory(&self, more: usize) -> bool {
        match &self.0 {
            file if file.is_rolled() => false,
            _ => more <= IN_MEMORY / 4,
        }
    }

    /// Bytes that are in memory.
    pub fn in_memory(&self) -> usize {
        match self.0.is_rolled() {
            true => 0,
            false => self.1,
        }
    }

    /// Nothing more will be written.
    pub fn finish(self) -> io::Result<Spool> {
        Ok(match self.0.into_inner() {
            SpooledData::InMemory(content) => Spool::Memory(content.into_inner().into()),
            SpooledData::OnDisk(file) => {
                let length = file.metadata()?.len();
                Spool::File(Arc::new(file), length)
            }
        })
    }
}

impl Write for SpoolWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.write(bytes)?;
        self.1 += written;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Spool {
    /// How many bytes there are.
    pub fn len(&self) -> u64 {
        match self {
            Self::Memory(content) => content.len() as u64,
            Self::File(_, length) => *length,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Up to `most` bytes from `offset`; none at the end. Blocks if it is a file.
    pub fn read_at(&self, offset: u64, most: usize) -> io::Result<Bytes> {
        match self {
            Self::Memory(content) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(content.len());
                Ok(content.slice(start..content.len().min(start.saturating_add(most))))
            }
            Self::File(file, length) => {
                let most = most.min(usize::try_from(length.saturating_sub(offset)).unwrap_or(most));
                let mut buffer = vec![0; most];
                file.read_exact_at(&mut buffer, offset)?;
                Ok(buffer.into())
            }
        }
    }

    /// Reads from the start.
    pub fn reader(&self) -> SpoolReader<'_> {
        SpoolReader { spool: self, offset: 0 }
    }
}

/// A place in a [`Spool`].
pub struct SpoolReader<'a> {
    spool: &'a Spool,
    offset: u64,
}

impl Read for SpoolReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = match self.spool {
            Spool::Memory(content) => {
                let start = usize::try_from(self.offset).unwrap_or(usize::MAX).min(content.len());
                (&content[start..]).read(buffer)?
            }
            Spool::File(file, _) => file.read_at(buffer, self.offset)?,
        };
        self.offset += length as u64;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_and_large_content_reads_back_the_same() {
        let dir = tempfile::tempdir().unwrap();
        for length in [0, 10, IN_MEMORY + 10] {
            let content: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            let mut writer = SpoolWriter::new(dir.path());
            writer.write_all(&content).unwrap();
            let spool = writer.finish().unwrap();
            assert_eq!(matches!(spool, Spool::File(..)), length > IN_MEMORY);
            assert_eq!(spool.len(), length as u64);
            let mut read = Vec::new();
            spool.reader().read_to_end(&mut read).unwrap();
            assert_eq!(read, content);
            let middle = spool.read_at(length as u64 / 2, 4).unwrap();
            assert_eq!(middle, content[length / 2..content.len().min(length / 2 + 4)]);
            assert!(spool.read_at(length as u64, 4).unwrap().is_empty());
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "files have no names");
    }
}

//! Packs put one behind another (gitformat-pack(5)).
//!
//! Entries move freely: a delta names its base by id or by the distance to it, and both stay true.
//! Only the number of objects at the beginning and the hash at the end are new.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};

use sha1::{Digest, Sha1};

use super::file::Segment;
use crate::repository::Spool;

const HEAD: usize = 12;
const HASH: usize = 20;
/// Bytes copied at a time.
const CHUNK: usize = 64 << 10;

/// Something that stands in a joined pack.
pub(super) enum Part<'a> {
    /// A segment's pack.
    Segment(&'a Segment),
    /// A pack that has just been built.
    Built(&'a Spool),
    /// One entry.
    Entry(&'a [u8]),
}

/// Why packs could not be joined.
pub(super) enum Failed {
    /// Part number so much is damaged or gone.
    Damaged(usize),
    Io(io::Error),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Writes the parts as one pack. Each is checked by its own hash on the way; nothing that has been
/// written may be used if this fails.
pub(super) fn join(parts: &[Part<'_>], objects: usize, out: &mut impl Write) -> Result<(), Failed> {
    let mut out = Hashed { out, hash: Sha1::new() };
    out.write(&head(objects))?;
    for (index, part) in parts.iter().enumerate() {
        match part {
            Part::Entry(bytes) => out.write(bytes)?,
            Part::Built(spool) => copy(spool.reader(), spool.len(), index, &mut out)?,
            Part::Segment(segment) => {
                let file = File::open(&segment.path).map_err(|_| Failed::Damaged(index))?;
                copy(BufReader::with_capacity(CHUNK, file), segment.pack, index, &mut out)?;
            }
        }
    }
    let hash = out.hash.finalize();
    Ok(out.out.write_all(&hash)?)
}

fn head(objects: usize) -> [u8; HEAD] {
    let objects = u32::try_from(objects).expect("no repository has so many objects");
    let mut head = *b"PACK\0\0\0\x02\0\0\0\0";
    head[8..].copy_from_slice(&objects.to_be_bytes());
    head
}

/// Copies the entries of a pack.
fn copy<W: Write>(
    mut pack: impl Read,
    length: u64,
    index: usize,
    out: &mut Hashed<'_, W>,
) -> Result<(), Failed> {
    let damaged = |_| Failed::Damaged(index);
    let mut hash = Sha1::new();
    let mut head = [0; HEAD];
    pack.read_exact(&mut head).map_err(damaged)?;
    hash.update(head);
    let mut left = length.checked_sub((HEAD + HASH) as u64).ok_or(Failed::Damaged(index))?;
    let mut buffer = vec![0; CHUNK];
    while left > 0 {
        let chunk = &mut buffer[..CHUNK.min(usize::try_from(left).unwrap_or(CHUNK))];
        pack.read_exact(chunk).map_err(damaged)?;
        hash.update(&*chunk);
        out.write(chunk)?;
        left -= chunk.len() as u64;
    }
    let mut end = [0; HASH];
    pack.read_exact(&mut end).map_err(damaged)?;
    match hash.finalize()[..] == end {
        true => Ok(()),
        false => Err(Failed::Damaged(index)),
    }
}

struct Hashed<'a, W> {
    out: &'a mut W,
    hash: Sha1,
}

impl<W: Write> Hashed<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.out.write_all(bytes)
    }
}

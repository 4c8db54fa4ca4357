//! The index of a pack (gitformat-pack(5), "Version 2 pack-*.idx files").

use std::io;
use std::path::Path;

use git2::Oid;

const HEAD: usize = 8;
const FANOUT: usize = 256 * 4;
const HASH: usize = 20;
/// Offsets with this bit are looked up in a table of larger ones.
const LARGE: u32 = 1 << 31;

/// The objects of a pack, sorted, and where each begins.
pub(super) struct PackIndex(pub(super) Vec<(Oid, u64)>);

impl PackIndex {
    /// Reads all of it.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let bytes = std::fs::read(path)?;
        Self::parse(&bytes).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "the index of a pack is damaged")
        })
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(b"\xfftOc\0\0\0\x02")?;
        let count = number(rest, FANOUT - 4)? as usize;
        let (ids, offsets) = (FANOUT, FANOUT + count.checked_mul(HASH + 4)?);
        let large = offsets + count * 4;
        let objects = (0..count).map(|index| {
            let id = rest.get(ids + index * HASH..)?.get(..HASH)?;
            let offset = match number(rest, offsets + index * 4)? {
                offset if offset & LARGE == 0 => u64::from(offset),
                place => {
                    let at = large + (place & !LARGE) as usize * 8;
                    u64::from(number(rest, at)?) << 32 | u64::from(number(rest, at + 4)?)
                }
            };
            Some((Oid::from_bytes(id).ok()?, offset))
        });
        objects.collect::<Option<_>>().map(Self)
    }

    /// How many objects the index at `path` has, without reading them.
    pub(super) fn count(path: &Path) -> io::Result<u32> {
        use std::os::unix::fs::FileExt;
        let mut count = [0; 4];
        std::fs::File::open(path)?.read_exact_at(&mut count, (HEAD + FANOUT - 4) as u64)?;
        Ok(u32::from_be_bytes(count))
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

//! The end of a segment file: what the pack before it holds.

use std::io;

use git2::Oid;
use sha1::{Digest, Sha1};

/// The last part has this length in bytes: magic, length of the pack, five counts, hash.
pub(super) const FOOT: usize = 8 + 8 + 5 * 4 + HASH;
const HASH: usize = 20;
/// With the version of the format.
const MAGIC: &[u8; 8] = b"ECSEGM\0\x01";

/// What a segment's pack holds: all that `tips` reach and `bases` do not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    /// Commits whose objects the reader must have; sorted. None: the pack stands alone.
    pub(super) bases: Vec<Oid>,
    /// Commits that the pack completes; sorted.
    pub(super) tips: Vec<Oid>,
    /// Its other commits. A base keeps no such list.
    pub(super) inner: Vec<Oid>,
    /// All its objects, sorted.
    pub(super) ids: Vec<Oid>,
    /// Segments put into it since its deltas were searched for.
    pub(super) joined: u32,
}

/// The counts in the last part.
pub(super) struct Foot {
    pub(super) pack: u64,
    ids: usize,
    bases: usize,
    tips: usize,
    inner: usize,
    joined: u32,
}

impl Table {
    /// The bytes that follow a pack of this length.
    pub(super) fn encode(&self, pack: u64) -> Vec<u8> {
        let lists = [&self.ids, &self.bases, &self.tips, &self.inner];
        let length: usize = lists.iter().map(|list| list.len() * HASH).sum();
        let mut bytes = Vec::with_capacity(length + FOOT);
        lists.into_iter().flatten().for_each(|id| bytes.extend_from_slice(id.as_bytes()));
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&pack.to_be_bytes());
        for list in lists {
            let count = u32::try_from(list.len()).expect("a pack has fewer objects than that");
            bytes.extend_from_slice(&count.to_be_bytes());
        }
        bytes.extend_from_slice(&self.joined.to_be_bytes());
        let hash = Sha1::digest(&bytes);
        bytes.extend_from_slice(&hash);
        bytes
    }

    /// Reads what [`Table::encode`] has written and `foot` describes.
    pub(super) fn decode(bytes: &[u8], foot: &Foot) -> io::Result<Self> {
        let (content, hash) = bytes.split_last_chunk::<HASH>().ok_or_else(damaged)?;
        if Sha1::digest(content)[..] != hash[..] {
            return Err(damaged());
        }
        let mut ids = content
            .chunks_exact(HASH)
            .map(|id| Oid::from_bytes(id).expect("it is as long as an id"));
        let mut list = |count: usize| ids.by_ref().take(count).collect::<Vec<_>>();
        let (all, bases, tips, inner) =
            (list(foot.ids), list(foot.bases), list(foot.tips), list(foot.inner));
        Ok(Self { bases, tips, inner, ids: all, joined: foot.joined })
    }
}

impl Foot {
    /// Reads the last part.
    pub(super) fn decode(bytes: &[u8; FOOT]) -> io::Result<Self> {
        let number = |at: usize| {
            u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes are four"))
        };
        if !bytes.starts_with(MAGIC) {
            return Err(damaged());
        }
        let pack = u64::from(number(8)) << 32 | u64::from(number(12));
        let [ids, bases, tips, inner] = [16, 20, 24, 28].map(|at| number(at) as usize);
        Ok(Self { pack, ids, bases, tips, inner, joined: number(32) })
    }

    /// Bytes of the table, this part included.
    pub(super) fn table(&self) -> u64 {
        ((self.ids + self.bases + self.tips + self.inner) * HASH + FOOT) as u64
    }
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the segment is damaged")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> Oid {
        Oid::from_bytes(&[number; HASH]).unwrap()
    }

    #[test]
    fn a_table_is_read_as_it_was_written_and_damage_is_noticed() {
        let table = Table {
            bases: vec![id(1)],
            tips: vec![id(2), id(3)],
            inner: vec![id(4)],
            ids: vec![id(2), id(3), id(4), id(5)],
            joined: 7,
        };
        let mut bytes = table.encode(1 << 33);
        let foot = Foot::decode(bytes.last_chunk().unwrap()).unwrap();
        assert_eq!((foot.pack, foot.table()), (1 << 33, bytes.len() as u64));
        assert_eq!(Table::decode(&bytes, &foot).unwrap(), table);
        bytes[0] ^= 1;
        assert!(Table::decode(&bytes, &foot).is_err());
    }
}

//! Looking at a pushed pack while it goes into libgit2's indexer (gitformat-pack(5)).
//!
//! The indexer takes in objects of kinds that do not exist and of lengths that are not true, which
//! nobody can read afterwards, and keeps whatever deltas are made of in memory, however large.

use std::io::{BufRead, ErrorKind, Write};

use flate2::{Decompress, FlushDecompress, Status};

use super::Error;
use crate::libgit2::{MAX_OBJECT, MAX_OBJECTS};

/// The largest commit, directory or tag, in bytes: each is held in memory to be looked at.
const MAX_INNER: u64 = 32 << 20;
/// The most that one pack may unpack to, in bytes: unpacking costs time, and a pack of nothing but
/// zeros is a thousandth of its content.
const MAX_UNPACKED: u64 = 8 << 30;
/// Enough for the two lengths at a delta's beginning.
const DELTA_HEAD: usize = 20;
const HASH_LEN: usize = 20;

const COMMIT: u8 = 1;
const TREE: u8 = 2;
const BLOB: u8 = 3;
const TAG: u8 = 4;
const OFS_DELTA: u8 = 6;
const REF_DELTA: u8 = 7;

/// A pack on its way.
pub(super) struct PackCopy<R> {
    input: R,
    /// Bytes of the pack that have come.
    offset: u64,
    /// Where the entries so far begin.
    starts: Vec<u64>,
    unpacked: u64,
    max_unpacked: u64,
    entries: u32,
    header: [u8; 12],
}

impl<R: BufRead> PackCopy<R> {
    /// Reads the pack's header.
    pub(super) fn new(mut input: R) -> Result<Self, Error> {
        let mut header = [0; 12];
        input.read_exact(&mut header).map_err(|e| match e.kind() {
            ErrorKind::UnexpectedEof => Error::BadPack("the pack is missing".into()),
            _ => read_error(e),
        })?;
        let [magic @ .., a, b, c, d] = header;
        if !matches!(&magic, b"PACK\0\0\0\x02" | b"PACK\0\0\0\x03") {
            return Err(damaged("it does not begin like one of version 2 or 3"));
        }
        let entries = u32::from_be_bytes([a, b, c, d]);
        if entries as usize > MAX_OBJECTS {
            return Err(Error::BadPack(format!(
                "the pack has too many objects: the limit is {MAX_OBJECTS}"
            )));
        }
        let (offset, starts) = (header.len() as u64, Vec::new());
        Ok(Self { input, offset, starts, unpacked: 0, max_unpacked: MAX_UNPACKED, entries, header })
    }

    /// Git sends a pack without entries when a branch is made at a commit that is there already.
    pub(super) fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Copies all of it, and returns how many objects there are and where the last one ends. The
    /// hash behind it is left to the one who takes it.
    pub(super) fn to(mut self, output: &mut impl Write) -> Result<(u32, u64), Error> {
        output.write_all(&self.header).map_err(write_error)?;
        for _ in 0..self.entries {
            let start = self.offset;
            self.entry(output)?;
            self.starts.push(start);
        }
        let end = self.offset;
        self.take::<HASH_LEN>(output)?;
        match self.input.fill_buf().map_err(read_error)?.is_empty() {
            true => Ok((self.entries, end)),
            false => Err(damaged("it goes on after its end")),
        }
    }

    fn entry(&mut self, output: &mut impl Write) -> Result<(), Error> {
        let start = self.offset;
        let (kind, length) = self.entry_head(output)?;
        match kind {
            COMMIT | TREE | TAG => limit(length, MAX_INNER)?,
            BLOB | REF_DELTA | OFS_DELTA => limit(length, MAX_OBJECT as u64)?,
            _ => return Err(damaged("an object is of a kind that does not exist")),
        }
        match kind {
            OFS_DELTA => self.base_before(start, output)?,
            REF_DELTA => _ = self.take::<HASH_LEN>(output)?,
            _ => {}
        }
        let head = self.content(length, output)?;
        match kind {
            OFS_DELTA | REF_DELTA => {
                let result = delta_result(&head)?;
                limit(result, MAX_OBJECT as u64)?;
                self.count(result)
            }
            _ => Ok(()),
        }
    }

    /// Four bits of the length in the first byte, seven in each that follows.
    fn entry_head(&mut self, output: &mut impl Write) -> Result<(u8, u64), Error> {
        let [mut byte] = self.take(output)?;
        let kind = byte >> 4 & 7;
        let mut length = u64::from(byte & 15);
        let mut shift = 4;
        while byte & 0x80 != 0 {
            [byte] = self.take(output)?;
            if shift > 53 {
                return Err(damaged("an object has an absurd length"));
            }
            length |= u64::from(byte & 0x7f) << shift;
            shift += 7;
        }
        Ok((kind, length))
    }

    /// The distance to the base has seven bits in each byte, and one is added for each that follows.
    fn base_before(&mut self, start: u64, output: &mut impl Write) -> Result<(), Error> {
        let [mut byte] = self.take(output)?;
        let mut distance = u64::from(byte & 0x7f);
        while byte & 0x80 != 0 {
            [byte] = self.take(output)?;
            distance = (distance.saturating_add(1)).saturating_mul(128) | u64::from(byte & 0x7f);
        }
        let base = start.checked_sub(distance);
        match base.is_some_and(|base| self.starts.binary_search(&base).is_ok()) {
            true => Ok(()),
            false => Err(damaged("a delta's base is not in it")),
        }
    }

    /// Copies what is compressed, which must unpack to `length` bytes, and returns the first of them.
    fn content(&mut self, length: u64, output: &mut impl Write) -> Result<Vec<u8>, Error> {
        self.count(length)?;
        let mut head = Vec::with_capacity(DELTA_HEAD);
        let mut unpacked = [0; 32 << 10];
        let mut zlib = Decompress::new(true);
        loop {
            let packed = self.input.fill_buf().map_err(read_error)?;
            let (before_in, before_out) = (zlib.total_in(), zlib.total_out());
            let ended = packed.is_empty();
            let status = zlib.decompress(packed, &mut unpacked, FlushDecompress::None);
            let status = status.map_err(|_| damaged("an object cannot be unpacked"))?;
            let (taken, made) = (zlib.total_in() - before_in, zlib.total_out() - before_out);
            output.write_all(&packed[..taken as usize]).map_err(write_error)?;
            self.input.consume(taken as usize);
            self.offset += taken;
            let missing = DELTA_HEAD - head.len();
            head.extend(&unpacked[..missing.min(made as usize)]);
            match status {
                Status::StreamEnd if zlib.total_out() == length => return Ok(head),
                Status::Ok | Status::BufError if zlib.total_out() <= length && !ended => {}
                _ if ended => return Err(damaged("it ends too early")),
                _ => return Err(damaged("an object is not as long as it says")),
            }
        }
    }

    /// Bytes that somebody will have to make of this pack.
    fn count(&mut self, bytes: u64) -> Result<(), Error> {
        self.unpacked = self.unpacked.saturating_add(bytes);
        match self.unpacked > self.max_unpacked {
            true => Err(Error::BadPack(format!(
                "the pack unpacks to too much: the limit is {} bytes",
                self.max_unpacked
            ))),
            false => Ok(()),
        }
    }

    fn take<const N: usize>(&mut self, output: &mut impl Write) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes).map_err(read_error)?;
        output.write_all(&bytes).map_err(write_error)?;
        self.offset += N as u64;
        Ok(bytes)
    }
}

/// The second of the two lengths at a delta's beginning, seven bits in each byte.
fn delta_result(head: &[u8]) -> Result<u64, Error> {
    let mut bytes = head.iter();
    let mut result = None;
    for _ in 0..2 {
        let mut length = 0u64;
        for shift in (0..63).step_by(7) {
            let byte = bytes.next().ok_or_else(|| damaged("a delta is too short"))?;
            length |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                result = Some(length);
                break;
            }
            result = None;
        }
    }
    result.ok_or_else(|| damaged("an object has an absurd length"))
}

fn limit(length: u64, limit: u64) -> Result<(), Error> {
    match length > limit {
        true => Err(Error::BadPack(format!(
            "an object in the pack is too large: it has {length} bytes, the limit is {limit}"
        ))),
        false => Ok(()),
    }
}

fn damaged(how: &str) -> Error {
    Error::BadPack(format!("the pack is damaged: {how}"))
}

/// What has no number of the system's comes from the bytes themselves.
fn read_error(error: std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::UnexpectedEof => damaged("it ends too early"),
        _ if error.raw_os_error().is_none() => damaged("its gzip encoding is broken"),
        _ => error.into(),
    }
}

/// The indexer's own error, if it is one.
pub(super) fn write_error(error: std::io::Error) -> Error {
    match error.downcast::<git2::Error>() {
        Ok(error) => error.into(),
        Err(error) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use proptest::prelude::*;

    use super::*;

    fn pack(entries: &[&[u8]]) -> Vec<u8> {
        let count = (entries.len() as u32).to_be_bytes();
        [&b"PACK\0\0\0\x02"[..], &count, &entries.concat(), &[0; HASH_LEN]].concat()
    }

    fn zlib(content: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::none());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn blob(content: &[u8]) -> Vec<u8> {
        let length = content.len();
        let head = [0x80 | BLOB << 4 | (length & 15) as u8, 0x80 | (length >> 4 & 127) as u8];
        [&head[..], &[(length >> 11) as u8], &zlib(content)].concat()
    }

    fn copy(bytes: &[u8], max_unpacked: u64) -> Result<Vec<u8>, Error> {
        let mut copy = PackCopy::new(bytes)?;
        copy.max_unpacked = max_unpacked;
        let mut output = Vec::new();
        copy.to(&mut output).map(|_| output)
    }

    #[test]
    fn a_pack_goes_through_as_it_is() {
        // The delta's base is 1138 bytes before it, which takes two bytes to say.
        let distance = [0x80 | ((1138 >> 7) - 1) as u8, (1138 & 127) as u8];
        let delta = [&[OFS_DELTA << 4 | 4][..], &distance, &zlib(b"\x64\x01\x01x")].concat();
        let base = blob(&[7; 1124]);
        assert_eq!(base.len(), 1138);
        let bytes = pack(&[&base, &delta]);
        assert_eq!(copy(&bytes, 2000).unwrap(), bytes);
    }

    #[test]
    fn what_a_pack_unpacks_to_is_limited_as_a_whole() {
        let bytes = pack(&[&blob(&[1; 100]), &blob(&[2; 100])]);
        assert!(copy(&bytes, 200).is_ok());
        let error = copy(&bytes, 199).unwrap_err();
        assert!(error.to_string().contains("the limit is 199 bytes"), "{error}");
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(
            start in 0usize..60,
            noise in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            let mut bytes = pack(&[&blob(b"hello"), &blob(b"world")]);
            let start = start.min(bytes.len());
            bytes.truncate(start);
            bytes.extend(noise);
            let _ = copy(&bytes, 1000);
        }
    }
}

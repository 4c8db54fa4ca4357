//! Looking at a pushed pack while it goes into libgit2's indexer (gitformat-pack(5)).
//!
//! The indexer takes in objects of kinds that do not exist and of lengths that are not true, which
//! nobody can read afterwards, and keeps whatever deltas are made of in memory, however large.

use std::io::{BufRead, ErrorKind, Write};

use flate2::{Decompress, FlushDecompress, Status};
use git2::{ObjectType, Oid};

use super::deltas::{PackEntry, What};
use super::{Error, Intake};

/// The largest commit, directory or tag, in bytes: each is held in memory to be looked at.
const MAX_INNER: u64 = 32 << 20;
/// Objects of no more bytes than this are in libgit2's memory when others are made of them; larger
/// ones are made again each time (`GIT_PACK_CACHE_SIZE_LIMIT` and `..._MEMORY_LIMIT` in its pack.h).
const REMEMBERED: u64 = 64 << 10;
/// Bytes in which zlib needs more than one for what it packs; real ones are far below.
const ZLIB_OVERHEAD: u64 = 4 << 10;
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
pub(super) struct PackCopy<'a, R> {
    input: R,
    intake: &'a Intake<'a>,
    /// Bytes of the pack that have come.
    offset: u64,
    /// Where the entries so far begin.
    starts: Vec<u64>,
    described: Vec<PackEntry>,
    /// Bytes that must be made for each of them.
    costs: Vec<u64>,
    unpacked: u64,
    work: u64,
    /// Bytes that must be made for those whose base is large and named, if they are one chain.
    named_chain: u64,
    named_bases: usize,
    entries: u32,
    header: [u8; 12],
}

impl<'a, R: BufRead> PackCopy<'a, R> {
    /// Reads the pack's header.
    pub(super) fn new(mut input: R, intake: &'a Intake<'a>) -> Result<Self, Error> {
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
        let most = intake.allowance.objects;
        if entries as usize > most {
            return Err(too_much("has too many objects", most as u64, ""));
        }
        Ok(Self {
            input,
            intake,
            offset: header.len() as u64,
            starts: Vec::new(),
            described: Vec::new(),
            costs: Vec::new(),
            unpacked: 0,
            work: 0,
            named_chain: 0,
            named_bases: 0,
            entries,
            header,
        })
    }

    /// Git sends a pack without entries when a branch is made at a commit that is there already.
    pub(super) fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Copies all of it, and returns its objects and where the last one ends. The hash behind it is left
    /// to the one who takes it.
    pub(super) fn to(mut self, output: &mut impl Write) -> Result<(Vec<PackEntry>, u64), Error> {
        output.write_all(&self.header).map_err(write_error)?;
        for _ in 0..self.entries {
            let start = self.offset;
            self.entry(output)?;
            self.starts.push(start);
        }
        let end = self.offset;
        self.take::<HASH_LEN>(output)?;
        match self.input.fill_buf().map_err(read_error)?.is_empty() {
            true => Ok((self.described, end)),
            false => Err(damaged("it goes on after its end")),
        }
    }

    fn entry(&mut self, output: &mut impl Write) -> Result<(), Error> {
        let start = self.offset;
        let (kind, length) = self.entry_head(output)?;
        let most = self.intake.allowance.object;
        match kind {
            COMMIT | TREE | TAG => limit(length, MAX_INNER.min(most))?,
            BLOB | REF_DELTA | OFS_DELTA => limit(length, most)?,
            _ => return Err(damaged("an object is of a kind that does not exist")),
        }
        let mut name = Oid::ZERO_SHA1;
        let base = match kind {
            OFS_DELTA => Some(self.base_before(start, output)?),
            REF_DELTA => {
                name = Oid::from_bytes(&self.take::<HASH_LEN>(output)?)?;
                None
            }
            _ => {
                self.describe(length, What::Whole(object_type(kind)));
                self.content(length, output)?;
                return self.cost(length);
            }
        };
        self.describe(length, base.map_or(What::Named(name), What::After));
        let head = self.content(length, output)?;
        let (base_length, result) = delta_lengths(&head)?;
        limit(base_length.max(result), most)?;
        self.count(result)?;
        let base = match base {
            _ if base_length <= REMEMBERED => base_length,
            Some(base) => self.costs[base],
            // It may be any other that came before, or comes later.
            None => {
                self.named_chain = self.named_chain.saturating_add(result.max(base_length));
                self.named_chain
            }
        };
        self.named_bases += usize::from(kind == REF_DELTA);
        let most = self.intake.allowance.named_bases;
        if self.named_bases > most {
            return Err(too_much("has too many deltas whose base is named", most as u64, ""));
        }
        self.cost(base.saturating_add(length).saturating_add(result))
    }

    /// Remembers the object whose content comes next.
    fn describe(&mut self, length: u64, what: What) {
        self.described.push(PackEntry { content: self.offset, length, what });
    }

    /// What it takes to make the next object.
    fn cost(&mut self, bytes: u64) -> Result<(), Error> {
        self.costs.push(bytes);
        self.work = self.work.saturating_add(bytes);
        let most = self.intake.allowance.work;
        match self.work > most {
            true => Err(too_much("costs too much work to unpack", most, " bytes on the way")),
            false => Ok(()),
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
    fn base_before(&mut self, start: u64, output: &mut impl Write) -> Result<usize, Error> {
        let [mut byte] = self.take(output)?;
        let mut distance = u64::from(byte & 0x7f);
        while byte & 0x80 != 0 {
            [byte] = self.take(output)?;
            distance = (distance.saturating_add(1)).saturating_mul(128) | u64::from(byte & 0x7f);
        }
        let base = start.checked_sub(distance);
        let found = base.and_then(|base| self.starts.binary_search(&base).ok());
        found.ok_or_else(|| damaged("a delta's base is not in it"))
    }

    /// Copies what is compressed, which must unpack to `length` bytes, and returns the first of them.
    fn content(&mut self, length: u64, output: &mut impl Write) -> Result<Vec<u8>, Error> {
        self.count(length)?;
        let mut head = Vec::with_capacity(DELTA_HEAD);
        let mut unpacked = [0; 32 << 10];
        let mut zlib = Decompress::new(true);
        loop {
            if !(self.intake.is_wanted)() {
                return Err(Error::Unwanted);
            }
            let packed = self.input.fill_buf().map_err(read_error)?;
            let (before_in, before_out) = (zlib.total_in(), zlib.total_out());
            let ended = packed.is_empty();
            let status = zlib.decompress(packed, &mut unpacked, FlushDecompress::None);
            let status = status.map_err(|_| damaged("an object cannot be unpacked"))?;
            let (taken, made) = (zlib.total_in() - before_in, zlib.total_out() - before_out);
            output.write_all(&packed[..taken as usize]).map_err(write_error)?;
            self.input.consume(taken as usize);
            self.offset += taken;
            self.check_packed(zlib.total_in(), length)?;
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
        let most = self.intake.allowance.unpacked;
        match self.unpacked > most {
            true => Err(too_much("unpacks to too much", most, " bytes")),
            false => Ok(()),
        }
    }

    /// What is packed can go on for ever without making anything, and gzip makes little of that.
    fn check_packed(&self, packed: u64, length: u64) -> Result<(), Error> {
        if packed > length.saturating_add(length / 8).saturating_add(ZLIB_OVERHEAD) {
            return Err(damaged("an object is longer packed than unpacked"));
        }
        let most = self.intake.allowance.packed;
        match self.offset > most {
            true => Err(too_much("is too large", most, " bytes")),
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

/// The two lengths at a delta's beginning, of its base and of what it makes.
fn delta_lengths(head: &[u8]) -> Result<(u64, u64), Error> {
    let mut bytes = head.iter();
    Ok((delta_length(&mut bytes)?, delta_length(&mut bytes)?))
}

/// Seven bits in each byte.
fn delta_length<'a>(bytes: &mut impl Iterator<Item = &'a u8>) -> Result<u64, Error> {
    let mut length = 0u64;
    for shift in (0..63).step_by(7) {
        let byte = bytes.next().ok_or_else(|| damaged("a delta is too short"))?;
        length |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(length);
        }
    }
    Err(damaged("an object has an absurd length"))
}

fn object_type(kind: u8) -> ObjectType {
    match kind {
        COMMIT => ObjectType::Commit,
        TREE => ObjectType::Tree,
        TAG => ObjectType::Tag,
        _ => ObjectType::Blob,
    }
}

fn too_much(what: &str, limit: u64, of: &str) -> Error {
    Error::BadPack(format!("the pack {what}: the limit is {limit}{of}"))
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
    use std::io::{BufReader, Write as _};

    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use proptest::prelude::*;

    use super::*;
    use crate::repository::Allowance;

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

    const ALL: Allowance = Allowance::ADMINISTRATOR;

    fn copy(bytes: &[u8], allowance: Allowance) -> Result<Vec<u8>, Error> {
        let intake = Intake { allowance, is_wanted: &|| true };
        let copy = PackCopy::new(bytes, &intake)?;
        let mut output = Vec::new();
        copy.to(&mut output).map(|_| output)
    }

    #[track_caller]
    fn refused(bytes: &[u8], allowance: Allowance, why: &str) {
        let error = copy(bytes, allowance).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }

    #[test]
    fn a_pack_goes_through_as_it_is() {
        // The delta's base is 1138 bytes before it, which takes two bytes to say.
        let distance = [0x80 | ((1138 >> 7) - 1) as u8, (1138 & 127) as u8];
        let delta = [&[OFS_DELTA << 4 | 4][..], &distance, &zlib(b"\x64\x01\x01x")].concat();
        let base = blob(&[7; 1124]);
        assert_eq!(base.len(), 1138);
        let bytes = pack(&[&base, &delta]);
        assert_eq!(copy(&bytes, ALL).unwrap(), bytes);
    }

    #[test]
    fn what_a_pack_unpacks_to_is_limited_as_a_whole() {
        let bytes = pack(&[&blob(&[1; 100]), &blob(&[2; 100])]);
        assert!(copy(&bytes, Allowance { unpacked: 200, ..ALL }).is_ok());
        refused(&bytes, Allowance { unpacked: 199, ..ALL }, "the limit is 199 bytes");
        refused(&bytes, Allowance { object: 99, ..ALL }, "an object in the pack is too large");
        refused(&bytes, Allowance { objects: 1, ..ALL }, "too many objects: the limit is 1");
        refused(&bytes, Allowance { packed: 60, ..ALL }, "is too large: the limit is 60 bytes");
    }

    /// A delta that makes an object of this length of one of the same length, so many bytes before.
    fn next_in_chain(length: u64, distance: u8) -> Vec<u8> {
        let varint = [length as u8 | 0x80, (length >> 7) as u8 | 0x80, (length >> 14) as u8];
        let head = [&varint[..], &varint, &[0x80]].concat();
        [&[OFS_DELTA << 4 | head.len() as u8, distance][..], &zlib(&head)].concat()
    }

    #[test]
    fn a_chain_of_deltas_costs_all_of_it_for_each_of_them() {
        let length = 2 * REMEMBERED;
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&vec![7; length as usize]).unwrap();
        let head = [0x80 | BLOB << 4 | (length & 15) as u8, 0x80 | (length >> 4 & 127) as u8];
        let first = [&head[..], &[(length >> 11) as u8], &encoder.finish().unwrap()].concat();
        // Far enough from the first that it takes two bytes to say.
        let distance = first.len();
        assert!((128..16512).contains(&distance), "{distance}");
        let mut second = next_in_chain(length, 0x80 | ((distance >> 7) - 1) as u8);
        second.insert(2, (distance & 127) as u8);
        let third = next_in_chain(length, second.len() as u8);
        let fourth = next_in_chain(length, third.len() as u8);
        let bytes = pack(&[&first, &second, &third, &fourth]);
        // One, two, three and four times the length, and a few bytes of deltas.
        assert!(copy(&bytes, Allowance { work: 10 * length + 100, ..ALL }).is_ok());
        let why = "costs too much work to unpack";
        refused(&bytes, Allowance { work: 10 * length, ..ALL }, why);
    }

    #[test]
    fn what_packs_nothing_is_not_read_for_ever() {
        // Empty blocks of deflate, stored.
        let empty = [0, 0, 0, 0xff, 0xff].repeat(2000);
        let bytes = pack(&[&[BLOB << 4 | 1][..], &[0x78, 1], &empty, &[1, 1, 0, 0xfe, 0xff, b'x']]);
        let intake = Intake { allowance: ALL, is_wanted: &|| true };
        // It comes piece by piece.
        let input = BufReader::with_capacity(1000, &bytes[..]);
        let copied = PackCopy::new(input, &intake).unwrap().to(&mut Vec::new());
        let error = copied.unwrap_err();
        assert!(error.to_string().contains("longer packed than unpacked"), "{error}");
    }

    #[test]
    fn what_nobody_waits_for_is_not_read_to_its_end() {
        let bytes = pack(&[&blob(&[1; 100])]);
        let intake = Intake { allowance: ALL, is_wanted: &|| false };
        let copied = PackCopy::new(&bytes[..], &intake).unwrap().to(&mut Vec::new());
        assert!(matches!(copied, Err(Error::Unwanted)));
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
            let _ = copy(&bytes, Allowance { unpacked: 1000, ..ALL });
        }
    }
}

//! What the deltas of a pushed pack make, before libgit2's indexer looks for it.
//!
//! The indexer never ends, and takes more memory with each round, where two deltas make the same object
//! (`resolve_deltas` and `fix_thin_pack` in its indexer.c). So they are made here once, each from its
//! base, and such a pack is refused. What is wrong with it otherwise the indexer tells.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read};
use std::mem;
use std::os::unix::fs::FileExt;
use std::rc::Rc;

use flate2::bufread::ZlibDecoder;
use git2::{ObjectType, Odb, Oid};
use sha1::{Digest, Sha1};

use super::{Error, Intake};

/// Bytes of the pack read at a time.
const CHUNK: usize = 16 << 10;

/// An object of a pack.
#[derive(Debug)]
pub(super) struct PackEntry {
    /// Where its packed content begins.
    pub(super) content: u64,
    /// How much it unpacks to.
    pub(super) length: u64,
    pub(super) what: What,
}

/// How an object is kept.
#[derive(Debug)]
pub(super) enum What {
    /// As it is.
    Whole(ObjectType),
    /// As what it differs in from that of this number.
    After(usize),
    /// As what it differs in from that of this name.
    Named(Oid),
}

/// Fails if the deltas of a pack make an object that is there already.
pub(super) fn check(
    pack: &File,
    entries: &[PackEntry],
    odb: &Odb<'_>,
    intake: &Intake<'_>,
) -> Result<(), Error> {
    if entries.iter().all(|entry| matches!(entry.what, What::Whole(_))) {
        return Ok(());
    }
    let mut deltas = Deltas::new(pack, entries, intake);
    for (number, entry) in entries.iter().enumerate() {
        if let What::Whole(kind) = entry.what {
            deltas.whole(number, kind)?;
        }
    }
    deltas.of_others(odb)
}

struct Deltas<'a> {
    pack: &'a File,
    entries: &'a [PackEntry],
    intake: &'a Intake<'a>,
    after: HashMap<usize, Vec<usize>>,
    named: HashMap<Oid, Vec<usize>>,
    made: HashSet<Oid>,
    held: Rc<Cell<u64>>,
}

impl<'a> Deltas<'a> {
    fn new(pack: &'a File, entries: &'a [PackEntry], intake: &'a Intake<'a>) -> Self {
        let (mut after, mut named) = (HashMap::new(), HashMap::new());
        for (number, entry) in entries.iter().enumerate() {
            let of: &mut Vec<usize> = match entry.what {
                What::Whole(_) => continue,
                What::After(base) => after.entry(base).or_default(),
                What::Named(base) => named.entry(base).or_default(),
            };
            of.push(number);
        }
        Self { pack, entries, intake, after, named, made: HashSet::new(), held: Rc::default() }
    }

    /// An object that is kept as it is, and all that is made of it. Its content is only held if there
    /// is such.
    fn whole(&mut self, number: usize, kind: ObjectType) -> Result<(), Error> {
        let entry = &self.entries[number];
        let mut hash = Sha1::new_with_prefix(format!("{} {}\0", kind.str(), entry.length));
        let (mut reader, mut piece) = (self.reader(entry), vec![0; CHUNK]);
        loop {
            match reader.read(&mut piece)? {
                0 => break,
                length => hash.update(&piece[..length]),
            }
        }
        drop(reader);
        let id = Oid::from_bytes(&hash.finalize())?;
        self.add(id)?;
        let below = self.below(number, id);
        match below.is_empty() {
            true => Ok(()),
            false => {
                let content = self.content(entry)?;
                self.make(kind, content, below)
            }
        }
    }

    /// What is made of objects that are not in the pack. The indexer puts them into it, in an order of
    /// its own: none of them may also be made by a delta.
    fn of_others(&mut self, odb: &Odb<'_>) -> Result<(), Error> {
        let mut outside = HashMap::new();
        for (base, below) in mem::take(&mut self.named) {
            let Ok((length, kind)) = odb.read_header(base) else {
                self.named.insert(base, below);
                continue;
            };
            if length as u64 > self.intake.allowance.object {
                return Err(Error::BadPack("a delta's base is too large".into()));
            }
            self.add(base)?;
            outside.insert(base, (kind, below));
        }
        for (base, (kind, below)) in outside {
            let content = odb.read(base)?.data().to_owned();
            self.make(kind, content, below)?;
        }
        Ok(())
    }

    /// Makes what is made of a base, and what is made of that.
    fn make(&mut self, kind: ObjectType, base: Vec<u8>, below: Vec<usize>) -> Result<(), Error> {
        let base = Rc::new(Held::new(base, &self.held));
        let mut left: Vec<(Rc<Held>, usize)> =
            below.into_iter().map(|number| (base.clone(), number)).collect();
        drop(base);
        while let Some((base, number)) = left.pop() {
            if !(self.intake.is_wanted)() {
                return Err(Error::Unwanted);
            }
            let delta = self.content(&self.entries[number])?;
            let Some(content) = apply(&base.content, &delta) else { continue };
            drop(base);
            let id = Oid::hash_object(kind, &content)?;
            self.add(id)?;
            let below = self.below(number, id);
            if below.is_empty() {
                continue;
            }
            let made = Rc::new(Held::new(content, &self.held));
            if self.held.get() > self.intake.allowance.held {
                return Err(Error::BadPack(format!(
                    "the pack holds too much that is made of each other: the limit is {} bytes at a time",
                    self.intake.allowance.held
                )));
            }
            left.extend(below.into_iter().map(|number| (made.clone(), number)));
        }
        Ok(())
    }

    fn below(&mut self, number: usize, id: Oid) -> Vec<usize> {
        let mut below = self.after.remove(&number).unwrap_or_default();
        below.extend(self.named.remove(&id).unwrap_or_default());
        below
    }

    fn add(&mut self, id: Oid) -> Result<(), Error> {
        match self.made.insert(id) {
            true => Ok(()),
            false => Err(twice()),
        }
    }

    fn content(&self, entry: &PackEntry) -> io::Result<Vec<u8>> {
        let mut content = Vec::with_capacity(usize::try_from(entry.length).unwrap_or(0));
        self.reader(entry).read_to_end(&mut content)?;
        Ok(content)
    }

    fn reader(&self, entry: &PackEntry) -> impl Read {
        let pack = At { file: self.pack, offset: entry.content };
        ZlibDecoder::new(io::BufReader::with_capacity(CHUNK, pack)).take(entry.length)
    }
}

/// Content that something is made of.
struct Held {
    content: Vec<u8>,
    all: Rc<Cell<u64>>,
}

impl Held {
    fn new(content: Vec<u8>, all: &Rc<Cell<u64>>) -> Self {
        all.set(all.get() + content.len() as u64);
        Self { content, all: all.clone() }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.all.set(self.all.get() - self.content.len() as u64);
    }
}

/// A file from some place on.
struct At<'a> {
    file: &'a File,
    offset: u64,
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read_at(buffer, self.offset)?;
        self.offset += length as u64;
        Ok(length)
    }
}

fn twice() -> Error {
    Error::BadPack("the pack is damaged: an object is in it twice".into())
}

/// What a delta makes of its base (gitformat-pack(5)); none if that does not go.
fn apply(base: &[u8], mut delta: &[u8]) -> Option<Vec<u8>> {
    let delta = &mut delta;
    if number(delta)? != base.len() {
        return None;
    }
    let length = number(delta)?;
    let mut made = Vec::with_capacity(length);
    while let Some((&instruction, rest)) = delta.split_first() {
        *delta = rest;
        let piece = match instruction {
            0 => return None,
            copy if copy & 0x80 != 0 => {
                let offset = bytes(delta, copy & 0xf, 4)?;
                let length = match bytes(delta, copy >> 4 & 7, 3)? {
                    0 => 0x10000,
                    length => length,
                };
                base.get(offset..offset.checked_add(length)?)?
            }
            insert => {
                let (piece, rest) = delta.split_at_checked(insert.into())?;
                *delta = rest;
                piece
            }
        };
        if made.len() + piece.len() > length {
            return None;
        }
        made.extend_from_slice(piece);
    }
    (made.len() == length).then_some(made)
}

/// Seven bits in each byte, the lowest first.
fn number(delta: &mut &[u8]) -> Option<usize> {
    let mut number = 0usize;
    for shift in (0..63).step_by(7) {
        let (&byte, rest) = delta.split_first()?;
        *delta = rest;
        number |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// A number of which those bytes stand there that the bits tell, the lowest first.
fn bytes(delta: &mut &[u8], bits: u8, most: u32) -> Option<usize> {
    let mut number = 0;
    for index in 0..most {
        if bits & 1 << index != 0 {
            let (&byte, rest) = delta.split_first()?;
            *delta = rest;
            number |= usize::from(byte) << (8 * index);
        }
    }
    Some(number)
}

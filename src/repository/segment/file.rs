//! One segment, as a file.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use git2::Oid;
use sha1::{Digest, Sha1};

use super::table::{FOOT, Foot, Table};

/// Names of what is being written begin so; the next start clears it away.
pub(in crate::repository) const UNFINISHED: &str = ".new-";
/// The ending of its name.
pub(super) const ENDING: &str = "segment";

/// A pack of what some commits reach and others do not. It is immutable, and true for ever: whatever
/// happens to the references, the same ids mean the same objects.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    /// Bytes of the pack, with which the file begins.
    pub(super) pack: u64,
    /// See [`Table`], and so on.
    pub(super) bases: Vec<Oid>,
    pub(super) tips: Vec<Oid>,
    pub(super) inner: Vec<Oid>,
    pub(super) joined: u32,
    /// Bytes of the whole file.
    pub(super) length: u64,
}

impl Segment {
    /// Reads what the file at `path` is.
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let (table, pack, length) = read_table(&File::open(&path)?)?;
        let Table { bases, tips, inner, joined, .. } = table;
        Ok(Self { path, pack, bases, tips, inner, joined, length })
    }

    /// Its objects, sorted. They are not kept in memory.
    pub(super) fn ids(&self) -> io::Result<Vec<Oid>> {
        Ok(read_table(&File::open(&self.path)?)?.0.ids)
    }

    /// Whether it needs nothing from its reader.
    pub(super) fn is_base(&self) -> bool {
        self.bases.is_empty()
    }

    /// Writes a segment into `dir` and returns it. It needs no sync: what a crash leaves of it is
    /// noticed by its hashes, and it can be made again.
    pub(super) fn write(dir: &Path, mut pack: impl Read, table: &Table) -> io::Result<Self> {
        make_dir(dir)?;
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(dir)?;
        let length = io::copy(&mut pack, &mut file)?;
        let end = table.encode(length);
        file.write_all(&end)?;
        let path = dir.join(name(table));
        file.persist(&path)?;
        let Table { bases, tips, inner, joined, .. } = table.clone();
        Ok(Self {
            path,
            pack: length,
            bases,
            tips,
            inner,
            joined,
            length: length + end.len() as u64,
        })
    }
}

/// Makes the directory of the segments if it is not there.
pub(in crate::repository) fn make_dir(dir: &Path) -> io::Result<()> {
    match std::fs::create_dir(dir) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e),
        _ => Ok(()),
    }
}

/// The name says what the file holds: the same commits, the same name.
fn name(table: &Table) -> String {
    let mut hash = Sha1::new();
    for list in [&table.bases, &table.tips] {
        hash.update((list.len() as u64).to_be_bytes());
        list.iter().for_each(|id| hash.update(id.as_bytes()));
    }
    let kind = if table.bases.is_empty() { "base" } else { "update" };
    let id = Oid::from_bytes(&hash.finalize()).expect("it is as long as an id");
    format!("{kind}-{id}.{ENDING}")
}

fn read_table(file: &File) -> io::Result<(Table, u64, u64)> {
    let length = file.metadata()?.len();
    let cut = || io::Error::new(io::ErrorKind::InvalidData, "the segment is cut");
    let mut foot = [0; FOOT];
    file.read_exact_at(&mut foot, length.checked_sub(FOOT as u64).ok_or_else(cut)?)?;
    let foot = Foot::decode(&foot)?;
    if foot.pack.checked_add(foot.table()) != Some(length) {
        return Err(cut());
    }
    let mut bytes = vec![0; usize::try_from(foot.table()).map_err(|_| cut())?];
    file.read_exact_at(&mut bytes, foot.pack)?;
    Ok((Table::decode(&bytes, &foot)?, foot.pack, length))
}

//! What is needed to go on after a crash: a note of what is about to change places, or has.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};

use git2::Oid;
use serde::{Deserialize, Serialize};

use super::disk::Stamp;
use super::generation::Generation;
use super::listing::Leaf;
use super::one_file::OneFile;
use super::paths::{Paths, remove_file};
use crate::node::Error;

/// Once they have changed places, the edits that were made in what was replaced meanwhile are still
/// to be carried over.
#[derive(Clone, Debug)]
pub enum Pending {
    /// Two trees.
    Trees {
        /// That of the new tree.
        generation: Generation,
        /// For each part what was seen of the old tree.
        seen: Vec<Seen>,
    },
    /// One file of this generation's tree.
    File(Generation, OneFile),
}

/// What was seen of one part of a tree.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The files that git knows, as a tree of their own.
    pub local: Oid,
    /// The others, and how to recognise them.
    pub untracked: BTreeMap<Vec<u8>, Stamp>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    generation: char,
    seen: Vec<StoredPart>,
    #[serde(default)]
    file: Option<StoredFile>,
}

#[derive(Serialize, Deserialize)]
struct StoredPart {
    local: String,
    untracked: Vec<(Vec<u8>, Stamp)>,
}

#[derive(Serialize, Deserialize)]
struct StoredFile {
    part: usize,
    path: Vec<u8>,
    before: (String, u32),
    after: (String, u32),
    target: String,
}

impl Pending {
    /// That of an exchange that was cut short.
    pub fn read(paths: &Paths) -> Result<Option<Self>, Error> {
        let file = paths.pending();
        let text = match fs::read(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file(&file)(error)),
        };
        // It is written as a whole before anything is exchanged: a torn one means nothing was.
        match serde_json::from_slice::<Stored>(&text) {
            Ok(stored) => Ok(Some(stored.pending()?)),
            Err(_) => Ok(None),
        }
    }

    /// Must be done before the exchange.
    pub fn write(&self, paths: &Paths) -> Result<(), Error> {
        let text = serde_json::to_vec(&Stored::of(self))
            .expect("letters and numbers can be written as JSON");
        let file = paths.pending();
        let write = || {
            let mut file = File::create(&file)?;
            file.write_all(&text)?;
            file.sync_all()
        };
        write().map_err(Error::file(&file))
    }

    /// Nothing is left to carry over.
    pub fn done(paths: &Paths) -> Result<(), Error> {
        remove_file(&paths.pending())
    }
}

impl Stored {
    fn of(pending: &Pending) -> Self {
        let (generation, seen, file) = match pending {
            Pending::Trees { generation, seen } => {
                (generation, seen.iter().map(StoredPart::of).collect(), None)
            }
            Pending::File(generation, file) => (generation, Vec::new(), Some(StoredFile::of(file))),
        };
        Self { generation: if *generation == Generation::A { 'a' } else { 'b' }, seen, file }
    }

    fn pending(self) -> Result<Pending, git2::Error> {
        let generation = if self.generation == 'a' { Generation::A } else { Generation::B };
        Ok(match self.file {
            Some(file) => Pending::File(generation, file.file()?),
            None => {
                let seen = self.seen.into_iter().map(StoredPart::seen).collect::<Result<_, _>>()?;
                Pending::Trees { generation, seen }
            }
        })
    }
}

impl StoredPart {
    fn of(seen: &Seen) -> Self {
        let untracked = seen.untracked.clone().into_iter().collect();
        Self { local: seen.local.to_string(), untracked }
    }

    fn seen(self) -> Result<Seen, git2::Error> {
        let untracked = self.untracked.into_iter().collect();
        Ok(Seen { local: Oid::from_str(&self.local)?, untracked })
    }
}

impl StoredFile {
    fn of(file: &OneFile) -> Self {
        let leaf = |leaf: Leaf| (leaf.id.to_string(), leaf.mode);
        Self {
            part: file.part,
            path: file.path.clone(),
            before: leaf(file.before),
            after: leaf(file.after),
            target: file.target.to_string(),
        }
    }

    fn file(self) -> Result<OneFile, git2::Error> {
        let leaf = |(id, mode): (String, u32)| {
            Ok::<_, git2::Error>(Leaf { id: Oid::from_str(&id)?, mode })
        };
        Ok(OneFile {
            part: self.part,
            path: self.path,
            before: leaf(self.before)?,
            after: leaf(self.after)?,
            target: Oid::from_str(&self.target)?,
        })
    }
}

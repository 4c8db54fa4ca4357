//! A pushed pack taken for a segment.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use git2::{ObjectType, Oid, Repository, TreeWalkMode, TreeWalkResult};
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

use super::objects::Objects;
use crate::repository::Error;
use crate::repository::pack_index::PackIndex;

const HEAD: u64 = 12;

/// How much of a pack that has been taken in was pushed: the rest are the objects that completed a
/// thin pack, put behind the others.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pushed {
    /// The pack's name.
    pub pack: String,
    /// Objects.
    pub objects: u32,
    /// Bytes, the header included.
    pub length: u64,
}

impl Pushed {
    /// The pack as it was pushed, if it holds exactly these objects and nothing but what `bases`
    /// have completes it.
    pub(super) fn segment(
        &self,
        repository: &Repository,
        bases: &[Oid],
        objects: &Objects,
    ) -> Result<Option<impl Read + use<>>, Error> {
        if self.objects as usize != objects.len() {
            return Ok(None);
        }
        let file = repository.path().join(format!("objects/pack/pack-{}", self.pack));
        let index = PackIndex::read(&file.with_added_extension("idx"))?;
        let (pushed, added): (Vec<_>, Vec<_>) =
            index.0.into_iter().partition(|&(_, offset)| offset < self.length);
        let is_exact =
            pushed.len() == objects.len() && pushed.iter().all(|(id, _)| objects.contains(id));
        let added = added.into_iter().map(|(id, _)| id).collect();
        if !is_exact || !have_all(repository, bases, added)? {
            return Ok(None);
        }
        Ok(Some(self.entries(&file.with_added_extension("pack"))?))
    }

    /// The pushed part, made a pack again.
    fn entries(&self, path: &Path) -> io::Result<impl Read + use<>> {
        let mut head = *b"PACK\0\0\0\x02\0\0\0\0";
        head[8..].copy_from_slice(&self.objects.to_be_bytes());
        let mut file = BufReader::new(File::open(path)?);
        io::copy(&mut file.by_ref().take(HEAD), &mut io::sink())?;
        let entries = file.take(self.length - HEAD);
        Ok(Hashing { input: io::Cursor::new(head).chain(entries), hash: Sha1::new(), end: None })
    }
}

/// Whether the trees of these commits have all these objects.
fn have_all(
    repository: &Repository,
    commits: &[Oid],
    objects: HashSet<Oid>,
) -> Result<bool, Error> {
    let mut missing = objects;
    for &commit in commits {
        if missing.is_empty() {
            break;
        }
        let tree = repository.find_commit(commit)?.tree()?;
        missing.remove(&commit);
        missing.remove(&tree.id());
        let walked = tree.walk(TreeWalkMode::PreOrder, |_, entry| {
            if entry.kind() != Some(ObjectType::Commit) {
                missing.remove(&entry.id());
            }
            if missing.is_empty() { TreeWalkResult::Abort } else { TreeWalkResult::Ok }
        });
        // libgit2 takes being stopped for a failure.
        if !missing.is_empty() {
            walked?;
        }
    }
    Ok(missing.is_empty())
}

/// Reads something and, behind it, its hash.
struct Hashing<R> {
    input: R,
    hash: Sha1,
    end: Option<io::Cursor<Vec<u8>>>,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(end) = &mut self.end {
            return end.read(buffer);
        }
        let length = self.input.read(buffer)?;
        if length == 0 && !buffer.is_empty() {
            let hash = self.hash.finalize_reset().to_vec();
            return self.end.insert(io::Cursor::new(hash)).read(buffer);
        }
        self.hash.update(&buffer[..length]);
        Ok(length)
    }
}

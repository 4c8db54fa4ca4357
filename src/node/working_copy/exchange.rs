//! Two trees change places in one system call, and what is needed to go on after a crash.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use git2::Oid;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use nix::unistd::syncfs;
use serde::{Deserialize, Serialize};

use super::disk::Stamp;
use super::generation::Generation;
use super::paths::{Paths, remove_file};
use crate::node::Error;

/// An exchange that is about to happen, or has happened: then the edits that were made in the old
/// tree meanwhile are still to be carried over.
#[derive(Clone, Debug)]
pub struct Pending {
    /// That of the new tree.
    pub generation: Generation,
    /// For each part what was seen of the old tree.
    pub seen: Vec<Seen>,
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
}

#[derive(Serialize, Deserialize)]
struct StoredPart {
    local: String,
    untracked: Vec<(Vec<u8>, Stamp)>,
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
        let Ok(stored) = serde_json::from_slice::<Stored>(&text) else { return Ok(None) };
        let generation = if stored.generation == 'a' { Generation::A } else { Generation::B };
        let seen = |part: StoredPart| {
            let untracked = part.untracked.into_iter().collect();
            Ok(Seen { local: Oid::from_str(&part.local)?, untracked })
        };
        let seen = stored.seen.into_iter().map(seen).collect::<Result<_, git2::Error>>()?;
        Ok(Some(Self { generation, seen }))
    }

    /// Must be done before the exchange.
    pub fn write(&self, paths: &Paths) -> Result<(), Error> {
        let generation = if self.generation == Generation::A { 'a' } else { 'b' };
        let seen = |seen: &Seen| StoredPart {
            local: seen.local.to_string(),
            untracked: seen.untracked.clone().into_iter().collect(),
        };
        let seen = self.seen.iter().map(seen).collect();
        let text = serde_json::to_vec(&Stored { generation, seen })
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

/// Puts the new tree in the place of the old one, or where there was none. What it consists of is
/// durable before. If this fails, nothing was exchanged.
pub fn exchange(paths: &Paths) -> Result<(), Error> {
    let (new, tree) = (&paths.other_tree, &paths.tree);
    sync_all(new)?;
    match renameat2(AT_FDCWD, new, AT_FDCWD, tree, RenameFlags::RENAME_EXCHANGE) {
        Ok(()) => Ok(()),
        Err(Errno::ENOENT) => fs::rename(new, tree).map_err(Error::file(tree)),
        Err(Errno::EBUSY) => Err(mount_point(tree)),
        Err(errno @ (Errno::EINVAL | Errno::ENOSYS)) => Err(cannot_exchange(tree, errno)),
        Err(errno) => Err(Error::file(tree)(errno.into())),
    }
}

/// Makes the exchange durable.
pub fn sync_exchange(paths: &Paths) -> Result<(), Error> {
    let parent = paths.parent();
    File::open(parent).and_then(|parent| parent.sync_all()).map_err(Error::file(parent))
}

fn sync_all(tree: &Path) -> Result<(), Error> {
    let directory = File::open(tree).map_err(Error::file(tree))?;
    syncfs(directory).map_err(|errno| Error::file(tree)(errno.into()))
}

fn mount_point(tree: &Path) -> Error {
    Error::Refused(format!(
        "{} is a mount point, which cannot be exchanged: mount the directory above it instead",
        tree.display()
    ))
}

fn cannot_exchange(tree: &Path, errno: Errno) -> Error {
    Error::Refused(format!(
        "the file system of {} cannot exchange two directories ({}): put the working copy on another \
         one, such as ext4 or xfs",
        tree.display(),
        errno.desc()
    ))
}

//! The working copy: a tree of files that is exchanged as a whole, and the two git repositories it
//! is made of, which lie beside it.
//!
//! To *update*, a complete new tree is built ([`build`]) of what a merge ([`merge`]) of local
//! changes ([`scan`]) and new ones gives; it changes places with the old one in one system call
//! ([`exchange`]); edits that were made meanwhile are carried over ([`late`]). What git keeps of a
//! tree changes with it ([`generation`]), so a crash leaves the one or the other. Where a single file
//! is another one, that file alone changes places ([`one_file`]), and a crash is mended by a note
//! ([`pending`]).

mod attributes;
mod build;
mod changes;
mod commit;
mod content;
mod disk;
mod edit;
mod exchange;
mod generation;
mod index_file;
mod late;
mod letter;
mod listing;
mod lock;
mod merge;
mod new_file;
mod one_file;
mod part;
mod paths;
mod pending;
mod remove;
mod renames;
mod scan;
mod update;
mod walk;
mod writers;

pub use changes::Change;
pub use commit::Edits;
pub use letter::Letter;
pub use listing::{FILE, LINK, Leaf, Listing, obstacle, write_tree};
pub use lock::Lock;
pub use merge::{Conflict, Strategy};
pub use part::{BOOT, GLOBAL, Part};
pub use paths::Paths;
pub use update::{Outcome, Plan, Updated};

use self::generation::Generation;
use self::pending::Pending;
use self::remove::remove_tree;
use super::Error;
use crate::momentum::Address;

/// A tree and its repositories.
pub struct WorkingCopy {
    pub paths: Paths,
    /// The subcluster's, then `global`.
    pub parts: Vec<Part>,
    generation: Option<Generation>,
}

impl WorkingCopy {
    /// The one at `paths`; `None` if nothing was checked out there.
    pub fn open(paths: &Paths) -> Result<Option<Self>, Error> {
        let Some(generation) = Generation::of(&paths.tree)? else { return Ok(None) };
        let subcluster = Part::open(&paths.state, false)?;
        let is_global = subcluster.subcluster == GLOBAL;
        let mut parts = vec![subcluster];
        if !is_global {
            parts.push(Part::open(&paths.state, true)?);
        }
        Ok(Some(Self { paths: paths.clone(), parts, generation: Some(generation) }))
    }

    /// Whether something was checked out there.
    pub fn is_at_place(paths: &Paths) -> Result<bool, Error> {
        Ok(Generation::of(&paths.tree)?.is_some())
    }

    /// One to be, of this subcluster, from the server at this URL. Repositories that are there
    /// already belong to no working copy, and may be damaged.
    pub fn create(
        _lock: &Lock,
        paths: &Paths,
        subcluster: &str,
        server: &str,
    ) -> Result<Self, Error> {
        let mut parts = vec![Part::make(&paths.state, subcluster, server, false)?];
        if subcluster != GLOBAL {
            parts.push(Part::make(&paths.state, GLOBAL, server, true)?);
        }
        Ok(Self { paths: paths.clone(), parts, generation: None })
    }

    /// The server it came from.
    pub fn origin(&self) -> Result<Address, Error> {
        let url = self.parts[0].origin()?;
        let address = url.strip_prefix("https://").and_then(|rest| rest.split('/').next());
        address.and_then(|address| address.parse().ok()).ok_or_else(|| {
            Error::Refused(format!(
                "the working copy came from {url}, which is no server's address"
            ))
        })
    }

    /// Whether these commits are checked out, and nothing is left of an update that was killed.
    pub fn is_at(&self, targets: &[git2::Oid]) -> Result<bool, Error> {
        let heads = self.heads()?;
        let is_same = heads.iter().zip(targets).all(|(head, target)| *head == Some(*target));
        Ok(is_same && !self.paths.pending().exists() && !self.paths.other_tree.exists())
    }

    /// The commits that are checked out, one for each part.
    pub fn heads(&self) -> Result<Vec<Option<git2::Oid>>, Error> {
        self.parts.iter().map(|part| part.head(self.generation)).collect()
    }

    /// Ends what another one began and was not allowed to finish. Returns where edits are kept that
    /// could not be merged.
    pub fn recover(&self, _lock: &Lock) -> Result<Vec<Vec<u8>>, Error> {
        let (here, parts) = (self.generation, self.parts.len());
        let put_aside = match Pending::read(&self.paths)? {
            Some(Pending::Trees { generation, seen })
                if here == Some(generation) && seen.len() == parts =>
            {
                self.carry_over(&seen)?
            }
            Some(Pending::File(generation, one))
                if here == Some(generation) && one.part < parts =>
            {
                self.recover_one_file(&one)?
            }
            _ => Vec::new(),
        };
        // Also one that was not written to its end.
        Pending::done(&self.paths)?;
        self.parts.iter().try_for_each(Part::unlock)?;
        self.paths.clear_beside()?;
        remove_tree(&self.paths.other_tree)?;
        Ok(put_aside)
    }
}

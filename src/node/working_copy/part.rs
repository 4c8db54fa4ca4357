//! One repository of a working copy: the subcluster's at the top of the tree, or `global` in its
//! own directory there.

use std::cell::{Ref, RefCell};
use std::path::{Path, PathBuf};

use git2::{Index, Oid, Repository, RepositoryInitOptions};

use super::disk;
use super::generation::{Generation, damaged};
use super::listing::{Listing, listing};
use super::paths::remove_file;
use super::remove::remove_tree;
use super::scan::{self, Disk};
use crate::node::Error;

/// The subcluster whose files every node has, and their directory.
pub const GLOBAL: &str = "global";
/// The branch that nodes follow.
pub const BOOT: &str = "boot";
/// What was last fetched of it.
const UPSTREAM: &str = "refs/remotes/origin/boot";

const SUBCLUSTER: &str = "eccfg.subcluster";
const ORIGIN: &str = "remote.origin.url";

/// A repository and what is checked out of it.
pub struct Part {
    /// Its name at the server.
    pub subcluster: String,
    /// What paths in the tree begin with: nothing, or `global/`.
    pub prefix: &'static str,
    /// Its objects and references.
    pub repository: Repository,
    /// As it was read last, and of which generation.
    index: RefCell<Option<(Generation, Index)>>,
}

impl Part {
    /// Opens the repository in `state`.
    pub fn open(state: &Path, is_global: bool) -> Result<Self, Error> {
        let (directory, prefix) = place(state, is_global);
        let repository = Repository::open_bare(&directory)
            .map_err(|_| damaged(&directory, "is no repository any more"))?;
        let name = repository.config().and_then(|config| config.get_string(SUBCLUSTER));
        let subcluster = name.map_err(|_| damaged(&directory, "names no subcluster"))?;
        Ok(Self { subcluster, prefix, repository, index: RefCell::default() })
    }

    /// Makes it anew, for a subcluster of the server at this URL.
    pub fn make(
        state: &Path,
        subcluster: &str,
        server: &str,
        is_global: bool,
    ) -> Result<Self, Error> {
        let (directory, prefix) = place(state, is_global);
        remove_tree(&directory)?;
        let repository = make(&directory)?;
        // For git as well.
        let mut config = repository.config()?;
        config.set_str(SUBCLUSTER, subcluster)?;
        config.set_str(ORIGIN, &format!("{server}/config/{subcluster}"))?;
        config.set_str("remote.origin.fetch", "+refs/heads/boot:refs/remotes/origin/boot")?;
        let subcluster = subcluster.to_owned();
        Ok(Self { subcluster, prefix, repository, index: RefCell::default() })
    }

    /// Removes a lock that a command left when it was killed.
    pub fn unlock(&self) -> Result<(), Error> {
        remove_file(&self.repository.path().join(format!("{UPSTREAM}.lock")))
    }

    /// The URL it comes from.
    pub fn origin(&self) -> Result<String, Error> {
        Ok(self.repository.config()?.get_string(ORIGIN)?)
    }

    /// Where its files are in this tree.
    pub fn top(&self, tree: &Path) -> PathBuf {
        tree.join(self.prefix.trim_end_matches('/'))
    }

    /// The directory at its top that is no part of it.
    pub fn apart(&self) -> Option<&'static str> {
        self.prefix.is_empty().then_some(GLOBAL)
    }

    /// The path in the whole tree.
    pub fn path(&self, path: &[u8]) -> Vec<u8> {
        [self.prefix.as_bytes(), path].concat()
    }

    /// The commit that is checked out.
    pub fn head(&self, generation: Option<Generation>) -> Result<Option<Oid>, Error> {
        generation.map(|generation| generation.head(self.repository.path())).transpose()
    }

    /// What git noted of the files on disk, as it is now. It is read anew only if it was changed:
    /// that takes longer than all else that is done for one file.
    pub fn index(&self, generation: Option<Generation>) -> Result<Ref<'_, Index>, Error> {
        let mut kept = self.index.borrow_mut();
        let is_current = kept
            .as_mut()
            .is_some_and(|(of, index)| generation == Some(*of) && index.read(false).is_ok());
        if !is_current {
            *kept = Some(match generation {
                Some(generation) => (generation, generation.index(self.repository.path())?),
                None => (Generation::A, Index::new()?),
            });
        }
        drop(kept);
        Ok(Ref::map(self.index.borrow(), |kept| &kept.as_ref().expect("it was just read").1))
    }

    /// Changes what git noted of the files on disk.
    pub fn change_index(
        &self,
        generation: Option<Generation>,
        change: impl FnOnce(&mut Index) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let generation = generation.expect("a working copy that is there has one");
        generation.change_index(self.repository.path(), change)
    }

    /// The files of a commit; none without one.
    pub fn files(&self, commit: Option<Oid>) -> Result<Listing, Error> {
        Ok(listing(&self.repository, commit.map(|id| self.tree(id)).transpose()?)?)
    }

    /// The tree of a commit.
    pub fn tree(&self, commit: Oid) -> Result<Oid, Error> {
        Ok(self.repository.find_commit(commit)?.tree_id())
    }

    /// Looks at what is on disk.
    pub fn scan(&self, tree: &Path, base: &Listing, index: &Index) -> Result<Disk, Error> {
        let top = self.top(tree);
        match disk::metadata(&top)? {
            Some(found) if found.is_dir() => scan::scan(&top, self.apart(), base, index),
            Some(_) => Err(Error::Refused(format!(
                "{} is no directory, but the files of the subcluster {} belong there: move it away",
                top.display(),
                self.subcluster
            ))),
            None => Ok(Disk::default()),
        }
    }

    /// Remembers what the server has, so that its objects are kept.
    pub fn set_upstream(&self, commit: Oid) -> Result<(), Error> {
        if self.upstream() == Some(commit) {
            return Ok(());
        }
        self.repository.reference(UPSTREAM, commit, true, "eccfg")?;
        Ok(())
    }

    /// What the server had when it was last asked.
    pub fn upstream(&self) -> Option<Oid> {
        self.repository.refname_to_id(UPSTREAM).ok()
    }
}

fn place(state: &Path, is_global: bool) -> (PathBuf, &'static str) {
    match is_global {
        true => (state.join("global.git"), "global/"),
        false => (state.join("subcluster.git"), ""),
    }
}

/// Everything is kept byte for byte, whatever anybody's git is told to convert.
fn make(directory: &Path) -> Result<Repository, Error> {
    let mut options = RepositoryInitOptions::new();
    options.bare(true).external_template(false).initial_head(BOOT);
    let repository = Repository::init_opts(directory, &options)?;
    let mut config = repository.config()?;
    config.set_str("core.autocrlf", "false")?;
    config.set_str("core.safecrlf", "false")?;
    // Trees are built of links, which come and go.
    config.set_bool("core.trustctime", false)?;
    let info = directory.join("info");
    std::fs::create_dir_all(&info).map_err(Error::file(&info))?;
    let exclude = info.join("exclude");
    std::fs::write(&exclude, format!("/{GLOBAL}/\n")).map_err(Error::file(&exclude))?;
    Ok(repository)
}

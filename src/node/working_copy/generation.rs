//! What git keeps of a checked out tree beside its objects: which commit it is of, and its index.
//!
//! There are two of each, as git has them for linked working trees (`gitrepository-layout(5)`,
//! worktrees/), and the tree's `.git` file names the one that is its own. So a tree and what is
//! known of it are exchanged together.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use git2::{Index, Oid};

use super::index_file;
use super::listing::{Leaf, index_entry};
use super::paths::remove_file;
use crate::node::Error;

/// The commit that was checked out, as a reference that git keeps apart for each tree, so that it
/// never tidies the commit away.
const BASE: &str = "refs/worktree/eccfg";
const BASE_DIRECTORY: &str = "refs/worktree";
/// Where it is written, for git as well, and in which file before.
const HEADS: [(&str, &str); 2] = [("new-base", BASE), ("new-head", "HEAD")];

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    A,
    B,
}

impl Generation {
    /// The one to make while this one is in use.
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// The one that the tree with this `.git` file is of; `None` if there is no such file.
    pub fn of(tree: &Path) -> Result<Option<Self>, Error> {
        let file = tree.join(".git");
        match fs::read_to_string(&file) {
            Ok(text) if text.trim_end().ends_with("/worktrees/a") => Ok(Some(Self::A)),
            Ok(text) if text.trim_end().ends_with("/worktrees/b") => Ok(Some(Self::B)),
            Ok(_) => Err(foreign(tree)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => Err(foreign(tree)),
            Err(error) => Err(Error::file(&file)(error)),
        }
    }

    /// Where it is kept in this repository.
    pub fn directory(self, repository: &Path) -> PathBuf {
        let name = match self {
            Self::A => "a",
            Self::B => "b",
        };
        repository.join("worktrees").join(name)
    }

    /// The commit that was checked out. Not what git takes for it: whoever commits or switches with
    /// git has made local changes.
    pub fn head(self, repository: &Path) -> Result<Oid, Error> {
        let file = self.directory(repository).join(BASE);
        let text = match fs::read_to_string(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(damaged(&file, "is missing"))
            }
            text => text.map_err(Error::file(&file)),
        };
        Oid::from_str(text?.trim()).map_err(|_| damaged(&file, "does not name a commit"))
    }

    /// Says which commit is checked out.
    pub fn set_head(self, repository: &Path, head: Oid) -> Result<(), Error> {
        self.prepare_head(repository, head)?;
        self.take_head(repository)
    }

    /// Writes down which commit will be checked out, so that little can go wrong when it is.
    pub fn prepare_head(self, repository: &Path, head: Oid) -> Result<(), Error> {
        let directory = self.directory(repository);
        HEADS.iter().try_for_each(|(new, _)| {
            let new = directory.join(new);
            write_durably(&new, format!("{head}\n").as_bytes()).map_err(Error::file(&new))
        })
    }

    /// Says that what was prepared is so.
    pub fn take_head(self, repository: &Path) -> Result<(), Error> {
        let directory = self.directory(repository);
        HEADS.iter().try_for_each(|(new, name)| {
            let file = directory.join(name);
            fs::rename(directory.join(new), &file).map_err(Error::file(&file))
        })
    }

    /// What git noted of the files; empty if it is not there any more: it can be made anew.
    pub fn index(self, repository: &Path) -> Result<Index, Error> {
        open_index(&self.directory(repository).join("index"))
    }

    /// Changes what git noted of the files, as a whole. Not with git's own locks, which would stay if
    /// this were killed.
    pub fn change_index(
        self,
        repository: &Path,
        change: impl FnOnce(&mut Index) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.prepare_index(repository, change)?;
        self.take_index(repository)
    }

    /// Writes a changed one beside it, so that little can go wrong when it is needed.
    pub fn prepare_index(
        self,
        repository: &Path,
        change: impl FnOnce(&mut Index) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let directory = self.directory(repository);
        let (file, new) = (directory.join("index"), directory.join("index.new"));
        remove_file(&directory.join("index.new.lock"))?;
        remove_file(&new)?;
        match fs::copy(&file, &new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::file(&new)(error));
            }
            _ => {}
        }
        let mut index = open_index(&new)?;
        change(&mut index)?;
        index.write()?;
        File::open(&new).and_then(|file| file.sync_all()).map_err(Error::file(&new))
    }

    /// The same for the content of one file, which is in it.
    pub fn prepare_entry(self, repository: &Path, path: &[u8], leaf: Leaf) -> Result<(), Error> {
        let directory = self.directory(repository);
        let index = fs::read(directory.join("index")).unwrap_or_default();
        let new = directory.join("index.new");
        match index_file::with(&index, path, leaf) {
            Some(changed) => write_durably(&new, &changed).map_err(Error::file(&new)),
            None => self.prepare_index(repository, |index| {
                Ok(index.add(&index_entry(path.to_vec(), leaf, 0))?)
            }),
        }
    }

    /// Puts what was prepared in its place.
    pub fn take_index(self, repository: &Path) -> Result<(), Error> {
        let directory = self.directory(repository);
        let file = directory.join("index");
        fs::rename(directory.join("index.new"), &file).map_err(Error::file(&file))
    }

    /// Makes it anew for the tree that will be at `tree`, with an empty index. `link` is the tree's
    /// `.git` file.
    pub fn make(
        self,
        repository: &Path,
        head: Oid,
        tree: &Path,
        link: &Path,
    ) -> Result<Index, Error> {
        let directory = self.directory(repository);
        match fs::remove_dir_all(&directory) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::file(&directory)(error));
            }
            _ => {}
        }
        let references = directory.join(BASE_DIRECTORY);
        fs::create_dir_all(&references).map_err(Error::file(&references))?;
        let write = |file: &Path, text: String| fs::write(file, text).map_err(Error::file(file));
        // Both generations are of the same place, and git would tidy the one or the other away.
        write(&directory.join("locked"), "eccfg exchanges this tree\n".to_owned())?;
        write(&directory.join("commondir"), "../..\n".to_owned())?;
        write(&directory.join("gitdir"), format!("{}\n", tree.join(".git").display()))?;
        write(link, format!("gitdir: {}\n", directory.display()))?;
        self.set_head(repository, head)?;
        Ok(Index::open(&directory.join("index"))?)
    }
}

/// One that cannot be read is removed.
fn open_index(file: &Path) -> Result<Index, Error> {
    match Index::open(file) {
        Ok(index) => Ok(index),
        Err(_) => {
            fs::remove_file(file).map_err(Error::file(file))?;
            Ok(Index::open(file)?)
        }
    }
}

/// A file that takes the place of another one must not be found empty after a loss of power.
fn write_durably(file: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create(file)?;
    file.write_all(content)?;
    file.sync_all()
}

fn foreign(tree: &Path) -> Error {
    Error::Refused(format!(
        "{} is a git working copy that eccfg did not make: move it away, or name another directory \
         with --wc",
        tree.display()
    ))
}

/// What is to be done about a working copy that cannot be used.
pub fn damaged(file: &Path, how: &str) -> Error {
    Error::Refused(format!(
        "the working copy is damaged: {} {how}; move the working copy away and run eccfg bootstrap \
         again, then copy your changes back",
        file.display()
    ))
}

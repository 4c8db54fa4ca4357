//! Where a working copy and what belongs to it lie.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::node::Error;

/// The places of one working copy. All are in one directory, so that they can be exchanged.
#[derive(Clone, Debug)]
pub struct Paths {
    /// The working copy itself: `etc/conf`.
    pub tree: PathBuf,
    /// The tree that is being built, then the one that was replaced: `etc/.conf.new`.
    pub(super) other_tree: PathBuf,
    /// A file on its way into the tree: `etc/.conf.file`.
    pub(super) beside: PathBuf,
    /// The repositories, outside the tree that is exchanged: `etc/.eccfg/conf`.
    pub(super) state: PathBuf,
}

impl Paths {
    /// Those of the working copy `tree`. A symbolic link is followed: its target is exchanged.
    pub fn of(tree: &Path) -> Result<Self, Error> {
        let absolute = match tree.canonicalize() {
            Err(_) if tree.is_symlink() => {
                return Err(Error::Refused(format!(
                    "{} is a symbolic link that leads to no directory: make that directory, or remove \
                     the link",
                    tree.display()
                )));
            }
            followed => followed.or_else(|_| std::path::absolute(tree)),
        };
        let tree = absolute.map_err(Error::file(tree))?;
        let (Some(parent), Some(name)) = (tree.parent(), tree.file_name()) else {
            return Err(Error::Usage(format!(
                "{} cannot be a working copy: name a directory within another",
                tree.display()
            )));
        };
        let named = |ending: &str| {
            let mut other = OsString::from(".");
            other.push(name);
            other.push(ending);
            parent.join(other)
        };
        let (other_tree, beside) = (named(".new"), named(".file"));
        let state = parent.join(".eccfg").join(name);
        Ok(Self { other_tree, beside, state, tree })
    }

    /// The directory that holds them all.
    pub fn parent(&self) -> &Path {
        self.tree.parent().expect("it was asked for when these were made")
    }

    /// Makes room for a file beside the tree: what is there another one has left.
    pub(super) fn clear_beside(&self) -> Result<(), Error> {
        remove_file(&self.beside)
    }

    /// Held by whoever changes the working copy.
    pub(super) fn lock(&self) -> PathBuf {
        self.state.join("lock")
    }

    /// There while the mail server is still to be told of new files.
    pub fn reload(&self) -> PathBuf {
        self.state.join("reload")
    }

    /// What went wrong with the last update, if it did.
    pub fn failure(&self) -> PathBuf {
        self.state.join("failure")
    }

    /// There while two trees are exchanged.
    pub(super) fn pending(&self) -> PathBuf {
        self.state.join("pending")
    }
}

/// Removes a file, if it is there.
pub(super) fn remove_file(file: &Path) -> Result<(), Error> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::file(file)(error)),
        _ => Ok(()),
    }
}

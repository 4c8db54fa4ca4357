//! Paths as people type them.

use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::Error;
use super::working_copy::WorkingCopy;

/// The path below the top of the working copy that is meant: an absolute one must lie in it, another
/// one is relative to it, or else to the current directory if that lies in it.
pub fn resolve(working_copy: &WorkingCopy, typed: &Path) -> Result<Vec<u8>, Error> {
    let tree = &working_copy.paths.tree;
    let candidates = if typed.is_absolute() {
        vec![typed.to_owned()]
    } else {
        let here = std::env::current_dir().ok().filter(|here| here.starts_with(tree));
        [Some(tree.join(typed)), here.map(|here| here.join(typed))].into_iter().flatten().collect()
    };
    let inside: Vec<PathBuf> = candidates.iter().filter_map(|path| inside(tree, path)).collect();
    let there = inside.iter().find(|path| tree.join(path).symlink_metadata().is_ok());
    match there.or(inside.first()) {
        Some(path) => Ok(path.as_os_str().as_bytes().to_vec()),
        None => Err(Error::Usage(format!(
            "{} leads outside of the working copy {}",
            typed.display(),
            tree.display()
        ))),
    }
}

/// The path relative to the tree, without `.` and `..`; `None` if it leaves the tree. It may come to
/// the tree by way of links.
fn inside(tree: &Path, path: &Path) -> Option<PathBuf> {
    let is_tree = |above: &&Path| above.canonicalize().is_ok_and(|above| above == *tree);
    let plain = plain(path);
    let top = plain.ancestors().find(|above| above == &tree);
    let top = top.or_else(|| plain.ancestors().find(is_tree))?;
    let below = plain.strip_prefix(top).ok()?;
    (!below.components().any(|part| part.as_os_str() == ".git")).then(|| below.to_owned())
}

fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => _ = plain.pop(),
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

/// Whether `path` is `directory` or lies in it. The empty path is the whole tree.
pub fn is_within(path: &[u8], directory: &[u8]) -> bool {
    directory.is_empty()
        || path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

//! Who decides what lies at a path: root alone, or another account too.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::libc::{S_ISVTX, S_IWGRP, S_IWOTH};

/// Links on one path, as many as the system follows.
const MAX_LINKS: u32 = 40;

/// Whether nobody but root can change what this absolute path leads to: neither a directory on the
/// way nor a link, nor what lies at the end, be it there or not. Then root may write there by the
/// path; else another account could lead root elsewhere at any moment.
///
/// # Errors
/// If a part of the path cannot be looked at.
pub fn is_roots(path: &Path) -> io::Result<bool> {
    let mut links_left = MAX_LINKS;
    is_roots_from(PathBuf::from("/"), path, &mut links_left)
}

/// The same for a path that begins in a directory which is root's.
fn is_roots_from(mut here: PathBuf, path: &Path, links_left: &mut u32) -> io::Result<bool> {
    let mut is_shared = false;
    let mut parts = path.components();
    while let Some(part) = parts.next() {
        let name = match part {
            Component::Normal(name) => name,
            Component::CurDir => continue,
            Component::ParentDir => {
                here.pop();
                continue;
            }
            Component::RootDir | Component::Prefix(_) => {
                here = PathBuf::from("/");
                continue;
            }
        };
        here.push(name);
        let found = match fs::symlink_metadata(&here) {
            // Whoever may write there could make it.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(!is_shared),
            found => found?,
        };
        if found.uid() != 0 {
            return Ok(false);
        }
        if found.is_symlink() {
            *links_left = links_left.checked_sub(1).ok_or(io::Error::from(Errno::ELOOP))?;
            let target = fs::read_link(&here)?.join(parts.as_path());
            here.pop();
            return is_roots_from(here, &target, links_left);
        }
        is_shared = found.mode() & (S_IWGRP | S_IWOTH) != 0;
        // In a sticky directory nobody exchanges what is root's.
        if is_shared && found.mode() & S_ISVTX == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use nix::unistd::geteuid;

    use super::*;

    const SOMEBODY: Option<u32> = Some(54_321);

    #[test]
    fn a_path_is_roots_until_another_account_owns_or_may_write_a_part_of_it() {
        if !geteuid().is_root() {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        fs::create_dir_all(at("own/deep")).unwrap();
        symlink(at("own"), at("link")).unwrap();
        for path in ["own/deep", "own/missing/more", "link/deep", "own/../link/deep/./x"] {
            assert!(is_roots(&at(path)).unwrap(), "{path}");
        }

        fs::create_dir_all(at("theirs")).unwrap();
        symlink(at("own"), at("theirs/link")).unwrap();
        chown(at("theirs"), SOMEBODY, SOMEBODY).unwrap();
        symlink(at("theirs"), at("to-theirs")).unwrap();
        symlink(at("loop"), at("loop")).unwrap();
        for path in ["theirs", "theirs/missing", "theirs/link/deep", "to-theirs/link"] {
            assert!(!is_roots(&at(path)).unwrap(), "{path}");
        }
        assert!(is_roots(&at("loop")).is_err());

        fs::set_permissions(at("own"), Permissions::from_mode(0o1777)).unwrap();
        assert!(is_roots(&at("own/deep")).unwrap());
        assert!(!is_roots(&at("own/missing")).unwrap());
        fs::set_permissions(at("own"), Permissions::from_mode(0o775)).unwrap();
        assert!(!is_roots(&at("own/deep")).unwrap());
    }
}

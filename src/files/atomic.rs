use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use nix::libc::{O_NOFOLLOW, O_NONBLOCK};
use nix::unistd::geteuid;
use tempfile::{Builder, NamedTempFile};

use super::owner::Owner;

/// Replaces the file `path` by a rename: a reader sees the old text or the new, and
/// the new one is on disk when this returns. Writers take turns, also those of other
/// processes.
pub fn replace(path: &Path, text: &str, mode: u32, owner: Option<Owner>) -> io::Result<()> {
    let directory = path.parent().unwrap_or(path);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let mut new = own(directory, &name)?;
    let owner = match owner {
        None if geteuid().is_root() => Some(inherited(path, directory)?),
        asked_for => asked_for,
    };
    owner.map_or(Ok(()), |owner| owner.take(new.as_file()))?;
    new.as_file().set_permissions(Permissions::from_mode(mode))?;
    new.write_all(text.as_bytes())?;
    new.as_file().sync_all()?;
    new.persist(path)?;
    File::open(directory)?.sync_all()
}

/// Makes the file that becomes the other one, and locks it.
fn own(directory: &Path, name: &OsStr) -> io::Result<NamedTempFile> {
    let path = directory.join(name);
    loop {
        match Builder::new().prefix(name).rand_bytes(0).tempfile_in(directory) {
            Ok(new) => {
                new.as_file().lock()?;
                if is_at(new.as_file(), &path)? {
                    return Ok(new);
                }
                // Another one took it for left behind, in the moment before it was locked.
                let _ = new.into_temp_path().keep();
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => wait_or_remove(&path)?,
            Err(error) => return Err(error),
        }
    }
}

/// A writer holds the lock; what nobody holds a killed one left.
fn wait_or_remove(path: &Path) -> io::Result<()> {
    let mut options = File::options();
    match options.read(true).custom_flags(O_NOFOLLOW | O_NONBLOCK).open(path) {
        Ok(file) => {
            file.lock()?;
            match is_at(&file, path)? {
                true => remove_if_present(path),
                false => Ok(()),
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        // A link, or something else that is no file.
        Err(_) => remove_if_present(path),
    }
}

fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let (file, there) = (file.metadata()?, fs::symlink_metadata(path));
    match there {
        Ok(there) => Ok((file.dev(), file.ino()) == (there.dev(), there.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The same with a file that nobody but its owner may read, who is the directory's: the
/// server that reads it need not be root, who may have written it.
pub fn replace_private(path: &Path, text: &str) -> io::Result<()> {
    let owner = match geteuid().is_root() {
        true => Some(Owner::of(&fs::metadata(path.parent().unwrap_or(path))?)),
        false => None,
    };
    replace(path, text, 0o600, owner)
}

/// Without an owner asked for, root leaves a file with the owner of the one it
/// replaces or of the directory: a key made while root tries the service by hand
/// must not lock the service's own account out.
fn inherited(path: &Path, directory: &Path) -> io::Result<Owner> {
    let metadata = fs::symlink_metadata(path).or_else(|_| fs::metadata(directory))?;
    Ok(Owner::of(&metadata))
}

fn remove_if_present(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn of_many_writers_each_one_replaces_the_whole_and_none_fails() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        thread::scope(|scope| {
            for writer in 0..8 {
                let path = &path;
                let text = format!("{writer}").repeat(10_000);
                scope.spawn(move || {
                    (0..20).for_each(|_| replace(path, &text, 0o600, None).unwrap())
                });
            }
        });
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, text[..1].repeat(10_000));
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
    }

    #[test]
    fn what_a_killed_writer_left_is_in_nobodys_way() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let left = dir.path().join("file.new");
        fs::write(&left, "left").unwrap();
        replace(&path, "one", 0o600, None).unwrap();
        std::os::unix::fs::symlink("/nowhere", &left).unwrap();
        replace(&path, "two", 0o600, None).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert!(!left.is_symlink());
    }
}

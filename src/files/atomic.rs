use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nix::unistd::geteuid;

use super::owner::Owner;

/// Replaces the file `path` by a rename: a reader sees the old text or the new, and
/// the new one is on disk when this returns. Of several writers only one at a time
/// may call it.
pub fn replace(path: &Path, text: &str, mode: u32, owner: Option<Owner>) -> io::Result<()> {
    let directory = path.parent().unwrap_or(path);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    // As writers take turns, what stands under this name a killed one left.
    remove_if_present(&directory.join(&name))?;
    let mut builder = tempfile::Builder::new();
    let mut new = builder.prefix(&name).rand_bytes(0).tempfile_in(directory)?;
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

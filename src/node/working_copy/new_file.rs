//! Files that were not in the old tree, or not so.

use std::fs::{self, Metadata, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

use super::attributes;
use super::disk::Stamp;
use super::listing::{EXECUTABLE, LINK, Leaf};
use super::scan::OnDisk;
use crate::node::Error;

/// A file to be made.
pub struct NewFile {
    /// Where. Its directory is there.
    pub file: PathBuf,
    /// What it becomes.
    pub leaf: Leaf,
    /// What its blob holds.
    pub content: Vec<u8>,
    /// The file that it replaces.
    pub before: Option<(PathBuf, Metadata)>,
}

impl NewFile {
    /// Makes it.
    pub fn make(&self) -> Result<OnDisk, Error> {
        let metadata = self.write().map_err(Error::file(&self.file))?;
        Ok(OnDisk { leaf: self.leaf, stamp: Some(Stamp::of(&metadata)) })
    }

    fn write(&self) -> io::Result<Metadata> {
        put(&self.file, &self.content, self.leaf.mode)?;
        if let Some((old, before)) = &self.before {
            let mode = with_execution(before.mode(), self.leaf.mode);
            inherit(&self.file, old, before, mode)?;
        }
        fs::symlink_metadata(&self.file)
    }
}

/// Makes a file that was not there.
pub fn put(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    if mode == LINK {
        return symlink(std::ffi::OsStr::from_bytes(content), path);
    }
    let permissions = if mode == EXECUTABLE { 0o777 } else { 0o666 };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(permissions).open(path)?;
    file.write_all(content)
}

/// The permissions of before, with execution for those who may read or for nobody.
pub fn with_execution(permissions: u32, mode: u32) -> u32 {
    let readers = (permissions & 0o444) >> 2;
    match mode == EXECUTABLE {
        true if permissions & 0o100 == 0 => permissions | readers,
        true => permissions,
        false => permissions & !0o111,
    }
}

/// Gives a file or directory the owner and the extended attributes of `old`, and these permissions.
/// Links have none, and what they lead to is left alone.
pub fn inherit(path: &Path, old: &Path, before: &Metadata, mode: u32) -> io::Result<()> {
    let now = fs::symlink_metadata(path)?;
    if (now.uid(), now.gid()) != (before.uid(), before.gid()) {
        // Only root may give files away; who may not keeps them.
        match lchown(path, Some(before.uid()), Some(before.gid())) {
            Err(error) if error.kind() != io::ErrorKind::PermissionDenied => return Err(error),
            _ => {}
        }
    }
    attributes::copy(old, path);
    match now.is_symlink() || now.mode() & 0o7777 == mode & 0o7777 {
        true => Ok(()),
        false => fs::set_permissions(path, Permissions::from_mode(mode & 0o7777)),
    }
}

//! The password with which a node pulls by itself.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::libc::O_NOFOLLOW;

use super::{Login, first_line};
use crate::accounts::SERVICE;
use crate::files;
use crate::layout::Layout;
use crate::node::trust::make_directory;
use crate::node::{Error, owner, remote};

/// Only its owner and root read it.
const MODE: u32 = 0o600;
/// Far more than any password has.
const MAX_FILE: u64 = 64 << 10;

/// The service's account, with the password that was kept at the bootstrap.
///
/// # Errors
/// [`remote::Error::Authentication`] if none was kept, [`Error::File`] if it cannot be read.
pub fn stored(layout: &Layout) -> Result<Login, Error> {
    let path = path(layout);
    let failed = |source: std::io::Error| match source.kind() {
        ErrorKind::NotFound => none(&path),
        _ => Error::File { path: path.clone(), source },
    };
    // The directory may be another account's, which could lead root by a link to any file, and so
    // have its first line sent to the server.
    let file = OpenOptions::new().read(true).custom_flags(O_NOFOLLOW).open(&path);
    let mut text = String::new();
    file.map_err(failed)?.take(MAX_FILE).read_to_string(&mut text).map_err(failed)?;
    match first_line(&text) {
        "" => Err(none(&path)),
        password => Ok(Login::new(SERVICE, password)),
    }
}

/// Keeps the password of the service's account.
///
/// # Errors
/// [`Error::Remote`] or [`Error::File`] if it cannot be written.
pub fn keep(layout: &Layout, password: &str) -> Result<(), Error> {
    make_directory(layout)?;
    let path = path(layout);
    files::replace(&path, &format!("{password}\n"), MODE, owner())
        .map_err(|source| Error::File { path, source })
}

fn path(layout: &Layout) -> PathBuf {
    layout.eccfg().join("password")
}

fn none(path: &Path) -> Error {
    let path = path.display();
    remote::Error::Authentication(format!(
        "this node does not have the password of {SERVICE}: run `eccfg store-password`, which keeps it in {path}"
    ))
    .into()
}

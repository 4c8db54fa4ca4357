//! The two files of a pair on disk.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::libc::{ELOOP, O_DIRECTORY, O_NOFOLLOW};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::error::Error;
use super::key::Key;
use crate::files::{Owner, replace};

/// Only the owner reads the key, everybody the certificate, whatever the umask.
const KEY_MODE: u32 = 0o600;
const CERTIFICATE_MODE: u32 = 0o644;
const DIRECTORY_MODE: u32 = 0o755;

/// `PREFIX/server.key` and `PREFIX/server.crt`.
#[derive(Debug)]
pub(super) struct PairFiles {
    directory: PathBuf,
    pub(super) key: PathBuf,
    pub(super) certificate: PathBuf,
    /// Who is to own what is written; `None` leaves files with whom they are.
    pub(super) owner: Option<Owner>,
}

impl PairFiles {
    pub(super) fn new(prefix: &Path, owner: Option<Owner>) -> PairFiles {
        PairFiles {
            directory: prefix.to_owned(),
            key: prefix.join("server.key"),
            certificate: prefix.join("server.crt"),
            owner,
        }
    }

    /// The certificates in `server.crt`, at least one.
    pub(super) fn chain(&self) -> Result<Vec<CertificateDer<'static>>, Error> {
        let path = || self.certificate.clone();
        let text = fs::read(&self.certificate).map_err(|e| not_read(path(), e))?;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
        match chain {
            Ok(chain) if chain.is_empty() => Err(Error::NoCertificate(path())),
            Ok(chain) => Ok(chain),
            Err(error) => Err(Error::BadCertificate(path(), error.to_string())),
        }
    }

    /// The keys in `server.key`, in order, at least one.
    pub(super) fn keys(&self) -> Result<Vec<Key>, Error> {
        let text = self.key_text().map_err(|e| not_read(self.key.clone(), e))?;
        match Key::all_in(&String::from_utf8_lossy(&text)) {
            keys if keys.is_empty() => Err(Error::NoKey(self.key.clone())),
            keys => Ok(keys),
        }
    }

    /// An operator may link to a key kept elsewhere. But where root writes for an
    /// account, that account could lead it by a link to a key it must not see.
    fn key_text(&self) -> io::Result<Vec<u8>> {
        let flags = self.owner.map_or(0, |_| O_NOFOLLOW);
        let mut file = OpenOptions::new().read(true).custom_flags(flags).open(&self.key)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map(|_| text)
    }

    /// Has the key the owner that was asked for, and with it a safe mode?
    pub(super) fn key_is_owned(&self) -> bool {
        self.owner.is_none_or(|owner| {
            fs::symlink_metadata(&self.key)
                .is_ok_and(|m| Owner::of(&m) == owner && m.mode() & 0o777 == KEY_MODE)
        })
    }

    /// Makes the directory, and those above it, if they are missing.
    pub(super) fn create_directory(&self) -> Result<(), Error> {
        let mut missing: Vec<_> = self.directory.ancestors().collect();
        missing.retain(|path| !path.as_os_str().is_empty() && !path.exists());
        missing.iter().rev().try_for_each(|path| {
            let owner = self.owner.filter(|_| *path == self.directory);
            create_directory(path, owner).map_err(|e| Error::Write(path.to_path_buf(), e))
        })
    }

    /// Keeps other writers of this pair out until the result is dropped.
    pub(super) fn lock(&self) -> Result<File, Error> {
        File::open(&self.directory)
            .and_then(|directory| directory.lock().map(|()| directory))
            .map_err(|e| Error::Write(self.directory.clone(), e))
    }

    /// Replaces `server.key` at once; it is on disk when this returns. Needs the lock.
    pub(super) fn replace_key(&self, pem: &str) -> Result<(), Error> {
        replace(&self.key, pem, KEY_MODE, self.owner).map_err(|e| Error::Write(self.key.clone(), e))
    }

    /// Replaces `server.crt` at once; it is on disk when this returns. Needs the lock.
    pub(super) fn replace_certificate(&self, pem: &str) -> Result<(), Error> {
        replace(&self.certificate, pem, CERTIFICATE_MODE, self.owner)
            .map_err(|e| Error::Write(self.certificate.clone(), e))
    }
}

/// The mode is set afterwards because the umask takes bits from the one at creation;
/// on the open directory because a link may have been put in its place.
fn create_directory(path: &Path, owner: Option<Owner>) -> io::Result<()> {
    fs::create_dir(path)?;
    let directory =
        OpenOptions::new().read(true).custom_flags(O_DIRECTORY | O_NOFOLLOW).open(path)?;
    directory.set_permissions(Permissions::from_mode(DIRECTORY_MODE))?;
    owner.map_or(Ok(()), |owner| owner.take(&directory))
}

fn not_read(path: PathBuf, source: io::Error) -> Error {
    match source.raw_os_error() {
        Some(ELOOP) => Error::Link(path),
        _ if source.kind() == ErrorKind::NotFound => Error::Missing(path),
        _ => Error::Read(path, source),
    }
}

//! The file that a backup is written into, or read from.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, IsTerminal, Read, Write, stdin, stdout};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use super::failure::Failure;
use crate::backup::Error;

/// The standard input or output.
const STREAM: &str = "-";

/// Where a backup goes.
pub(super) enum Target {
    /// The file gets its name when it is whole.
    File {
        new: NamedTempFile,
        path: PathBuf,
    },
    Stream(io::Stdout),
}

impl Target {
    /// Makes a file beside `path` that only its owner may read.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        if path == Path::new(STREAM) {
            return match stdout().is_terminal() {
                true => Err(Failure::usage(
                    "the backup is not for a terminal: name a file, or send the standard output to another program",
                )),
                false => Ok(Self::Stream(stdout())),
            };
        }
        // A rename would put the file in the place of a device.
        if fs::symlink_metadata(path).is_ok_and(|there| !there.is_file()) {
            return Err(Failure::usage(format!(
                "{} is no file that a backup could take the place of: name another one, or - for the standard output",
                path.display(),
            )));
        }
        let dir = match path.parent() {
            Some(dir) if dir != Path::new("") => dir,
            _ => Path::new("."),
        };
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".new-");
        let mut new = Builder::new();
        let new = new.prefix(&name).permissions(Permissions::from_mode(0o600)).tempfile_in(dir);
        let new = new.map_err(|e| Failure::cannot_write(path, &e))?;
        Ok(Self::File { new, path: path.to_owned() })
    }

    /// Gives the file its name, durably.
    pub(super) fn finish(self) -> Result<(), Failure> {
        let Self::File { new, path } = self else { return Ok(()) };
        let failed = |e: io::Error| Failure::cannot_write(&path, &e);
        new.as_file().sync_all().map_err(failed)?;
        let dir = new.path().parent().map(Path::to_owned).unwrap_or_default();
        new.persist(&path).map_err(|e| failed(e.error))?;
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed)
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File { new, .. } => new.write(bytes),
            Self::Stream(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File { new, .. } => new.flush(),
            Self::Stream(stream) => stream.flush(),
        }
    }
}

/// Opens a backup for reading.
pub(super) fn open(path: &Path) -> Result<Box<dyn Read>, Failure> {
    if path == Path::new(STREAM) {
        return Ok(Box::new(stdin()));
    }
    match File::open(path) {
        Ok(file) => Ok(Box::new(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(Failure::usage(format!("there is no backup {}", path.display())))
        }
        Err(error) => Err(Error::Read(error).into()),
    }
}

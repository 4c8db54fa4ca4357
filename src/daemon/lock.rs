//! One server for one set of repositories.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::process;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc::{self, F_UNLCK, F_WRLCK, O_NOFOLLOW, SEEK_SET};

use super::failure::Failure;
use crate::layout::Layout;

/// Held for as long as the process lives; the system lets go of it however the process ends.
pub(super) struct Lock {
    _file: File,
}

/// Takes the lock, or tells who has it.
pub(super) fn take(layout: &Layout) -> Result<Lock, Failure> {
    let path = layout.lock();
    let failed = |e| Failure::cannot_write(&path, &e);
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true).custom_flags(O_NOFOLLOW);
    let mut file = options.open(&path).map_err(failed)?;
    while !try_lock(&file).map_err(|e| failed(e.into()))? {
        if let Some(holder) = holder(&file).map_err(|e| failed(e.into()))? {
            return Err(Failure::temporary(format!(
                "another ecconfigd (process {holder}) serves {} already: stop it first, or give --root",
                layout.state().display(),
            )));
        }
    }
    // For people. What is written here may be old, so nothing else reads it.
    let noted = file.set_len(0).and_then(|()| writeln!(file, "{}", process::id()));
    noted.map_err(failed)?;
    Ok(Lock { _file: file })
}

/// A lock of fcntl_locking(2) on the whole file: of the kinds there are, the system tells of this
/// one who holds it.
fn whole_file() -> libc::flock {
    let (l_type, l_whence) = (F_WRLCK as libc::c_short, SEEK_SET as libc::c_short);
    libc::flock { l_type, l_whence, l_start: 0, l_len: 0, l_pid: 0 }
}

fn try_lock(file: &File) -> Result<bool, Errno> {
    match fcntl(file, FcntlArg::F_SETLK(&whole_file())) {
        Ok(_) => Ok(true),
        Err(Errno::EACCES | Errno::EAGAIN) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The process that holds the lock; none if it has ended just now.
fn holder(file: &File) -> Result<Option<libc::pid_t>, Errno> {
    let mut found = whole_file();
    fcntl(file, FcntlArg::F_GETLK(&mut found))?;
    Ok((found.l_type != F_UNLCK as libc::c_short).then_some(found.l_pid))
}

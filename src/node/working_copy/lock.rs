//! One at a time may change a working copy.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;

use nix::fcntl::{Flock, FlockArg};
use nix::libc::O_NOFOLLOW;

use super::paths::Paths;
use crate::node::Error;

/// Held until it is dropped, or its process ends.
pub struct Lock(#[expect(dead_code, reason = "held, not used")] Flock<File>);

impl Lock {
    /// Takes it if nobody else has it.
    pub fn try_take(paths: &Paths) -> Result<Option<Self>, Error> {
        take(paths, FlockArg::LockExclusiveNonblock)
    }

    /// Waits for it.
    pub fn take(paths: &Paths) -> Result<Self, Error> {
        Ok(take(paths, FlockArg::LockExclusive)?.expect("it is waited for"))
    }
}

fn take(paths: &Paths, how: FlockArg) -> Result<Option<Lock>, Error> {
    fs::create_dir_all(&paths.state).map_err(Error::file(&paths.state))?;
    let path = paths.lock();
    let mut options = File::options();
    let file = options.create(true).append(true).custom_flags(O_NOFOLLOW).open(&path);
    let file = file.map_err(Error::file(&path))?;
    match Flock::lock(file, how) {
        Ok(held) => Ok(Some(Lock(held))),
        Err((_, nix::errno::Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, errno)) => Err(Error::file(&path)(io::Error::from(errno))),
    }
}

//! What the system allows the process.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode, umask};

/// Files and directories are for the owner and its group, whatever umask the process was started
/// with. What everybody may read is opened up where it is made.
pub(super) fn set_umask() {
    umask(Mode::S_IWGRP | Mode::S_IRWXO);
}

/// Allows as many descriptors as the system lets us, and tells how many.
pub(super) fn raise_descriptors() -> u64 {
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((soft, hard)) => {
            if setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok() {
                hard
            } else {
                soft
            }
        }
        // What POSIX guarantees is not enough to be worth asking for.
        Err(_) => 1024,
    }
}

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

/// What is allocated in pieces of this size goes back to the system when it is free.
const MAPPED: std::ffi::c_int = 4 << 20;

/// Gives the memory of hashed passwords back: glibc keeps 19 MiB of each thread that has hashed one,
/// once it has seen that so much is wanted again and again (mallopt(3), M_MMAP_THRESHOLD).
#[expect(unsafe_code, reason = "nothing wraps mallopt")]
pub(super) fn return_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: mallopt takes two numbers, and there is no second thread yet.
    let is_set = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED) } == 1;
    #[cfg(not(target_env = "gnu"))]
    let is_set = true;
    if !is_set {
        tracing::debug!("the allocator keeps large pieces that are free");
    }
}

//! What each program of ours gives up before it does anything else.

use nix::sys::prctl::set_dumpable;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::stat::{Mode, umask};

/// Nothing that this process makes can be written by others, whatever umask it was started with, and
/// its memory, which holds keys and passwords, is never written to a disk.
///
/// What the umask takes away besides stays taken away.
pub fn harden() {
    let usual = umask(Mode::empty());
    umask(usual | Mode::S_IWGRP | Mode::S_IWOTH);
    keep_memory();
}

/// The limit is for this process and those that it starts; where the system hands dumps to a program,
/// it is a request. That the process cannot be dumped is for everybody, and keeps other processes of
/// the same account from tracing it. Neither needs privileges, so neither fails.
fn keep_memory() {
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    let _ = set_dumpable(false);
}

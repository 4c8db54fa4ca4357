//! One server for one set of repositories.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::process;

use super::failure::Failure;
use crate::layout::Layout;

/// Held for as long as the process lives; the system lets go of it however the process ends.
pub(super) struct Lock {
    _file: File,
}

/// Takes the lock, or tells who has it.
pub(super) fn take(layout: &Layout) -> Result<Lock, Failure> {
    let path = layout.lock();
    let failed = |e| Failure::cannot_create(format!("cannot write {}: {e}", path.display()));
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            return Err(Failure::temporary(format!(
                "another ecconfigd (process {}) serves {} already: stop it first, or give --root",
                holder.trim(),
                layout.state().display(),
            )));
        }
        Err(TryLockError::Error(e)) => return Err(failed(e)),
    }
    file.set_len(0).and_then(|()| writeln!(file, "{}", process::id())).map_err(failed)?;
    Ok(Lock { _file: file })
}

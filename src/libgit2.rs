//! libgit2's settings, some of which git2 has no safe wrapper for.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::OnceLock;

use git2::{ConfigLevel, Error, Repository};
use nix::sys::memfd::{MFdFlags, memfd_create};

/// Objects that libgit2 may keep parsed, in bytes, for all repositories together.
const OBJECT_CACHE: isize = 16 << 20;
/// The largest object that a pushed pack may hold, in bytes. Whoever reads it needs that much
/// memory, and whoever unpacks a delta twice as much.
pub(crate) const MAX_OBJECT: usize = 128 << 20;
/// Objects in one pushed pack.
pub(crate) const MAX_OBJECTS: usize = 2_000_000;

/// Sets them. Must be called once, before any repository is opened and while the process has one
/// thread: libgit2 does not guard its settings.
pub fn configure() -> Result<(), Error> {
    use libgit2_sys as raw;
    // git2 initialises libgit2 at its first use, which would otherwise come after the settings.
    let _ = git2::Version::get();
    let options = [
        (raw::GIT_OPT_SET_PACK_MAX_OBJECTS, MAX_OBJECTS),
        (raw::GIT_OPT_SET_PACK_MAX_OBJECT_SIZE, MAX_OBJECT),
    ];
    for (option, value) in options {
        set(option as libc_int, value)?;
    }
    set_object_cache()?;
    read_no_configuration()
}

/// Makes durable whatever libgit2 writes from now on: it leaves all of it to the system by default.
/// The same conditions as for [`configure`].
pub fn sync_everything() -> Result<(), Error> {
    set(libgit2_sys::GIT_OPT_ENABLE_FSYNC_GITDIR as libc_int, 1)
}

/// What holds for repositories that are opened with [`open`], whatever their own configuration says.
/// References and packs are synced as they are written. Logs of references are not for libgit2 to
/// write, which would sync them, too. Whoever builds a pack compares ten objects at a time, and would
/// hold that many of the largest: no more than 32 MiB of them are compared, and none above 16 MiB, for
/// which libgit2 takes the size of its cache of deltas (`packbuilder_config` in its pack-objects.c).
const SETTINGS: &str = "[core]\n\tfsyncObjectFiles = true\n\tlogAllRefUpdates = false\n\
                        [pack]\n\twindowMemory = 33554432\n\tdeltaCacheSize = 16777216\n";
const SYNC: &str = "core.fsyncObjectFiles";

/// Opens a bare repository that is written to: what libgit2 writes there is durable, but for what its
/// indexer writes.
pub(crate) fn open(path: &Path) -> Result<Repository, Error> {
    static FILE: OnceLock<Option<File>> = OnceLock::new();
    let repository = Repository::open_bare(path)?;
    let mut config = repository.config()?;
    // libgit2 takes settings from files only.
    if let Some(file) = FILE.get_or_init(settings) {
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        config.add_file(path.as_ref(), ConfigLevel::App, true)?;
    }
    match config.get_bool(SYNC) {
        Ok(true) => Ok(repository),
        _ => {
            Err(Error::from_str("libgit2 cannot be told to sync what it writes: is /proc mounted?"))
        }
    }
}

fn settings() -> Option<File> {
    let mut file = File::from(memfd_create(c"libgit2", MFdFlags::MFD_CLOEXEC).ok()?);
    file.write_all(SETTINGS.as_bytes()).ok()?;
    Some(file)
}

#[expect(non_camel_case_types, reason = "the C type's own name")]
type libc_int = std::ffi::c_int;

#[expect(unsafe_code, reason = "git2 does not wrap these options")]
fn set(option: libc_int, value: usize) -> Result<(), Error> {
    // SAFETY: each option takes one argument, an int for syncing and a size_t for the others; on
    // all Linux ABIs a variadic int is read from the slot of a size_t. The caller is alone.
    match unsafe { libgit2_sys::git_libgit2_opts(option, value) } {
        0 => Ok(()),
        _ => Err(Error::last_error(-1)),
    }
}

#[expect(unsafe_code, reason = "the wrapper is unsafe because the setting is not guarded")]
fn set_object_cache() -> Result<(), Error> {
    // SAFETY: no other thread uses libgit2 yet.
    unsafe { git2::opts::set_cache_max_size(OBJECT_CACHE) }
}

/// Nobody's `~/.gitconfig` or `/etc/gitconfig` has a say in how repositories are kept here; under
/// the service's protections they could not even be looked for. Whose the repositories are is
/// the file system's business.
#[expect(unsafe_code, reason = "the wrappers are unsafe because the settings are not guarded")]
fn read_no_configuration() -> Result<(), Error> {
    use git2::ConfigLevel::{Global, ProgramData, System, XDG};
    for level in [ProgramData, System, XDG, Global] {
        // SAFETY: no other thread uses libgit2 yet.
        unsafe { git2::opts::set_search_path(level, "") }?;
    }
    // SAFETY: as above.
    unsafe { git2::opts::set_verify_owner_validation(false) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_opened_is_synced_and_keeps_no_logs_whatever_its_configuration_says() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Repository::init_bare(dir.path()).unwrap().config().unwrap();
        config.set_bool(SYNC, false).unwrap();
        config.set_bool("core.logAllRefUpdates", true).unwrap();
        for _ in 0..2 {
            let config = open(dir.path()).unwrap().config().unwrap();
            assert!(config.get_bool(SYNC).unwrap());
            assert!(!config.get_bool("core.logAllRefUpdates").unwrap());
        }
    }
}

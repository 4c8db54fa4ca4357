//! libgit2's process-wide settings, some of which git2 has no safe wrapper for.

use git2::Error;

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
        // Off by default; without it an acknowledged commit may be lost with the power.
        (raw::GIT_OPT_ENABLE_FSYNC_GITDIR, 1),
        (raw::GIT_OPT_SET_PACK_MAX_OBJECTS, MAX_OBJECTS),
        (raw::GIT_OPT_SET_PACK_MAX_OBJECT_SIZE, MAX_OBJECT),
    ];
    for (option, value) in options {
        set(option as libc_int, value)?;
    }
    set_object_cache()?;
    read_no_configuration()
}

#[expect(non_camel_case_types, reason = "the C type's own name")]
type libc_int = std::ffi::c_int;

#[expect(unsafe_code, reason = "git2 does not wrap these options")]
fn set(option: libc_int, value: usize) -> Result<(), Error> {
    // SAFETY: each option takes one argument, an int for the first and a size_t for the others; on
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

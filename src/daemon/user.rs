//! Whom the program runs as. Started by root by hand, say to see its log at a terminal, it must not
//! leave files that the service could not write afterwards, nor be led by the service's user to files
//! that are not the service's.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;

use nix::unistd::{User, geteuid};

use super::args::{Args, Command};
use super::failure::Failure;
use super::first_start;
use crate::accounts::SERVICE;
use crate::files;
use crate::layout::Layout;

/// Becomes the user of the service, if this is root and the installation the system's own. Must be
/// called before there is a second thread.
pub(super) fn become_service(args: &mut Args) -> Result<(), Failure> {
    let layout = args.layout();
    if !is_of_system(&layout) || args.command.as_ref().is_some_and(Command::has_archive) {
        return Ok(());
    }
    let is_server = args.command.is_none();
    let failed = |e| Failure::system(format!("cannot become the user {SERVICE}: {e}"));
    let Some(user) = User::from_name(SERVICE).map_err(failed)? else {
        if is_server {
            args.warnings.push(format!(
                "running as root, for there is no user {SERVICE}: make one, or give --root"
            ));
        }
        return Ok(());
    };
    if is_server {
        own_state(&layout, &user)?;
    }
    files::become_user(&user).map_err(failed)
}

/// Whether this is root, and the installation the system's own.
fn is_of_system(layout: &Layout) -> bool {
    geteuid().is_root() && layout.root() == Path::new("/")
}

/// Makes the directory of the service's files, if it is not there, and has its user own it.
pub(super) fn make_state(layout: &Layout) -> Result<(), Failure> {
    let failed = |e| Failure::system(format!("cannot look for the user {SERVICE}: {e}"));
    match User::from_name(SERVICE).map_err(failed)?.filter(|_| is_of_system(layout)) {
        Some(user) => own_state(layout, &user),
        None => first_start::make_state(layout),
    }
}

/// The directory of the service's files, which only root can make.
fn own_state(layout: &Layout, user: &User) -> Result<(), Failure> {
    first_start::make_state(layout)?;
    let state = layout.state();
    let failed = |e| Failure::cannot_create(format!("cannot use {}: {e}", state.display()));
    if fs::metadata(&state).map_err(failed)?.uid() != 0 {
        return Ok(());
    }
    let (owner, group) = (user.uid.as_raw(), user.gid.as_raw());
    chown(&state, Some(owner), Some(group)).map_err(failed)
}

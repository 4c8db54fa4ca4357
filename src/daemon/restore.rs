//! `ecconfigd restore`

use std::path::Path;

use nix::unistd::geteuid;

use super::failure::Failure;
use super::serve::cluster_name;
use super::{backup_file, limits, lock, user, verify};
use crate::backup::{self, Form};
use crate::layout::Layout;
use crate::{files, libgit2};

/// Puts a backup back into the directory of this layout.
pub(super) fn restore(
    layout: &Layout,
    file: &Path,
    member: bool,
    force_new_cluster: bool,
) -> Result<(), Failure> {
    limits::set_umask();
    libgit2::configure().map_err(Failure::system)?;
    let form = match (member, force_new_cluster) {
        (true, _) => Form::Member,
        (_, true) => Form::NewCluster,
        _ => Form::Alone,
    };
    let archive = backup_file::open(file)?;
    // Root can read the file, and its owner is to own what is restored.
    user::make_state(layout)?;
    let state = layout.state();
    let no_rights = |e| Failure::config(format!("cannot use {}: {e}", state.display()));
    let _owner = files::act_as_owner_of(&state).map_err(no_rights)?;
    let _not_running = lock::take(layout)?;
    let host = cluster_name(layout);
    let stands = backup::restore(layout, archive, form, &host)?;
    if form == Form::Member {
        println!(
            "Key, certificate and accounts are back. Start the server (systemctl start ecconfigd): it becomes a member with another number and gets everything from the others. If they do not know its key any more, let it in: eccfg join HOST."
        );
        return Ok(());
    }
    stands.iter().for_each(|(name, stand)| println!("{}", verify::line(name, stand)));
    println!("All is back. Start the server: systemctl start ecconfigd.");
    if form == Form::NewCluster {
        println!(
            "It stands alone. Let the others in again: eccfg join HOST on each, and restart it."
        );
    }
    if geteuid().is_root() && layout.root() == Path::new("/") {
        println!("What is restored belongs to root, for there is no user ecuser.");
    }
    Ok(())
}

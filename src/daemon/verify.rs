//! `ecconfigd verify`

use std::path::Path;

use super::failure::Failure;
use super::{backup_file, limits};
use crate::backup::{self, Checked, Stand};
use crate::layout::Layout;
use crate::{files, libgit2};

/// Tells whether a backup or a directory is whole, and where each subcluster stands in it.
pub(super) fn verify(layout: &Layout, what: Option<&Path>) -> Result<(), Failure> {
    limits::set_umask();
    libgit2::configure().map_err(Failure::system)?;
    let state = layout.state();
    let what = what.unwrap_or(&state);
    let checked = match what.is_dir() {
        true => {
            let no_rights = |e| Failure::config(format!("cannot read {}: {e}", what.display()));
            let _owner = files::act_as_owner_of(what).map_err(no_rights)?;
            backup::check_directory(what)?
        }
        false => {
            let archive = backup_file::open(what)?;
            // What somebody else has made is not for root to take apart.
            let no_rights = |e| Failure::config(format!("cannot read {}: {e}", state.display()));
            let owner = state.is_dir().then(|| files::act_as_owner_of(&state)).transpose();
            let _owner = owner.map_err(no_rights)?;
            backup::check_archive(archive)?
        }
    };
    let Checked { format, whole, wrong } = checked;
    if let Some(format) = format {
        println!("A backup of {}, made by ecconfigd {}.", date(format.made), format.program);
    }
    whole.iter().for_each(|(name, stand)| println!("{}", line(name, stand)));
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(Failure::data(wrong.join("; "))),
    }
}

/// Where a subcluster stands that is whole.
pub(super) fn line(name: &str, stand: &Stand) -> String {
    let Stand { revision, commit, references, objects } = stand;
    let at = match (revision, commit) {
        (Some(revision), Some(commit)) => format!("revision {revision}, commit {commit}"),
        _ => "no revision yet".to_owned(),
    };
    format!("{name:<24} {at}; whole: {references} references, {objects} objects")
}

fn date(seconds: i64) -> String {
    match time::OffsetDateTime::from_unix_timestamp(seconds) {
        Ok(at) => format!("{} {:02}:{:02} UTC", at.date(), at.hour(), at.minute()),
        Err(_) => format!("second {seconds}"),
    }
}

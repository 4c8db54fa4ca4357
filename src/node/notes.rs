//! Sentences that several commands tell.

use std::fmt::Display;
use std::path::Path;

use super::Error;
use super::output::{Output, shown};
use super::publish::Published;
use super::session::Session;
use super::working_copy::{Conflict, Part, WorkingCopy};
use crate::momentum::ClusterBoot;

/// An edit that was made while the tree was exchanged, and that fits nowhere.
pub fn put_aside(path: &[u8]) -> impl Display {
    format!(
        "a file was edited while it was being updated, and the edit overlaps with what is new: it is \
         kept in {}",
        shown(path)
    )
}

/// The list of conflicts, one a line.
pub fn conflicts(output: Output, conflicts: &[Conflict]) {
    for conflict in conflicts {
        output.answer(format_args!("C    {}  ({})", shown(conflict.path()), conflict.reason()));
    }
}

/// A shell that stands in the working copy stands in the old one after an update.
pub fn invalidated_directory(output: Output, working_copy: &WorkingCopy, here: Option<&Path>) {
    let tree = &working_copy.paths.tree;
    if let Some(here) = here.filter(|here| here.starts_with(tree)) {
        output.say(format_args!(
            "Your current working directory has been invalidated by this update. Type:\n    cd {}",
            here.display()
        ));
    }
}

/// A node does not change its subcluster by itself: all its files would be others.
pub fn other_subcluster(output: Output, boot: Option<&ClusterBoot>, working_copy: &WorkingCopy) {
    let here = &working_copy.parts[0].subcluster;
    if let Some(boot) = boot.filter(|boot| boot.cluster_name != *here) {
        output.warn(format_args!(
            "cluster.boot names the subcluster {}, but {} is of {here}: move it away and run eccfg \
             bootstrap to change over",
            boot.cluster_name,
            working_copy.paths.tree.display()
        ));
    }
}

/// Some paths in a sentence.
pub fn list<'a>(paths: impl Iterator<Item = &'a [u8]>) -> String {
    paths.map(|path| shown(path).to_string()).collect::<Vec<_>>().join(", ")
}

/// A commit that was made, or not.
pub fn published(session: &Session, part: &Part, published: Option<&Published>) {
    let of = if part.prefix.is_empty() { "" } else { " of global" };
    match published {
        None => session.output.say("Nothing to commit"),
        Some(Published { revision: Some(revision), .. }) => {
            session.output.say(format_args!("Committed revision {revision}{of}."));
        }
        Some(Published { commit, .. }) => {
            session.output.say(format_args!("Committed {commit:.12}."))
        }
    }
}

/// Markers are no configuration, and a second conflict on top of one cannot be told apart.
pub fn no_conflicts(working_copy: &WorkingCopy) -> Result<(), Error> {
    let open = working_copy.conflicts()?;
    match open.is_empty() {
        true => Ok(()),
        false => Err(Error::Refused(format!(
            "files are in conflict: {}; mend them, then eccfg resolve FILE",
            list(open.iter().map(Vec::as_slice))
        ))),
    }
}

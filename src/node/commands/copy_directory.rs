//! `eccfg clone` and `eccfg overlay`: a directory of the repository becomes like another, in one
//! commit.

use crate::node::args::Directories;
use crate::node::output::shown;
use crate::node::path_argument::{is_within, resolve};
use crate::node::publish::{Work, publish};
use crate::node::session::Session;
use crate::node::working_copy::{BOOT, Leaf, Listing, obstacle};
use crate::node::{Error, notes};

/// What becomes of files that only the destination has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Others {
    Deleted,
    Kept,
}

pub fn run(session: &Session, options: &Directories, others: Others) -> Result<(), Error> {
    let (_lock, working_copy) = session.change()?;
    let (source, destination) =
        (resolve(&working_copy, &options.source)?, resolve(&working_copy, &options.destination)?);
    let ((part, from), (other, to)) =
        (working_copy.locate(&source), working_copy.locate(&destination));
    if part.prefix != other.prefix || from.is_empty() || to.is_empty() || from == to {
        return Err(Error::Usage(format!(
            "{} and {} must be two directories of the same repository",
            shown(&source),
            shown(&destination)
        )));
    }
    for (inner, outer) in [(from, to), (to, from)] {
        if is_within(inner, outer) {
            return Err(Error::Usage(format!(
                "{} lies in {}: neither can become like the other",
                shown(inner),
                shown(outer)
            )));
        }
    }
    let what = if others == Others::Deleted { "Clone" } else { "Overlay" };
    let default = format!("{what} {} to {}", shown(&source), shown(&destination));
    let message = options.message.clone().unwrap_or(default);
    let mut remote = session.connect(&working_copy)?;
    let author = session.author();
    let work = Work { part, branch: BOOT, author, message: &message };
    let published = publish(session, &mut remote, &work, |files| copied(files, from, to, others))?;
    notes::published(session, part, published.as_ref());
    Ok(())
}

fn copied(files: &Listing, from: &[u8], to: &[u8], others: Others) -> Result<Listing, Error> {
    let inside = |directory: &[u8]| [directory, b"/"].concat();
    let (from_inside, to_inside) = (inside(from), inside(to));
    let moved = |(path, leaf): (&Vec<u8>, &Leaf)| {
        let rest = path.strip_prefix(&from_inside[..])?;
        Some(([&to_inside[..], rest].concat(), *leaf))
    };
    let new: Listing = files.iter().filter_map(moved).collect();
    if new.is_empty() {
        return Err(Error::Refused(format!(
            "the newest revision has no directory {}",
            shown(from)
        )));
    }
    let stays = |path: &Vec<u8>| others == Others::Kept || !path.starts_with(&to_inside);
    let mut result: Listing = files
        .iter()
        .filter(|(path, _)| stays(path))
        .map(|(path, leaf)| (path.clone(), *leaf))
        .collect();
    for (path, leaf) in new {
        if let Some(other) = obstacle(&result, &path) {
            return Err(Error::Refused(format!(
                "{} cannot be made, for {} is there",
                shown(&path),
                shown(other)
            )));
        }
        result.insert(path, leaf);
    }
    Ok(result)
}

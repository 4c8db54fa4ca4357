//! `eccfg delete`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::node::Error;
use crate::node::output::shown;
use crate::node::path_argument::{is_within, resolve};
use crate::node::session::Session;
use crate::node::working_copy::{Letter, WorkingCopy};

pub fn run(session: &Session, files: &[PathBuf]) -> Result<(), Error> {
    let (lock, working_copy) = session.change()?;
    let mut all = BTreeSet::new();
    for file in files {
        let path = resolve(&working_copy, file)?;
        all.extend(doomed(&working_copy, &path)?);
    }
    let all: Vec<Vec<u8>> = all.into_iter().collect();
    working_copy.delete(&lock, &all)?;
    for path in all {
        session.output.say(format_args!("D    {}", shown(&path)));
    }
    Ok(())
}

/// The files that are meant, if nothing would be lost that no revision has.
fn doomed(working_copy: &WorkingCopy, path: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let refuse = |why: &str| Err(Error::Refused(format!("{} {why}", shown(path))));
    if path.is_empty() {
        return refuse("the whole working copy cannot be deleted");
    }
    let known = working_copy.known_files()?;
    let doomed: Vec<_> = known.into_iter().filter(|known| is_within(known, path)).collect();
    if doomed.is_empty() {
        return refuse("is not under version control: remove it with rm");
    }
    for change in working_copy.changes()? {
        let changed = working_copy.path_of(&change);
        let is_lost = !matches!(change.letter, Letter::Missing | Letter::Deleted);
        if is_lost && is_within(&changed, path) {
            return refuse(&format!(
                "is not deleted: {} has changes that no revision has; revert or remove it first",
                shown(&changed)
            ));
        }
    }
    Ok(doomed)
}

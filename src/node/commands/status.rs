//! `eccfg status`.

use std::path::PathBuf;

use crate::node::Error;
use crate::node::output::shown;
use crate::node::path_argument::{is_within, resolve};
use crate::node::session::Session;
use crate::node::working_copy::{Change, WorkingCopy};

pub fn run(session: &Session, files: &[PathBuf]) -> Result<(), Error> {
    let working_copy = session.working_copy()?;
    for change in asked(&working_copy, files)? {
        let path = working_copy.path_of(&change);
        session.output.answer(format_args!("{}    {}", change.letter, shown(&path)));
    }
    Ok(())
}

/// The changes to these files and directories; all of them if none is named.
pub fn asked(working_copy: &WorkingCopy, files: &[PathBuf]) -> Result<Vec<Change>, Error> {
    let paths: Vec<Vec<u8>> =
        files.iter().map(|file| resolve(working_copy, file)).collect::<Result<_, _>>()?;
    let mut changes = working_copy.changes()?;
    if !paths.is_empty() {
        for path in &paths {
            must_be_somewhere(working_copy, path, &changes)?;
        }
        changes.retain(|change| {
            let path = working_copy.path_of(change);
            paths.iter().any(|asked| is_within(&path, asked))
        });
    }
    Ok(changes)
}

/// A name that was mistyped must not look like one without changes.
fn must_be_somewhere(
    working_copy: &WorkingCopy,
    path: &[u8],
    changes: &[Change],
) -> Result<(), Error> {
    let is_changed = changes.iter().any(|change| is_within(&working_copy.path_of(change), path));
    match is_changed || working_copy.has(path) {
        true => Ok(()),
        false => Err(Error::Refused(format!(
            "there is no {} in the working copy, nor was there in its revision",
            shown(path)
        ))),
    }
}

//! `eccfg diff`.

use std::io::{Write, stdout};
use std::path::PathBuf;

use git2::{DiffOptions, Patch};

use super::status::asked;
use crate::node::Error;
use crate::node::output::shown;
use crate::node::session::Session;
use crate::node::working_copy::{Change, Letter, WorkingCopy};

pub fn run(session: &Session, files: &[PathBuf]) -> Result<(), Error> {
    let working_copy = session.working_copy()?;
    for change in asked(&working_copy, files)? {
        if change.letter != Letter::Unknown {
            show(&working_copy, &change)?;
        }
    }
    Ok(())
}

fn show(working_copy: &WorkingCopy, change: &Change) -> Result<(), Error> {
    let repository = &working_copy.parts[change.part].repository;
    let before = match change.before {
        Some(leaf) => repository.find_blob(leaf.id)?.content().to_vec(),
        None => Vec::new(),
    };
    let now = working_copy.content(change)?.unwrap_or_default();
    let path = shown(&working_copy.path_of(change)).to_string();
    let mut options = DiffOptions::new();
    let name = Some(std::path::Path::new(&path));
    let mut patch = Patch::from_buffers(&before, name, &now, name, Some(&mut options))?;
    // Nobody is there to be told that the reader has gone.
    let _ = stdout().write_all(&patch.to_buf()?);
    Ok(())
}

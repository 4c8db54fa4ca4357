//! `eccfg diff`: what `git diff HEAD` shows, of the subcluster and of `global` at once.

use std::path::PathBuf;

use git2::{DiffFormat, DiffOptions};

use super::status::asked;
use crate::node::Error;
use crate::node::session::Session;
use crate::node::working_copy::{Change, Letter, Listing, WorkingCopy, write_tree};

pub fn run(session: &Session, files: &[PathBuf]) -> Result<(), Error> {
    let working_copy = session.working_copy()?;
    let changes = asked(&working_copy, files)?;
    let mut patch = Vec::new();
    for number in 0..working_copy.parts.len() {
        let is_shown = |c: &&Change| c.part == number && c.letter != Letter::Unknown;
        let of_part: Vec<&Change> = changes.iter().filter(is_shown).collect();
        patch.extend(patch_of(&working_copy, number, &of_part)?);
    }
    session.output.content(&patch)
}

fn patch_of(
    working_copy: &WorkingCopy,
    number: usize,
    changes: &[&Change],
) -> Result<Vec<u8>, Error> {
    let part = &working_copy.parts[number];
    let objects = part.repository.odb()?;
    // Whoever only looks writes nothing: what stands on disk becomes objects in memory.
    let _memory = objects.add_new_mempack_backend(i32::MAX)?;
    let (mut before, mut now) = (Listing::new(), Listing::new());
    for change in changes {
        before.extend(change.before.map(|leaf| (change.path.clone(), leaf)));
        now.extend(working_copy.store(change)?.map(|leaf| (change.path.clone(), leaf)));
    }
    let tree = |files| part.repository.find_tree(write_tree(&part.repository, files)?);
    let mut options = DiffOptions::new();
    options.old_prefix(format!("a/{}", part.prefix)).new_prefix(format!("b/{}", part.prefix));
    let (before, now) = (tree(&before)?, tree(&now)?);
    let diff = part.repository.diff_tree_to_tree(Some(&before), Some(&now), Some(&mut options))?;
    let mut patch = Vec::new();
    diff.print(DiffFormat::Patch, |_, _, line| {
        if matches!(line.origin(), '+' | '-' | ' ') {
            patch.push(line.origin() as u8);
        }
        patch.extend_from_slice(line.content());
        true
    })?;
    Ok(patch)
}

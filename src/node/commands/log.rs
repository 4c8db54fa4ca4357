//! `eccfg log`.

use std::path::Path;

use git2::{Commit, Delta, Oid, Repository};

use crate::node::Error;
use crate::node::history::{revisions, time};
use crate::node::output::shown;
use crate::node::path_argument::{is_within, resolve};
use crate::node::session::Session;
use crate::node::working_copy::{Letter, Part};

const LINE: &str = "------------------------------------------------------------------------";

/// A path that a revision changed.
type Changed = (Letter, Vec<u8>);

pub fn run(session: &Session, number: Option<usize>, file: Option<&Path>) -> Result<(), Error> {
    let working_copy = session.working_copy()?;
    let path = file.map(|file| resolve(&working_copy, file)).transpose()?.unwrap_or_default();
    let (part, path) = working_copy.locate(&path);
    let Some(newest) = part.upstream() else { return Ok(()) };
    let all = revisions(&part.repository, newest)?;
    let most = number.unwrap_or(usize::MAX);
    let mut left = most;
    for (number, &id) in (1..=all.len()).rev().zip(&all) {
        if left == 0 {
            break;
        }
        let commit = part.repository.find_commit(id)?;
        let changed = changed(&part.repository, &commit)?;
        if path.is_empty() || changed.iter().any(|(_, other)| is_within(other, path)) {
            show(session, part, number, &commit, &changed);
            left -= 1;
        }
    }
    if left == most && most > 0 {
        let path = shown(&part.path(path)).to_string();
        return Err(Error::Refused(format!("no revision knows {path}")));
    }
    session.output.answer(LINE);
    Ok(())
}

fn show(session: &Session, part: &Part, number: usize, commit: &Commit<'_>, changed: &[Changed]) {
    let answer = |line: &str| session.output.answer(line);
    let author = shown(commit.author().name_bytes()).to_string();
    answer(LINE);
    answer(&format!(
        "r{number} | {author} | {} | {:.7}",
        time(commit.time()),
        commit.id().to_string()
    ));
    answer("Changed paths:");
    for (letter, path) in changed {
        answer(&format!("   {letter} {}", shown(&part.path(path))));
    }
    answer("");
    for line in String::from_utf8_lossy(commit.message_bytes()).trim_end().lines() {
        answer(&shown(line.as_bytes()).to_string());
    }
}

fn changed(repository: &Repository, commit: &Commit<'_>) -> Result<Vec<Changed>, Error> {
    let parent: Option<Oid> = commit.parent_id(0).ok();
    let before = parent.map(|id| repository.find_commit(id)?.tree()).transpose()?;
    let diff = repository.diff_tree_to_tree(before.as_ref(), Some(&commit.tree()?), None)?;
    let one = |delta: git2::DiffDelta<'_>| {
        let letter = match delta.status() {
            Delta::Added => Letter::Added,
            Delta::Deleted => Letter::Deleted,
            _ => Letter::Modified,
        };
        let path = delta.new_file().path_bytes().or(delta.old_file().path_bytes());
        (letter, path.unwrap_or_default().to_vec())
    };
    Ok(diff.deltas().map(one).collect())
}

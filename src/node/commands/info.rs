//! `eccfg info`: the lines that Subversion prints, for scripts that read them.

use git2::{Commit, Oid};

use crate::node::Error;
use crate::node::history::{revisions, time};
use crate::node::session::Session;
use crate::node::working_copy::{Part, WorkingCopy};

pub fn run(session: &Session) -> Result<(), Error> {
    let working_copy = session.working_copy()?;
    let part = &working_copy.parts[0];
    let root = part.origin()?;
    let say = |name: &str, value: &dyn std::fmt::Display| {
        session.output.answer(format_args!("{name}: {value}"));
    };
    say("Path", &working_copy.paths.tree.display());
    say("Subcluster", &part.subcluster);
    say("URL", &format_args!("{root}/boot"));
    say("Repository Root", &root);
    let all = revisions(&part.repository, known_to_all(&working_copy, part)?)?;
    let first = all.last().expect("a commit is a revision of its own");
    say("Repository UUID", &first);
    say("Revision", &all.len());
    let commit: Commit<'_> = part.repository.find_commit(all[0])?;
    say("Last Changed Author", &String::from_utf8_lossy(commit.author().name_bytes()));
    say("Last Changed Rev", &all.len());
    say("Last Changed Date", &time(commit.time()));
    say("Commit", &all[0]);
    Ok(())
}

/// The revision that is checked out. On top of it there may be what was committed from here while
/// others committed as well.
fn known_to_all(working_copy: &WorkingCopy, part: &Part) -> Result<Oid, Error> {
    let head = working_copy.head(part)?;
    let Some(newest) = part.upstream() else { return Ok(head) };
    let known = revisions(&part.repository, newest)?;
    let own = revisions(&part.repository, head)?;
    Ok(own.into_iter().find(|id| known.contains(id)).unwrap_or(head))
}

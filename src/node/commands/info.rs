//! `eccfg info`: the lines that Subversion prints, for scripts that read them.

use git2::Commit;

use crate::node::Error;
use crate::node::history::{revisions, time};
use crate::node::session::Session;

pub fn run(session: &Session) -> Result<(), Error> {
    let working_copy = session.working_copy()?;
    let part = &working_copy.parts[0];
    let newest = part.upstream();
    let root = part.origin()?;
    let say = |name: &str, value: &dyn std::fmt::Display| {
        session.output.answer(format_args!("{name}: {value}"));
    };
    say("Path", &working_copy.paths.tree.display());
    say("Subcluster", &part.subcluster);
    say("URL", &format_args!("{root}/boot"));
    say("Repository Root", &root);
    let Some(newest) = newest else { return Ok(()) };
    let all = revisions(&part.repository, newest)?;
    let first = all.last().expect("a commit is a revision of its own");
    say("Repository UUID", &first);
    say("Revision", &all.len());
    let commit: Commit<'_> = part.repository.find_commit(newest)?;
    say("Last Changed Author", &String::from_utf8_lossy(commit.author().name_bytes()));
    say("Last Changed Rev", &all.len());
    say("Last Changed Date", &time(commit.time()));
    say("Commit", &newest);
    Ok(())
}

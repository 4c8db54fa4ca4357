//! `eccfg cat`.

use std::path::Path;

use crate::node::Error;
use crate::node::history::find;
use crate::node::output::shown;
use crate::node::path_argument::resolve;
use crate::node::session::Session;

pub fn run(session: &Session, revision: Option<&str>, file: &Path) -> Result<(), Error> {
    let working_copy = session.working_copy()?;
    let whole = resolve(&working_copy, file)?;
    let (part, path) = working_copy.locate(&whole);
    let head = match (revision, part.upstream()) {
        (Some(text), Some(newest)) => find(&part.repository, newest, text)?.commit.id(),
        _ => working_copy.head(part)?,
    };
    let files = part.files(Some(head))?;
    let leaf = files.get(path).ok_or_else(|| {
        let at =
            revision.map_or("the working copy's revision".to_owned(), |r| format!("revision {r}"));
        Error::Refused(format!("there is no file {} in {at}", shown(&whole)))
    })?;
    let blob = part.repository.find_blob(leaf.id)?;
    session.output.content(blob.content())
}

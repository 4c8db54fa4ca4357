//! `eccfg resolve`.

use std::path::PathBuf;

use super::status::asked;
use crate::node::Error;
use crate::node::output::shown;
use crate::node::session::Session;
use crate::node::working_copy::Letter;

const MARKER: &[u8] = b"<<<<<<< local";

pub fn run(session: &Session, revert: bool, files: &[PathBuf]) -> Result<(), Error> {
    let (lock, working_copy) = session.change()?;
    let mut changes = asked(&working_copy, files)?;
    changes.retain(|change| change.letter == Letter::Conflict);
    if changes.is_empty() {
        session.output.say("None of these is in conflict.");
    }
    for change in changes {
        let path = working_copy.path_of(&change);
        let content = working_copy.content(&change)?.unwrap_or_default();
        if !revert && content.split(|&byte| byte == b'\n').any(|line| line.starts_with(MARKER)) {
            return Err(Error::Refused(format!(
                "{} still has the markers of the conflict: edit it until it is right, then resolve \
                 it again",
                shown(&path)
            )));
        }
        match revert {
            true => working_copy.revert(&lock, &change)?,
            false => working_copy.settle(&lock, &change)?,
        }
        session.output.say(format_args!("Resolved conflict of {}", shown(&path)));
    }
    Ok(())
}

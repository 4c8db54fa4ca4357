//! `eccfg revert`.

use std::path::PathBuf;

use super::status::asked;
use crate::node::Error;
use crate::node::output::shown;
use crate::node::session::Session;
use crate::node::working_copy::Letter;

pub fn run(session: &Session, files: &[PathBuf]) -> Result<(), Error> {
    let (lock, working_copy) = session.change()?;
    for change in asked(&working_copy, files)? {
        // What git does not know it cannot bring back either.
        if change.letter != Letter::Unknown {
            working_copy.revert(&lock, &change)?;
            let path = working_copy.path_of(&change);
            session.output.say(format_args!("Reverted {}", shown(&path)));
        }
    }
    Ok(())
}

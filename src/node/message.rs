//! Why something is committed.

use super::Error;
use super::session::Session;

/// What was given, or what the person at the terminal says.
pub fn ask(session: &Session, given: Option<&str>) -> Result<String, Error> {
    let message = match given {
        Some(message) => Some(message.to_owned()),
        None => session.output.ask_for("Why? "),
    };
    message.filter(|message| !message.trim().is_empty()).ok_or_else(|| {
        Error::Usage("a commit needs a reason: give it with --message TEXT".to_owned())
    })
}

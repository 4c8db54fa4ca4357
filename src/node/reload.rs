//! Tells the mail server to read its configuration again.

use super::Error;
use super::command::{NOT_FOUND, run as run_command, said};
use super::debug::step;
use super::session::Session;

/// The command, for `sh`.
const COMMAND: &str = "ec_console /tmp/2025 config reload";
/// What replaces it, in the environment or the file `environment`.
const VARIABLE: &str = "ECCFG_RELOAD";

/// Runs the command. A mail server that is not installed need not be told.
pub fn run(session: &Session) -> Result<(), Error> {
    let command = session.variable(VARIABLE)?.unwrap_or_else(|| COMMAND.to_owned());
    let failed = |why: &str| {
        Error::Reload(format!(
            "the files are up to date, but the running process was not told to reload: {command}: \
             {why}"
        ))
    };
    let output = step(format_args!("reload: {command}"), || run_command(session, &command));
    let output = output.map_err(|why| failed(&why))?;
    if output.status.code() == Some(NOT_FOUND) {
        session.output.warn(format_args!("nothing was told to reload: {}", said(&output)));
        return Ok(());
    }
    match output.status.success() {
        true => Ok(()),
        false => Err(failed(&said(&output))),
    }
}

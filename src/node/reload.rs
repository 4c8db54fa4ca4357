//! Tells the mail server to read its configuration again. That it is still to be told is noted before
//! its files change, so that the next pull does what this one could not.

use std::fs::{self, File};
use std::io::ErrorKind;

use super::Error;
use super::command::{NOT_FOUND, run as run_command, said};
use super::debug::step;
use super::session::Session;
use super::working_copy::Paths;

/// The command, for `sh`.
const COMMAND: &str = "ec_console /tmp/2025 config reload";
/// What replaces it, in the environment or the file `environment`.
const VARIABLE: &str = "ECCFG_RELOAD";

/// Notes that the mail server is to be told.
pub fn owe(paths: &Paths) -> Result<(), Error> {
    let file = paths.reload();
    File::create(&file).map(drop).map_err(Error::file(&file))
}

/// Whether it is still to be told.
pub fn is_owed(paths: &Paths) -> bool {
    paths.reload().exists()
}

/// Notes that it need not be told.
pub fn settle(paths: &Paths) -> Result<(), Error> {
    let file = paths.reload();
    match fs::remove_file(&file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::file(&file)(error)),
        _ => Ok(()),
    }
}

/// Runs the command. A mail server that is not installed need not be told.
pub fn run(session: &Session, paths: &Paths) -> Result<(), Error> {
    let command = session.variable(VARIABLE)?.unwrap_or_else(|| COMMAND.to_owned());
    let failed = |why: &str| {
        Error::Reload(format!(
            "the files are up to date, but the running process was not told to reload, which the next \
             pull tries again: {command}: {why}"
        ))
    };
    let output = step(format_args!("reload: {command}"), || run_command(session, &command));
    let output = output.map_err(|why| failed(&why))?;
    if output.status.code() == Some(NOT_FOUND) {
        session.output.warn(format_args!("nothing was told to reload: {}", said(&output)));
        return settle(paths);
    }
    match output.status.success() {
        true => settle(paths),
        false => Err(failed(&said(&output))),
    }
}

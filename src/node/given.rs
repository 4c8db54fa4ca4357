//! What a command line names that perhaps only its caller may read.

use std::fs;
use std::path::Path;

use super::Error;
use super::args::{Command, Put};
use super::trust::Trust;

/// Read before root becomes the service's user.
#[derive(Default)]
pub struct Given {
    /// Those of `--ca-file`.
    pub authorities: Option<Trust>,
    /// The content of the file that is to be put.
    pub source: Vec<u8>,
}

impl Given {
    /// Reads what this command is given.
    pub fn read(command: &Command) -> Result<Self, Error> {
        let authorities = |file: &Option<_>| file.as_deref().map(Trust::of_authorities).transpose();
        let meeting = match command {
            Command::Bootstrap(options) => &options.meeting,
            Command::Join(options) => &options.meeting,
            Command::Trust(options) => &options.meeting,
            Command::Put(Put { source, destination: Some(_), .. }) => {
                return Ok(Self { source: content(source)?, ..Self::default() });
            }
            _ => return Ok(Self::default()),
        };
        Ok(Self { authorities: authorities(&meeting.ca_file)?, ..Self::default() })
    }
}

fn content(source: &Path) -> Result<Vec<u8>, Error> {
    let source = std::path::absolute(source).map_err(Error::file(source))?;
    fs::read(&source).map_err(Error::file(&source))
}

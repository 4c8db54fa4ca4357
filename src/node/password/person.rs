//! The password of a person.

use std::env;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::{User, getuid};

use super::{Login, VARIABLE, first_line};
use crate::node::args::Common;
use crate::node::{Error, remote};

/// Far more than any password has.
const MAX_FILE: u64 = 64 << 10;

/// Who asks, and the password from where it is first found: `--password`, the environment variable
/// [`VARIABLE`], `--password-file`, the terminal.
///
/// # Errors
/// [`Error::Usage`] if there is no name, [`Error::File`] if the file cannot be read,
/// [`remote::Error::Authentication`] if there is no password and nobody to ask.
pub(in crate::node) fn of_person(common: &Common, caller: Option<&str>) -> Result<Login, Error> {
    let name = common.username.as_deref().or(caller).ok_or_else(|| {
        Error::Usage("who you are cannot be found out: give --username NAME".into())
    })?;
    // HTTP Basic divides name and password by the first colon (RFC 7617).
    if name.is_empty() || name.contains(':') {
        return Err(Error::Usage(format!("{name:?} cannot be the name of an account")));
    }
    let given = common.password.clone().or_else(|| env::var(VARIABLE).ok());
    let password = match (given, &common.password_file) {
        (Some(password), _) => password,
        (None, Some(path)) => read(path)?,
        (None, None) => ask(name)?,
    };
    Ok(Login::new(name, password))
}

/// `$USER`, or without it the name of the account that runs this.
pub(in crate::node) fn caller() -> Option<String> {
    let variable = env::var("USER").ok().filter(|name| !name.is_empty());
    variable.or_else(|| User::from_uid(getuid()).ok().flatten().map(|user| user.name))
}

fn read(path: &Path) -> Result<String, Error> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_file() && metadata.mode() & 0o077 != 0 {
        tracing::warn!("others than its owner may read {}: run `chmod 600` on it", path.display());
    }
    let mut text = String::new();
    file.take(MAX_FILE).read_to_string(&mut text).map_err(failed)?;
    match first_line(&text) {
        "" => Err(Error::Usage(format!("{}: the first line is empty", path.display()))),
        password => Ok(password.to_owned()),
    }
}

fn ask(name: &str) -> Result<String, Error> {
    rpassword::prompt_password(format!("Password of {name}: ")).map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::UnexpectedEof => "none was entered".to_owned(),
            _ => format!("there is no terminal to ask on ({error})"),
        };
        remote::Error::Authentication(format!(
            "the server wants the password of {name}, and {why}: give --password-file FILE, or set {VARIABLE}"
        ))
        .into()
    })
}

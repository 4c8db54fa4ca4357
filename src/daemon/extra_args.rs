//! `EXTRA_ARGS`: further arguments of the caller, or else of the file `environment`.
//!
//! The unit does not name that file (EnvironmentFile=): systemd would read it as root, and would leave
//! out lines that begin with `export`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use super::failure::Failure;
use crate::momentum::Environment;

const NAME: &str = "EXTRA_ARGS";

/// The words.
#[derive(Debug)]
pub(super) struct ExtraArgs {
    pub(super) words: Vec<OsString>,
    /// Where they stand, for people.
    pub(super) origin: String,
    /// What people should look at.
    pub(super) warnings: Vec<String>,
}

impl ExtraArgs {
    /// Those of the environment; `None` if there is no such variable, which is not the same as an
    /// empty one.
    pub(super) fn of_caller() -> Option<Result<Self, Failure>> {
        let value = std::env::var_os(NAME)?;
        Some(Self::new(&value, NAME.to_owned(), Vec::new()))
    }

    /// Those of the file. One that cannot be read keeps nobody from starting.
    pub(super) fn of_file(path: &Path) -> Result<Self, Failure> {
        let origin = format!("{NAME} in {}", path.display());
        match Environment::read(path) {
            Ok(environment) => {
                let value = environment.variables.get(NAME).map(String::as_str).unwrap_or_default();
                Self::new(value.as_ref(), origin, warnings(&environment, path))
            }
            Err(error) => {
                let warning = format!(
                    "{origin} is not known, for the file cannot be read: {error}; let the user of this service read it",
                );
                Self::new(OsStr::new(""), origin, vec![warning])
            }
        }
    }

    fn new(value: &OsStr, origin: String, warnings: Vec<String>) -> Result<Self, Failure> {
        match shlex::bytes::split(value.as_bytes()) {
            Some(words) => {
                let words = words.into_iter().map(OsString::from_vec).collect();
                Ok(Self { words, origin, warnings })
            }
            None => Err(Failure::usage(format!(
                "{origin}: a quote does not end; mend it in the environment file"
            ))),
        }
    }
}

/// The file is made for shells, and most of what else it may say has no meaning here.
fn warnings(environment: &Environment, path: &Path) -> Vec<String> {
    let (path, bad_lines) = (path.display(), environment.bad_lines.iter());
    let ours = bad_lines.filter(|bad| bad.text.contains(NAME));
    ours.map(|bad| format!("{path} line {} is left out: {}", bad.line, bad.problem)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_words_stay_together() {
        let words = |value: &str| ExtraArgs::new(value.as_ref(), NAME.into(), Vec::new());
        assert_eq!(words("--root '/a b' --debug").unwrap().words, ["--root", "/a b", "--debug"]);
        assert!(words("--root 'x").is_err());
    }
}

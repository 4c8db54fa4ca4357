//! Why the program ends with less than success: a sentence for people, a code for programs
//! (sysexits(3)).

use std::fmt::Display;
use std::process::ExitCode;

use crate::{accounts, repository, tls};

/// The target of the line that tells why the program ends, which no log level leaves out.
pub(super) const TARGET: &str = module_path!();

/// Wrong usage of the command line.
const EX_USAGE: u8 = 64;
const EX_UNAVAILABLE: u8 = 69;
const EX_OSERR: u8 = 71;
const EX_CANTCREAT: u8 = 73;
const EX_TEMPFAIL: u8 = 75;
const EX_CONFIG: u8 = 78;

/// A failure that ends the program.
#[derive(Debug)]
pub(super) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    fn new(code: u8, message: impl Display) -> Self {
        Self { code, message: message.to_string() }
    }

    /// The command line is wrong.
    pub(super) fn usage(message: impl Display) -> Self {
        Self::new(EX_USAGE, message)
    }

    /// Something the server needs is not to be had, such as its port.
    pub(super) fn unavailable(message: impl Display) -> Self {
        Self::new(EX_UNAVAILABLE, message)
    }

    /// The system failed.
    pub(super) fn system(message: impl Display) -> Self {
        Self::new(EX_OSERR, message)
    }

    /// A file or directory cannot be made.
    pub(super) fn cannot_create(message: impl Display) -> Self {
        Self::new(EX_CANTCREAT, message)
    }

    /// It may work later.
    pub(super) fn temporary(message: impl Display) -> Self {
        Self::new(EX_TEMPFAIL, message)
    }

    /// A file of the operator's is wrong.
    pub(super) fn config(message: impl Display) -> Self {
        Self::new(EX_CONFIG, message)
    }

    /// Tells it, to the log if there is one, and gives the exit code.
    pub(super) fn tell(&self) -> ExitCode {
        if tracing::dispatcher::has_been_set() {
            tracing::error!(target: TARGET, "{}", self.message);
        } else {
            eprintln!("ecconfigd: {}", self.message);
        }
        ExitCode::from(self.code)
    }
}

impl From<accounts::Error> for Failure {
    fn from(error: accounts::Error) -> Self {
        match error {
            accounts::Error::BadName(_) | accounts::Error::BadPassword => Self::usage(error),
            accounts::Error::File { .. }
            | accounts::Error::BadLine { .. }
            | accounts::Error::Hash(_) => Self::config(error),
        }
    }
}

impl From<tls::Error> for Failure {
    fn from(error: tls::Error) -> Self {
        Self::config(error)
    }
}

impl From<repository::Error> for Failure {
    fn from(error: repository::Error) -> Self {
        Self::system(format!("the repositories cannot be used: {error}"))
    }
}

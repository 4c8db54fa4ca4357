//! Why the program ends with less than success: a sentence for people, a code for programs
//! (sysexits(3)).

use std::fmt::Display;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::ExitCode;

use crate::{accounts, backup, repository, tls};

/// The target of the line that tells why the program ends, which no log level leaves out.
pub(super) const TARGET: &str = module_path!();

/// Wrong usage of the command line.
const EX_USAGE: u8 = 64;
/// What was given is not what it should be.
const EX_DATAERR: u8 = 65;
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

    /// A file of the server's cannot be written.
    pub(super) fn cannot_write(path: &Path, error: &io::Error) -> Self {
        let advice = advice(error);
        Self::cannot_create(format!("cannot write {}: {error}{advice}", path.display()))
    }

    /// The directory of the repositories cannot be used.
    pub(super) fn repositories(dir: &Path, error: repository::Error) -> Self {
        use repository::Error::{DiskFull, DiskReadOnly, Io};
        let (code, advice) = match &error {
            DiskFull => (EX_CANTCREAT, advice(&ErrorKind::StorageFull.into())),
            DiskReadOnly => (EX_CANTCREAT, advice(&ErrorKind::ReadOnlyFilesystem.into())),
            Io(cause) => (EX_CONFIG, advice(cause)),
            _ => (EX_OSERR, ""),
        };
        let dir = dir.display();
        Self::new(code, format!("the repositories in {dir} cannot be used: {error}{advice}"))
    }

    /// The log has ended by itself.
    pub(super) fn log(cause: &str) -> Self {
        Self::system(format!(
            "the cluster's log cannot go on, and this server ends, to look through all of it when it starts again: {cause}"
        ))
    }

    /// What was given to be read is damaged.
    pub(super) fn data(message: impl Display) -> Self {
        Self::new(EX_DATAERR, message)
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

/// What to do about it, if that is clear.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::PermissionDenied => {
            "; it and its directory must belong to the user of this service, nobody else but root can do this"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "; make room on this disk",
        ErrorKind::ReadOnlyFilesystem => {
            "; mount it for writing (dmesg tells if a fault of the disk made it read-only)"
        }
        _ => "",
    }
}

impl From<accounts::Error> for Failure {
    fn from(error: accounts::Error) -> Self {
        use accounts::Error::{
            BadLine, BadName, BadPassword, File, Gone, Hash, InHtDigest, LastAdministrator,
            NoAccount,
        };
        match &error {
            BadName(_) | BadPassword => Self::usage(error),
            NoAccount(_) | LastAdministrator(_) | InHtDigest { .. } => Self::usage(error),
            BadLine { .. } | Gone { .. } => Self::config(error),
            File { action: "read", source, .. } => {
                Self::config(format!("{error}{}", advice(source)))
            }
            File { source, .. } => Self::cannot_create(format!("{error}{}", advice(source))),
            Hash(_) => Self::system(error),
        }
    }
}

impl From<backup::Error> for Failure {
    fn from(error: backup::Error) -> Self {
        use backup::Error::{File, Refused, Write};
        match &error {
            _ if error.is_full_disk() => {
                Self::cannot_create(format!("{error}{}", advice(&ErrorKind::StorageFull.into())))
            }
            File { source, .. } | Write(source) => {
                Self::cannot_create(format!("{error}{}", advice(source)))
            }
            Refused(_) => Self::usage(error),
            _ if error.is_of_the_content() => Self::data(error),
            _ => Self::system(error),
        }
    }
}

impl From<tls::Error> for Failure {
    fn from(error: tls::Error) -> Self {
        match error {
            tls::Error::Write(..) => Self::cannot_create(error),
            tls::Error::Tls(_) => Self::system(error),
            _ => Self::config(error),
        }
    }
}

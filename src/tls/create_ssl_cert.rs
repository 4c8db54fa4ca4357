//! The command `create_ssl_cert SERVICE HOSTNAME PREFIX [USER]`.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use clap::{Parser, ValueEnum};
use nix::unistd::geteuid;

use super::error::Error;
use super::files::PairFiles;
use super::key::Key;
use super::names::Names;
use super::pair::Pair;
use super::upkeep::{generate, is_operators, renew};
use crate::files::{Owner, OwnerError, become_account, is_roots};
use crate::process;

/// Make a self-signed certificate, or renew one: PREFIX/server.key and PREFIX/server.crt.
///
/// A key that is there is kept, and a certificate that this command did not make.
#[derive(Debug, Parser)]
#[command(name = "create_ssl_cert", version)]
pub struct Arguments {
    /// The service that will use the certificate
    service: Service,
    /// The host name by which clients reach this machine
    hostname: String,
    /// The directory to write to, /var/ecconfigd/apache for ecconfigd; made if missing
    prefix: PathBuf,
    /// The account that is to own the files
    #[arg(default_value = "ecuser")]
    user: String,
    /// Make a new key even if there is one
    #[arg(long)]
    new_key: bool,
    /// Overwrite a certificate that this command did not make
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Service {
    Ecconfigd,
    Ecwebui,
    Msyspg,
}

/// Runs the command with the words of its command line, the first its own name.
///
/// The exit code is one of sysexits(3).
pub fn main(
    words: impl IntoIterator<Item = OsString>,
    out: &mut impl Write,
    err: &mut impl Write,
) -> ExitCode {
    process::harden();
    // Nothing is left to be done for a reader that has gone away.
    let (code, _) = match Arguments::try_parse_from(words) {
        Err(help) if !help.use_stderr() => (0, write!(out, "{help}")),
        Err(usage) => (64, write!(err, "{usage}")),
        Ok(arguments) => match arguments.run() {
            Ok(done) => (0, write!(out, "{done}")),
            Err(error) => (exit_code(&error), writeln!(err, "create_ssl_cert: {error}")),
        },
    };
    ExitCode::from(code)
}

impl Arguments {
    /// Makes the certificate and says what there is to know about it.
    fn run(self) -> Result<String, Error> {
        let names = Names::of_machine(&self.hostname)?;
        let owner = Owner::account(&self.user, geteuid())?;
        let prefix = std::path::absolute(&self.prefix)
            .map_err(|error| Error::Write(self.prefix.clone(), error))?;
        let files = PairFiles::new(&prefix, owner);
        self.become_user(&prefix, &files)?;
        files.create_directory()?;
        let _lock = files.lock()?;
        if !self.force && is_operators(&files)? {
            return Err(Error::Operators(files.certificate));
        }
        let key = match self.kept_key(&files)? {
            Some(key) => key,
            None => generate(&files)?,
        };
        renew(&files, &key, &names, SystemTime::now())?;
        Ok(self.report(&files, &Pair::read(&files)?))
    }

    /// Root makes the directory where nobody but root can, and goes on as root where the directory is
    /// root's. What is another account's is written, and read before, with the rights of the
    /// account that is to have it: root could be led by a link to what others must not have.
    fn become_user(&self, prefix: &Path, files: &PairFiles) -> Result<(), Error> {
        let is_roots = || is_roots(prefix).map_err(|e| Error::Write(prefix.to_owned(), e));
        if !geteuid().is_root() {
            return Ok(());
        }
        if is_roots()? {
            files.create_directory()?;
        }
        match is_roots()? {
            true => Ok(()),
            false if files.owner.is_some_and(Owner::is_root) => {
                Err(Error::Shared(prefix.to_owned()))
            }
            false => Ok(become_account(&self.user)?),
        }
    }

    /// The key in use, or else the first that is there, unless a new one is wanted.
    fn kept_key(&self, files: &PairFiles) -> Result<Option<Key>, Error> {
        if self.new_key {
            return Ok(None);
        }
        if let Ok(pair) = Pair::read(files) {
            return Ok(Some(pair.key));
        }
        let held = Error::if_present(files.keys())?;
        Ok(held.and_then(|keys| keys.into_iter().next()))
    }

    fn report(&self, files: &PairFiles, pair: &Pair) -> String {
        let lines = [
            format!("Certificate: {}", files.certificate.display()),
            format!("Key:         {}", files.key.display()),
            format!("Fingerprint: {}", pair.fingerprint()),
            format!("Valid until: {}", pair.last_day()),
            match files.owner {
                Some(_) => format!("Owner:       {}", self.user),
                None => format!("Owner:       you, there is no account {}", self.user),
            },
            self.service.next_step().to_owned(),
        ];
        lines.join("\n") + "\n"
    }
}

impl Service {
    fn next_step(self) -> &'static str {
        match self {
            Service::Ecconfigd => {
                "ecconfigd takes it up by itself; to make it do so now: systemctl reload ecconfigd"
            }
            Service::Ecwebui => "Restart ecwebui to use it.",
            Service::Msyspg => "Restart msyspg to use it.",
        }
    }
}

/// Exit codes after sysexits(3).
fn exit_code(error: &Error) -> u8 {
    match error {
        Error::HostName(_) => 64,
        Error::Missing(_) | Error::Read(..) => 66,
        Error::Owner(OwnerError::NoSuchUser(_)) => 67,
        Error::Tls(_) | Error::Presented(_) | Error::Authority(_) => 70,
        Error::Owner(OwnerError::Lookup(..) | OwnerError::Become(..)) => 71,
        Error::Write(..) | Error::Link(_) | Error::Shared(_) | Error::Operators(_) => 73,
        Error::Owner(OwnerError::NotRoot(_)) => 77,
        Error::NoCertificate(_) | Error::BadCertificate(..) => 78,
        Error::NoKey(_) | Error::Mismatch(..) | Error::Issue(..) => 78,
    }
}

//! Which servers this machine trusts: those with a key that somebody has accepted, or those that an
//! authority of the operator's vouches for. There is no third way, and no way around it.

mod file;
mod first;

use std::path::PathBuf;

use rustls::ClientConfig;

pub use first::First;

use super::owner;
use super::remote::Error;
use crate::files;
use crate::layout::Layout;
use crate::momentum::Address;
use crate::tls::{self, KeyId};

/// Everybody may know whom this machine trusts.
const MODE: u32 = 0o644;

/// What this machine trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Servers with one of these keys, whatever the names and dates of their certificates.
    Keys(Vec<Pin>),
    /// Servers whose certificates these authorities have signed, for their names, at their time.
    /// The text is a file of certificates in PEM.
    Authorities(String),
}

/// A key that has been accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The key.
    pub key: KeyId,
    /// Where it was first met.
    pub address: Address,
}

impl Trust {
    /// Trusts nobody yet.
    pub const fn nobody() -> Self {
        Self::Keys(Vec::new())
    }

    /// What has been accepted so far; [`Trust::nobody`] if nothing has.
    ///
    /// # Errors
    /// [`Error::Local`] if a file cannot be read or understood.
    pub fn load(layout: &Layout) -> Result<Self, Error> {
        if let Some(text) = file::read(&authorities(layout))? {
            return Ok(Self::Authorities(text));
        }
        let path = keys(layout);
        let text = file::read(&path)?.unwrap_or_default();
        file::parse(&text).map(Self::Keys).map_err(|line| {
            Error::Local(format!(
                "{}, line {line}, is not of the form KEY HOST:PORT: delete the line, and accept the server anew with `eccfg trust HOST:PORT`",
                path.display()
            ))
        })
    }

    /// Keeps it for the next time. Of the two ways to trust, only this one is then in force.
    ///
    /// # Errors
    /// [`Error::Local`] if the files cannot be written.
    pub fn save(&self, layout: &Layout) -> Result<(), Error> {
        make_directory(layout)?;
        let (path, text, other) = match self {
            Self::Keys(pins) => (keys(layout), file::text(pins), authorities(layout)),
            Self::Authorities(text) => (authorities(layout), text.clone(), keys(layout)),
        };
        files::replace(&path, &text, MODE, owner()).map_err(|e| file::not_written(&path, &e))?;
        file::delete(&other)
    }

    /// Whether there is anything to go by.
    pub fn is_nobody(&self) -> bool {
        *self == Self::nobody()
    }

    pub(super) fn config(&self) -> Result<ClientConfig, Error> {
        let config = match self {
            Self::Keys(pins) => tls::trust_keys(pins.iter().map(|pin| pin.key).collect()),
            Self::Authorities(text) => {
                tls::authorities(text.as_bytes()).and_then(tls::trust_authorities)
            }
        };
        config.map_err(|error| Error::Certificate(error.to_string()))
    }
}

/// Makes `etc/.eccfg` if it is missing, and gives it to whom its files belong.
pub(super) fn make_directory(layout: &Layout) -> Result<(), Error> {
    file::make_directory(&layout.eccfg())
}

fn keys(layout: &Layout) -> PathBuf {
    layout.eccfg().join("trust")
}

fn authorities(layout: &Layout) -> PathBuf {
    layout.eccfg().join("ca.pem")
}

//! Meeting a server that this machine does not know yet.

use std::path::Path;

use super::{Pin, Trust, file};
use crate::layout::Layout;
use crate::momentum::Address;
use crate::node::remote::{self, Error};
use crate::tls::{self, Fingerprint, KeyId};

/// Why a server is to be trusted from now on.
pub enum First<'a> {
    /// Its certificate has this fingerprint, which somebody has brought from there.
    Fingerprint(Fingerprint),
    /// Somebody is shown the address and the fingerprint, and says yes.
    Ask(&'a mut dyn FnMut(&Address, Fingerprint) -> bool),
    /// It is the server on this machine: its certificate lies where this layout says.
    ThisMachine(&'a Layout),
    /// Whatever these authorities vouch for, from now on: see [`Trust::of_authorities`].
    Authorities(Trust),
}

impl Trust {
    /// Trusts whatever the authorities in a file of certificates in PEM vouch for.
    ///
    /// # Errors
    /// [`Error::Certificate`] or [`Error::Local`] if the file is of no use.
    pub fn of_authorities(path: &Path) -> Result<Self, Error> {
        let missing = || Error::Certificate(format!("{} is not there", path.display()));
        let text = file::read(path)?.ok_or_else(missing)?;
        tls::authorities(text.as_bytes())
            .map_err(|error| Error::Certificate(format!("{}: {error}", path.display())))?;
        Ok(Self::Authorities(text))
    }

    /// Trusts the server at `address` too, if `first` allows it. A key that was met at the same
    /// address before is forgotten. Nothing is sent to the server, and nothing is kept: see
    /// [`Trust::save`].
    ///
    /// # Errors
    /// [`Error::Certificate`] if `first` does not allow it, [`Error::Connection`] if the server
    /// cannot be reached.
    pub fn accept(&mut self, address: &Address, first: First<'_>) -> Result<(), Error> {
        let address = &address.with_default_port();
        match first {
            First::Authorities(authorities) => *self = authorities,
            First::Fingerprint(expected) => {
                let met = Met::at(address)?;
                met.must_be(expected, "the one that was given")?;
                self.pin(met);
            }
            First::ThisMachine(layout) => {
                let prefix = layout.certificates();
                let local = tls::fingerprint(&prefix)
                    .map_err(|error| Error::Certificate(error.to_string()))?;
                let met = Met::at(address)?;
                met.must_be(local, &format!("that of {}/server.crt", prefix.display()))?;
                self.pin(met);
            }
            First::Ask(ask) => {
                let met = Met::at(address)?;
                if !ask(address, met.certificate) {
                    return Err(Error::Certificate(format!(
                        "the certificate of {address} was not accepted: nothing was changed"
                    )));
                }
                self.pin(met);
            }
        }
        Ok(())
    }

    fn pin(&mut self, met: Met) {
        let new = Pin { key: met.key, address: met.address };
        let old = match self {
            Self::Keys(pins) => std::mem::take(pins),
            Self::Authorities(_) => Vec::new(),
        };
        let others = old.into_iter().filter(|pin| pin.key != new.key && pin.address != new.address);
        *self = Self::Keys(others.chain([new.clone()]).collect());
    }
}

/// A server that has shown its certificate and proved that it has the key.
struct Met {
    address: Address,
    certificate: Fingerprint,
    key: KeyId,
}

impl Met {
    fn at(address: &Address) -> Result<Self, Error> {
        let shown = remote::look_at(address)?;
        let key = KeyId::of(&shown).map_err(|error| Error::Certificate(error.to_string()))?;
        Ok(Self { address: address.clone(), certificate: Fingerprint::of(&shown), key })
    }

    fn must_be(&self, expected: Fingerprint, which: &str) -> Result<(), Error> {
        if self.certificate == expected {
            return Ok(());
        }
        Err(Error::Certificate(format!(
            "{} shows the certificate {}, and this is not {which}, {expected}: either that one is out of date, or somebody stands between this machine and the server; nothing was changed",
            self.address, self.certificate,
        )))
    }
}

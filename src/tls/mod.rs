//! Certificates and the server's side of TLS: makes, keeps and renews the pair
//! `PREFIX/server.key` and `PREFIX/server.crt`, and serves it so that it can be
//! exchanged under running connections. And the clients' side: which servers they accept.
//!
//! A pair is *ours* when its certificate is self-signed and carries our mark
//! ([`ORGANIZATION`]); only such a one is ever renewed or overwritten unasked.
//! Anything else belongs to the operator.

pub mod create_ssl_cert;
mod error;
mod exchange;
mod files;
mod key;
mod leaf;
mod members;
mod names;
mod pair;
mod self_signed;
mod server;
mod trust;
mod upkeep;

pub use error::Error;
pub use leaf::{Fingerprint, FingerprintError};
pub use members::{KnownKeys, MEMBERS};
pub use names::Names;
pub use pair::Pair;
pub use self_signed::{ORGANIZATION, VALIDITY};
pub use server::ServerTls;
pub use trust::{
    KeyId, UnknownKey, UnprovenKey, authorities, fingerprint, key_of, trust_authorities,
    trust_keys, trust_nobody_yet, trust_only,
};
pub use upkeep::{RENEWAL_DAYS, Upkeep, ensure, renew_if_due};

//! The client's side of TLS 1.2 and 1.3: which servers it accepts. There is no way to accept one
//! that has not proved that it has the key of its certificate.

mod authority;
mod key_id;
mod pinned;

use std::path::Path;
use std::sync::Arc;

use rustls::client::{ResolvesClientCert, WantsClientCert};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};

pub use authority::authorities;
pub use key_id::KeyId;
pub use pinned::{UnknownKey, UnprovenKey};

use super::error::Error;
use super::files::PairFiles;
use super::leaf::Fingerprint;
use pinned::{Accepted, Pinned};

/// The fingerprint of the certificate under `prefix`. Anybody may read that file; the key is not
/// needed.
///
/// # Errors
/// If there is no certificate or it cannot be read.
pub fn fingerprint(prefix: &Path) -> Result<Fingerprint, Error> {
    let chain = PairFiles::new(prefix, None).chain()?;
    Ok(Fingerprint::of(&chain[0]))
}

/// The key of the certificate under `prefix`.
///
/// # Errors
/// As [`fingerprint`].
pub fn key_of(prefix: &Path) -> Result<KeyId, Error> {
    KeyId::of(&PairFiles::new(prefix, None).chain()?[0])
}

/// Accepts this certificate and no other, whatever its names and dates.
///
/// # Errors
/// [`Error::Tls`] if TLS cannot be set up.
pub fn trust_only(certificate: Fingerprint) -> Result<ClientConfig, Error> {
    pinned(Accepted::Certificate(certificate))
}

/// Accepts certificates with one of these keys, whatever their names and dates. Any other ends the
/// handshake with an [`UnknownKey`].
///
/// # Errors
/// [`Error::Tls`] if TLS cannot be set up.
pub fn trust_keys(keys: Vec<KeyId>) -> Result<ClientConfig, Error> {
    pinned(Accepted::Keys(keys))
}

/// Accepts any certificate, to look at it: nothing may be sent over such a connection.
///
/// # Errors
/// [`Error::Tls`] if TLS cannot be set up.
pub fn trust_nobody_yet() -> Result<ClientConfig, Error> {
    pinned(Accepted::ToLookAt)
}

/// Accepts certificates that one of these authorities has signed, for the name that was asked for,
/// at their time.
///
/// # Errors
/// [`Error::Tls`] if TLS cannot be set up.
pub fn trust_authorities(authorities: RootCertStore) -> Result<ClientConfig, Error> {
    let builder = builder(default_provider().into())?;
    Ok(builder.with_root_certificates(authorities).with_no_client_auth())
}

/// Accepts certificates with this key, and shows one itself.
pub(super) fn trust_key_showing(
    key: KeyId,
    certificate: Arc<dyn ResolvesClientCert>,
) -> Result<ClientConfig, Error> {
    Ok(pinning(Accepted::Keys(vec![key]))?.with_client_cert_resolver(certificate))
}

fn pinned(accepted: Accepted) -> Result<ClientConfig, Error> {
    Ok(pinning(accepted)?.with_no_client_auth())
}

fn pinning(accepted: Accepted) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, Error> {
    let provider = Arc::new(default_provider());
    let verifier = Arc::new(Pinned { accepted, provider: provider.clone() });
    Ok(builder(provider)?.dangerous().with_custom_certificate_verifier(verifier))
}

fn builder(
    provider: Arc<CryptoProvider>,
) -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, Error> {
    let builder = ClientConfig::builder_with_provider(provider);
    builder.with_protocol_versions(&[&TLS13, &TLS12]).map_err(Error::Tls)
}

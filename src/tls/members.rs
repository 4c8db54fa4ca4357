//! TLS between the members of a cluster: both sides show their certificates, and each knows the
//! other by its key alone.

use std::fmt::Debug;
use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::CertifiedKey;
use rustls::version::TLS13;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, PeerMisbehaved,
    ServerConfig, SignatureScheme,
};

use super::KeyId;
use super::error::Error;
use super::server::{Served, ServerTls};
use super::trust::trust_key_showing;

/// What members say they speak (ALPN, RFC 7301): HTTP/2 with other addresses than clients have.
pub const MEMBERS: &[u8] = b"ecconfigd-member/1";

/// The keys of the members.
pub trait KnownKeys: Debug + Send + Sync {
    /// Whether this is one of them.
    fn knows(&self, key: &KeyId) -> bool;
}

impl ServerTls {
    /// For connections from members: those without a key that `known` has do not come in.
    ///
    /// # Errors
    /// [`Error::Tls`] if TLS cannot be set up.
    pub fn for_members(&self, known: Arc<dyn KnownKeys>) -> Result<ServerConfig, Error> {
        let provider = Arc::new(default_provider());
        let verifier = Arc::new(ByKey { known, provider: provider.clone() });
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .map_err(Error::Tls)?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(self.served.clone());
        config.alpn_protocols = vec![MEMBERS.to_vec()];
        // A member that is one no more must not come in with an old ticket.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }

    /// For a connection to the member with this key.
    ///
    /// # Errors
    /// [`Error::Tls`] if TLS cannot be set up.
    pub fn to_member(&self, key: KeyId) -> Result<ClientConfig, Error> {
        let mut config = trust_key_showing(key, self.served.clone())?;
        config.alpn_protocols = vec![MEMBERS.to_vec()];
        Ok(config)
    }

    /// The key of the certificate that is shown.
    ///
    /// # Errors
    /// [`Error::Presented`] if it cannot be read.
    pub fn key(&self) -> Result<KeyId, Error> {
        KeyId::of(&self.served.now().cert[0])
    }
}

impl ResolvesClientCert for Served {
    fn resolve(
        &self,
        _root_hint_subjects: &[&[u8]],
        _schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        Some(self.now())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Names and dates are not looked at; that the other side has the key is.
#[derive(Debug)]
struct ByKey {
    known: Arc<dyn KnownKeys>,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for ByKey {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let key = KeyId::of(end_entity).map_err(|_| CertificateError::BadEncoding)?;
        match self.known.knows(&key) {
            true => Ok(ClientCertVerified::assertion()),
            false => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, OtherError, SignatureScheme};

use super::{Fingerprint, KeyId};

/// What a client that does not ask authorities accepts.
#[derive(Debug)]
pub(super) enum Accepted {
    /// This certificate.
    Certificate(Fingerprint),
    /// Any certificate with one of these keys.
    Keys(Vec<KeyId>),
    /// Any at all: somebody is going to look at it.
    ToLookAt,
}

/// A server showed a certificate whose key is none of those that were expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server has another key: its certificate is {certificate}")]
pub struct UnknownKey {
    /// The certificate that it showed.
    pub certificate: Fingerprint,
    /// That certificate's key.
    pub key: KeyId,
    /// Whether no key at all was expected.
    pub is_first: bool,
}

/// Names and dates are not looked at; that the server has the key is.
#[derive(Debug)]
pub(super) struct Pinned {
    pub(super) accepted: Accepted,
    pub(super) provider: Arc<CryptoProvider>,
}

impl Pinned {
    fn check(&self, certificate: &CertificateDer<'_>) -> Result<(), CertificateError> {
        let fingerprint = Fingerprint::of(certificate);
        match &self.accepted {
            Accepted::ToLookAt => Ok(()),
            Accepted::Certificate(expected) if *expected == fingerprint => Ok(()),
            Accepted::Certificate(_) => Err(CertificateError::ApplicationVerificationFailure),
            Accepted::Keys(keys) => {
                let key = KeyId::of(certificate).map_err(|_| CertificateError::BadEncoding)?;
                match keys.contains(&key) {
                    true => Ok(()),
                    false => {
                        let is_first = keys.is_empty();
                        Err(unknown(UnknownKey { certificate: fingerprint, key, is_first }))
                    }
                }
            }
        }
    }
}

/// A server showed a certificate whose key it does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server has not proved that it has the key of its certificate")]
pub struct UnprovenKey;

fn unknown(found: UnknownKey) -> CertificateError {
    CertificateError::Other(OtherError(Arc::new(found)))
}

fn unproven(error: rustls::Error) -> rustls::Error {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::BadSignature) => {
            CertificateError::Other(OtherError(Arc::new(UnprovenKey))).into()
        }
        other => other,
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.check(end_entity)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms).map_err(unproven)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms).map_err(unproven)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

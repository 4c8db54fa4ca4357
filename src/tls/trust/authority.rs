use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::tls::error::Error;

/// The certificates in a text in PEM, each of which may have signed a server's.
///
/// # Errors
/// [`Error::Authority`] if it holds no certificate, or one that is damaged.
pub fn authorities(text: &[u8]) -> Result<RootCertStore, Error> {
    let bad = |reason: String| Error::Authority(format!("a certificate is damaged: {reason}"));
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(text) {
        let certificate = certificate.map_err(|e| bad(e.to_string()))?;
        store.add(certificate).map_err(|e| bad(e.to_string()))?;
    }
    match store.is_empty() {
        true => Err(Error::Authority("there is no certificate in PEM form".into())),
        false => Ok(store),
    }
}

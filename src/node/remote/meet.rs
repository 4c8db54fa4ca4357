//! A look at a server that nobody trusts yet.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;

use super::Error;
use super::dial::dial_any;
use crate::momentum::Address;
use crate::tls;

/// The certificate that a server shows, whose key it has. Nothing is sent to it.
pub(in crate::node) fn look_at(address: &Address) -> Result<CertificateDer<'static>, Error> {
    let config = tls::trust_nobody_yet().map_err(|e| Error::Certificate(e.to_string()))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Error::io("setting up the connection", &e))?;
    let config = Arc::new(config);
    let dialled = runtime.block_on(dial_any(std::slice::from_ref(address), &config));
    let certificate = dialled.map(|(_, dialled)| dialled.certificate);
    runtime.shutdown_background();
    certificate
}

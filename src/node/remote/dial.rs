//! From an address to a connection over TLS with a server that is trusted.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::limits::{CONNECT, HANDSHAKE, RESOLVE, RESTART_PAUSES};
use super::{Error, handshake};
use crate::momentum::{Address, DEFAULT_PORT};

/// A connection, and the certificate that the server has shown.
pub(super) struct Dialled {
    pub(super) stream: TlsStream<TcpStream>,
    pub(super) certificate: CertificateDer<'static>,
}

/// Why there is no connection.
pub(super) struct Failure {
    pub(super) error: Error,
    /// A server that is being restarted looks like this for a moment.
    pub(super) is_passing: bool,
}

/// Connects to the first of these addresses that can be reached and trusted.
pub(super) async fn dial_any<'a>(
    addresses: &'a [Address],
    tls: &Arc<ClientConfig>,
) -> Result<(&'a Address, Dialled), Error> {
    let mut pauses = RESTART_PAUSES.iter();
    loop {
        let mut failures = Vec::new();
        for address in addresses {
            match dial(address, tls).await {
                Ok(dialled) => {
                    tell_passed_over(&failures);
                    return Ok((address, dialled));
                }
                Err(failure) => failures.push(failure),
            }
        }
        match pauses.next() {
            Some(pause) if failures.iter().any(|failure| failure.is_passing) => {
                tracing::debug!(?pause, "a server may be restarting");
                tokio::time::sleep(*pause).await;
            }
            _ => return Err(all(failures)),
        }
    }
}

/// Somebody who looks like one of the servers and is not is worth a warning, even if another one
/// can be used.
fn tell_passed_over(failures: &[Failure]) {
    for Failure { error, .. } in failures {
        match error {
            Error::Certificate(_) => tracing::warn!("{error}"),
            _ => tracing::debug!("{error}"),
        }
    }
}

fn all(failures: Vec<Failure>) -> Error {
    let mut errors: Vec<Error> = failures.into_iter().map(|failure| failure.error).collect();
    if errors.is_empty() {
        return Error::Connection("no server is named: see repo= in cluster.boot".into());
    }
    let distrusted = errors.iter().position(|error| matches!(error, Error::Certificate(_)));
    if let Some(index) = distrusted.or((errors.len() == 1).then_some(0)) {
        return errors.swap_remove(index);
    }
    let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
    Error::Connection(format!("no configuration server can be reached: {}", told.join("; ")))
}

async fn dial(address: &Address, tls: &Arc<ClientConfig>) -> Result<Dialled, Failure> {
    let start = Instant::now();
    let candidates = resolve(address).await?;
    tracing::debug!(%address, ?candidates, time = ?start.elapsed(), "resolved");
    let mut last = None;
    for candidate in candidates {
        match connect(address, candidate, tls).await {
            Ok(dialled) => return Ok(dialled),
            Err(failure) => last = Some(failure),
        }
    }
    Err(last.unwrap_or_else(|| lasting(format!("the host name {} has no address", address.host))))
}

async fn resolve(address: &Address) -> Result<Vec<SocketAddr>, Failure> {
    let (host, port) = (address.host.as_str(), address.port.unwrap_or(DEFAULT_PORT));
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![(ip, port).into()]);
    }
    match timeout(RESOLVE, lookup_host((host, port))).await {
        Ok(Ok(found)) => Ok(found.collect()),
        Ok(Err(error)) => Err(lasting(format!(
            "the host name {host} cannot be resolved ({error}): check how it is written, and DNS or /etc/hosts"
        ))),
        Err(_) => Err(lasting(format!(
            "the host name {host} cannot be resolved: the name server has not answered within {} seconds",
            RESOLVE.as_secs()
        ))),
    }
}

async fn connect(
    address: &Address,
    candidate: SocketAddr,
    tls: &Arc<ClientConfig>,
) -> Result<Dialled, Failure> {
    let start = Instant::now();
    let stream = match timeout(CONNECT, TcpStream::connect(candidate)).await {
        Ok(stream) => stream.map_err(|error| not_connected(address, &error))?,
        Err(_) => {
            return Err(lasting(format!(
                "{address} does not answer: no connection within {} seconds; check the network and the firewalls on the way",
                CONNECT.as_secs()
            )));
        }
    };
    tracing::debug!(%address, %candidate, time = ?start.elapsed(), "connected");
    // Requests are written at once, and nothing is gained by waiting for more.
    let _ = stream.set_nodelay(true);
    let start = Instant::now();
    let stream = greet(address, candidate, stream, tls).await?;
    let (_, session) = stream.get_ref();
    let version = session.protocol_version();
    let certificate = session.peer_certificates().and_then(|chain| chain.first()).cloned();
    tracing::debug!(%address, ?version, time = ?start.elapsed(), "TLS is agreed on");
    let certificate =
        certificate.ok_or_else(|| lasting(format!("{address} has no certificate")))?;
    Ok(Dialled { stream, certificate: certificate.into_owned() })
}

async fn greet(
    address: &Address,
    candidate: SocketAddr,
    stream: TcpStream,
    tls: &Arc<ClientConfig>,
) -> Result<TlsStream<TcpStream>, Failure> {
    // A name that TLS does not allow, such as one with an underscore at its end, is no reason not
    // to look at the key.
    let name = ServerName::try_from(address.host.clone())
        .unwrap_or_else(|_| ServerName::from(candidate.ip()));
    let greeting = TlsConnector::from(tls.clone()).connect(name, stream);
    match timeout(HANDSHAKE, greeting).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(handshake::failure(address, &error)),
        Err(_) => Err(lasting(format!(
            "{address} took the connection and has said nothing for {} seconds: it is overloaded, or no ecconfigd",
            HANDSHAKE.as_secs()
        ))),
    }
}

fn not_connected(address: &Address, error: &io::Error) -> Failure {
    match error.kind() {
        ErrorKind::ConnectionRefused => passing(format!(
            "{address} refuses the connection: is ecconfigd running there, and is this its port?"
        )),
        ErrorKind::ConnectionReset => passing(format!("{address} resets the connection")),
        _ => lasting(format!("{address} cannot be reached ({error}): check the network")),
    }
}

pub(super) fn passing(text: String) -> Failure {
    Failure { error: Error::Connection(text), is_passing: true }
}

pub(super) fn lasting(text: String) -> Failure {
    Failure { error: Error::Connection(text), is_passing: false }
}

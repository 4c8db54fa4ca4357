//! A connection to another member: HTTP/2 over TLS, kept, made again when it has ended.

use std::io;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::addresses::Addresses;
use super::raft::Member;
use super::wire::{Body, MAX_ANSWER, PORT};
use crate::momentum::Address;
use crate::tls::{KeyId, ServerTls};

/// A connection must be there within this time.
const CONNECT_TIME: Duration = Duration::from_secs(3);
/// A connection over which something came back within this time is not to blame for an answer that
/// is late: the member's disk may be.
pub(super) const DOUBT: Duration = Duration::from_secs(1);
/// A connection over which nothing comes back for so long has ended.
const SILENCE: Duration = Duration::from_secs(5);

/// Why a member did not answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswered {
    /// It cannot be reached.
    #[error("{0} cannot be reached: {1}")]
    Unreachable(String, io::Error),
    /// It took too long.
    #[error("{0} has not answered in time")]
    TooLate(String),
    /// It says no.
    #[error("{member} answers {status}: {text}")]
    Refused { member: String, status: StatusCode, text: String },
}

/// A way to one member.
pub(super) struct Link {
    member: Member,
    /// Where it may be, beside its address.
    addresses: Arc<Addresses>,
    tls: Arc<ServerTls>,
    kept: Mutex<Option<SendRequest<Body>>>,
    /// When something came back.
    heard: std::sync::Mutex<Instant>,
}

impl Link {
    pub(super) fn new(member: Member, addresses: Arc<Addresses>, tls: Arc<ServerTls>) -> Self {
        Self { member, addresses, tls, kept: Mutex::default(), heard: Instant::now().into() }
    }

    /// Asks for a short answer.
    pub(super) async fn ask(
        &self,
        path: &str,
        question: Vec<u8>,
        limit: Duration,
    ) -> Result<Bytes, Unanswered> {
        let body = Full::new(Bytes::from(question)).map_err(|never| match never {}).boxed_unsync();
        let answered = async {
            let response = self.send(Method::POST, path, body).await?;
            let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
            let body = body.map_err(|e| self.unreachable(io::Error::other(e)))?;
            Ok(body.to_bytes())
        };
        match timeout(limit, answered).await {
            Ok(answer) => answer,
            Err(_) => {
                // Whatever is the matter with the connection, another one may do better.
                if self.is_silent() {
                    self.kept.lock().await.take();
                }
                Err(Unanswered::TooLate(self.member.name.clone()))
            }
        }
    }

    /// Sends something and waits for the head of the answer.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Body,
    ) -> Result<Response<Incoming>, Unanswered> {
        let mut connection = self.connection().await?;
        let request = Request::builder()
            .method(method)
            .uri(format!("https://member{path}"))
            .header(PORT, self.addresses.own_port())
            .body(body)
            .expect("the paths of members are plain");
        let response = connection.send_request(request).await;
        let response = response.map_err(|e| self.unreachable(io::Error::other(e)))?;
        self.has_heard();
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let text = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
        let text = text.map(|text| text.to_bytes()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        Err(Unanswered::Refused { member: self.member.name.clone(), status, text })
    }

    async fn connection(&self) -> Result<SendRequest<Body>, Unanswered> {
        let mut kept = self.kept.lock().await;
        if let Some(connection) = kept.as_ref().filter(|connection| !connection.is_closed()) {
            return Ok(connection.clone());
        }
        let made = timeout(CONNECT_TIME, self.connect()).await;
        let late = |_| io::Error::from(io::ErrorKind::TimedOut);
        let made = made.map_err(late).flatten().map_err(|e| self.unreachable(e))?;
        self.has_heard();
        Ok(kept.insert(made).clone())
    }

    async fn connect(&self) -> io::Result<SendRequest<Body>> {
        let stream = self.dial_all().await?;
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(SILENCE)
            .keep_alive_timeout(SILENCE)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        let name = self.member.name.clone();
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!("the connection to {name} has ended: {error}");
            }
        });
        Ok(sender)
    }

    /// Dials all addresses at once, for whoever asks may not wait for one after the other, and takes
    /// the first where the member is.
    async fn dial_all(&self) -> io::Result<TlsStream<TcpStream>> {
        let key: KeyId =
            self.member.key.parse().map_err(|()| {
                io::Error::other(format!("the key of {} is no key", self.member.name))
            })?;
        let tls = Arc::new(self.tls.to_member(key).map_err(io::Error::other)?);
        let mut dialling = JoinSet::new();
        for address in self.addresses.of(&self.member) {
            let tls = tls.clone();
            dialling.spawn(async move { (dial(&address, tls).await, address) });
        }
        let mut failed = io::Error::from(io::ErrorKind::NotFound);
        while let Some(dialled) = dialling.join_next().await {
            match dialled {
                Ok((Ok(stream), address)) => {
                    self.addresses.worked(&self.member.key, &address);
                    return Ok(stream);
                }
                Ok((Err(error), _)) => failed = error,
                Err(error) => failed = io::Error::other(error),
            }
        }
        Err(failed)
    }

    fn has_heard(&self) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn is_silent(&self) -> bool {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).elapsed() >= DOUBT
    }

    fn unreachable(&self, error: io::Error) -> Unanswered {
        Unanswered::Unreachable(self.member.name.clone(), error)
    }
}

/// A connection to whoever has the key that is expected.
async fn dial(address: &str, tls: Arc<ClientConfig>) -> io::Result<TlsStream<TcpStream>> {
    let address: Address = address.parse().map_err(io::Error::other)?;
    let Address { host, port } = address.with_default_port();
    let port = port.expect("the default has been put in");
    let stream = TcpStream::connect((host.as_str(), port)).await?;
    stream.set_nodelay(true)?;
    // The name is not looked at: the key is.
    let name = ServerName::try_from("member").expect("this is a name");
    TlsConnector::from(tls).connect(name, stream).await
}

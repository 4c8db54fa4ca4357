//! A server, and connections to it.

use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::header::{AUTHORIZATION, HOST};
use hyper::{Request, Response, Uri, http::request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use ecconfigd::tls;

/// Whatever goes wrong ends the measurement.
pub type Failure = Box<dyn Error + Send + Sync>;
/// What etcd is asked, piece by piece.
pub type Pieces = http_body_util::channel::Channel<Bytes>;

/// A server that speaks TLS on a port of this machine.
#[derive(Clone)]
pub struct Peer {
    tls: ClientConfig,
    address: SocketAddr,
    authority: String,
    /// The path of the repository.
    pub path: String,
    authorization: Option<String>,
}

/// A kept connection.
pub struct Connection {
    peer: Peer,
    sender: http1::SendRequest<Full<Bytes>>,
}

impl Peer {
    pub fn new(certificates: &Path, url: &Uri, account: Option<&str>) -> Result<Self, Failure> {
        let port = url.port_u16().ok_or("the address has no port")?;
        let authority = url.authority().ok_or("the address has no host")?.to_string();
        Ok(Self {
            tls: tls::trust_only(tls::fingerprint(certificates)?)?,
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            authority,
            path: url.path().to_owned(),
            authorization: account.map(|account| format!("Basic {}", STANDARD.encode(account))),
        })
    }

    /// Connects for HTTP/1.1, as nodes do.
    pub async fn connect(&self) -> Result<Connection, Failure> {
        let stream = TokioIo::new(self.stream(&[]).await?);
        let (sender, connection) = http1::handshake(stream).await?;
        tokio::spawn(connection);
        Ok(Connection { peer: self.clone(), sender })
    }

    /// Connects for HTTP/2, as clients of etcd do.
    pub async fn connect_http2(&self) -> Result<http2::SendRequest<Pieces>, Failure> {
        let stream = TokioIo::new(self.stream(&[b"h2".to_vec()]).await?);
        let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn stream(&self, protocols: &[Vec<u8>]) -> Result<TlsStream<TcpStream>, Failure> {
        let mut tls = self.tls.clone();
        tls.alpn_protocols = protocols.to_vec();
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        Ok(TlsConnector::from(Arc::new(tls)).connect("localhost".try_into()?, stream).await?)
    }

    fn request(&self, path: &str) -> request::Builder {
        let request = Request::builder().uri(path).header(HOST, &self.authority);
        match &self.authorization {
            Some(authorization) => request.header(AUTHORIZATION, authorization),
            None => request,
        }
    }

    /// A request over HTTP/2.
    pub fn request_http2(&self, path: &str) -> request::Builder {
        Request::builder().uri(format!("https://{}{path}", self.authority))
    }
}

impl Connection {
    pub fn request(&self, path: &str) -> request::Builder {
        self.peer.request(path)
    }

    /// The path of something in the repository.
    pub fn path(&self, below: &str) -> String {
        format!("{}/{below}", self.peer.path)
    }

    /// Sends a request; the answer's body is still to come.
    pub async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Failure> {
        self.sender.ready().await?;
        Ok(self.sender.send_request(request).await?)
    }

    /// Sends a request and takes in the whole answer, which must be a success or 304.
    pub async fn ask(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, Failure> {
        let (head, body) = self.send(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        if !head.status.is_success() && head.status != 304 {
            return Err(format!("{}: {}", head.status, String::from_utf8_lossy(&body)).into());
        }
        Ok(Response::from_parts(head, body))
    }
}

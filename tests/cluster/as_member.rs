//! Somebody who has the key of a server and speaks as members do.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ecconfigd::layout::Layout;
use ecconfigd::tls::{Pair, ServerTls, key_of};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2::{self, SendRequest};
use hyper::{Method, Request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// What a server has answered by then or never does.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection.
pub struct AsMember {
    runtime: Runtime,
    sender: SendRequest<Full<Bytes>>,
}

impl AsMember {
    /// Connects to `address` with the key that lies below `root`.
    pub fn connect(root: &Path, address: SocketAddr, other_root: &Path) -> Result<Self, String> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let pair = Pair::load(&Layout::new(root).certificates()).unwrap();
        let theirs = key_of(&Layout::new(other_root).certificates()).unwrap();
        let config = ServerTls::new(pair).unwrap().to_member(theirs).unwrap();
        let connected = async {
            let stream = TcpStream::connect(address).await.map_err(|e| e.to_string())?;
            let name = ServerName::try_from("member").unwrap();
            let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
            let stream = TokioIo::new(stream.map_err(|e| e.to_string())?);
            let made = http2::handshake(TokioExecutor::new(), stream).await;
            let (sender, connection) = made.map_err(|e| e.to_string())?;
            tokio::spawn(connection);
            Ok::<_, String>(sender)
        };
        let sender = runtime.block_on(async { timeout(PATIENCE, connected).await.unwrap() })?;
        Ok(Self { runtime, sender })
    }

    /// The status and the text of the answer, or why there is none.
    pub fn ask(&mut self, path: &str, question: &str) -> Result<(u16, String), String> {
        let body = Full::new(Bytes::from(question.to_owned()));
        let url = format!("https://member{path}");
        let request = Request::builder().method(Method::POST).uri(url).body(body).unwrap();
        let answered = async {
            let answer = self.sender.send_request(request).await.map_err(|e| format!("{e:?}"))?;
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await.map_err(|e| e.to_string())?.to_bytes();
            Ok((status, String::from_utf8_lossy(&body).into_owned()))
        };
        self.runtime.block_on(async { timeout(PATIENCE, answered).await.unwrap() })
    }

    /// Whether the other side has ended the connection.
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }
}

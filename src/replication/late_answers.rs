//! A member whose answers come late, as its disk is slow, or never, as its network is cut.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::link::{DOUBT, Link, Unanswered};
use super::raft::Member;
use crate::tls::{KeyId, KnownKeys, Names, ServerTls, ensure};

/// Less than a slow disk takes.
const SHORT: Duration = Duration::from_millis(10);
const LONG: Duration = Duration::from_secs(60);

/// A member that counts the connections to it.
struct Other {
    link: Link,
    connections: Arc<AtomicUsize>,
    _dir: TempDir,
}

#[derive(Debug)]
struct Everybody;

impl KnownKeys for Everybody {
    fn knows(&self, _key: &KeyId) -> bool {
        true
    }
}

impl Other {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let names = Names::of_machine("mgr.example.com").unwrap();
        let (pair, _) = ensure(dir.path(), &names, std::time::SystemTime::now()).unwrap();
        let tls = Arc::new(ServerTls::new(pair).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let key = tls.key().unwrap().to_string();
        let acceptor: TlsAcceptor = Arc::new(tls.for_members(Arc::new(Everybody)).unwrap()).into();
        let connections = Arc::new(AtomicUsize::new(0));
        tokio::spawn(serve(listener, acceptor, connections.clone()));
        let link = Link::new(Member { name: "m1".into(), address, key }, Arc::default(), tls);
        Self { link, connections, _dir: dir }
    }

    async fn asked(&self, path: &str, limit: Duration) -> Result<Bytes, Unanswered> {
        self.link.ask(path, Vec::new(), limit).await
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, connections: Arc<AtomicUsize>) {
    while let Ok((stream, _)) = listener.accept().await {
        let stream = tls.accept(stream).await.unwrap();
        connections.fetch_add(1, Ordering::SeqCst);
        let service = service_fn(answer);
        let io = TokioIo::new(stream);
        tokio::spawn(http2::Builder::new(TokioExecutor::new()).serve_connection(io, service));
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.uri().path() == "/never" {
        std::future::pending::<()>().await;
    }
    Ok(Response::new(Full::default()))
}

#[tokio::test]
async fn a_connection_outlives_an_answer_that_is_late() {
    let other = Other::start().await;
    other.asked("/soon", LONG).await.unwrap();
    assert!(matches!(other.asked("/never", SHORT).await, Err(Unanswered::TooLate(_))));
    other.asked("/soon", LONG).await.unwrap();
    assert_eq!(other.connections(), 1);
}

#[tokio::test]
async fn a_connection_over_which_nothing_comes_back_is_made_again() {
    let other = Other::start().await;
    other.asked("/soon", LONG).await.unwrap();
    assert!(matches!(other.asked("/never", DOUBT + SHORT).await, Err(Unanswered::TooLate(_))));
    other.asked("/soon", LONG).await.unwrap();
    assert_eq!(other.connections(), 2);
}

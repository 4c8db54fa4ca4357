//! One connection: TLS, then HTTP/1.1 or HTTP/2, until either side has enough.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::app::App;
use super::drain::Drain;
use super::limits::{
    HANDSHAKE_TIME, HEAD_TIME, LAST_REQUEST_TIME, MAX_HEAD, MAX_STREAMS, WRITE_TIME,
};
use super::response::Body;
use super::service::serve;

type Stream = TokioIo<TlsStream<std::pin::Pin<Box<TimeoutStream<TcpStream>>>>>;

/// A connection that has been accepted.
pub(super) struct Connection {
    pub(super) app: Arc<App>,
    pub(super) tls: TlsAcceptor,
    pub(super) client: IpAddr,
    pub(super) drain: Drain,
}

impl Connection {
    /// Serves it to its end. Failures are the client's and told at level 6.
    pub(super) async fn run(self, stream: TcpStream) {
        let client = self.client;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%client, "connection from {client}: {error}");
        }
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(WRITE_TIME));
        let stream = match timeout(HANDSHAKE_TIME, self.tls.accept(Box::pin(stream))).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                return tracing::debug!(%client, "TLS handshake with {client} failed: {error}");
            }
            Err(_) => return tracing::debug!(%client, "TLS handshake with {client} took too long"),
        };
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let stream = TokioIo::new(stream);
        let result = match is_http2 {
            true => self.http2(stream).await,
            false => self.http1(stream).await,
        };
        if let Err(error) = result {
            tracing::debug!(%client, "connection from {client} ended: {error}");
        }
    }

    async fn http1(mut self, stream: Stream) -> hyper::Result<()> {
        let requests = Arc::new(Requests::default());
        let service = self.service(&requests);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME)
            .max_buf_size(MAX_HEAD.max(64 << 10))
            .serve_connection(stream, service);
        tokio::pin!(connection);
        tokio::select! {
            result = &mut connection => return result,
            () = self.drain.requested() => {}
        }
        // hyper would close a connection on which it has not read a request yet, though the client
        // may have sent one already.
        if requests.none_in_flight() {
            tokio::select! {
                result = &mut connection => return result,
                () = requests.next() => {}
                () = sleep(LAST_REQUEST_TIME) => {}
            }
        }
        connection.as_mut().graceful_shutdown();
        connection.await
    }

    async fn http2(mut self, stream: Stream) -> hyper::Result<()> {
        let requests = Arc::new(Requests::default());
        let service = self.service(&requests);
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(MAX_HEAD as u32)
            .keep_alive_interval(HEAD_TIME)
            .serve_connection(stream, service);
        tokio::pin!(connection);
        tokio::select! {
            result = &mut connection => return result,
            () = self.drain.requested() => {}
            // hyper only asks whether the other side is still there.
            () = requests.idle_for(HEAD_TIME) => {}
        }
        // HTTP/2 tells the client which requests will still be answered.
        connection.as_mut().graceful_shutdown();
        connection.await
    }

    /// Answers each request of this connection. HTTP/2 may do so in tasks of their own.
    fn service(
        &self,
        requests: &Arc<Requests>,
    ) -> impl HttpService<Incoming, ResBody = Body, Error = Infallible, Future: Send> + use<> {
        let (app, client, requests) = (self.app.clone(), self.client, requests.clone());
        service_fn(move |request: Request<Incoming>| {
            let (app, requests) = (app.clone(), requests.clone());
            async move {
                let _in_flight = requests.begin();
                Ok::<Response<Body>, Infallible>(serve(app, client, request).await)
            }
        })
    }
}

/// The requests that are being answered on one connection.
#[derive(Default)]
struct Requests {
    in_flight: AtomicUsize,
    begun: Notify,
    ended: Notify,
}

impl Requests {
    fn begin(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.begun.notify_waiters();
        InFlight(self)
    }

    fn none_in_flight(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) == 0
    }

    async fn next(&self) {
        self.begun.notified().await;
    }

    /// Returns when there has been no request for so long.
    async fn idle_for(&self, limit: Duration) {
        loop {
            let (begun, ended) = (self.begun.notified(), self.ended.notified());
            if !self.none_in_flight() {
                ended.await;
            } else if timeout(limit, begun).await.is_err() {
                return;
            }
        }
    }
}

struct InFlight<'a>(&'a Requests);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.0.ended.notify_waiters();
    }
}

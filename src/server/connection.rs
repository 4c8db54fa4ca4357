//! One connection: TLS, then HTTP/1.1 or HTTP/2, until either side has enough.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::server::Acceptor;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{LazyConfigAcceptor, TlsAcceptor};

use super::app::App;
use super::begun::begun;
use super::drain::Drain;
use super::guest::{Guest, Place};
use super::limits::{
    HANDSHAKE_TIME, HEAD_TIME, HTTP2_WINDOW, LAST_REQUEST_TIME, MAX_HEAD, MAX_STREAMS,
};
use super::requests::{Answer, Requests};
use super::service::serve;
use super::socket::Socket;
use crate::tls::{KeyId, MEMBERS};

type Stream = TokioIo<TlsStream<Socket>>;

/// A connection that has been accepted.
pub(super) struct Connection {
    pub(super) app: Arc<App>,
    pub(super) tls: TlsAcceptor,
    pub(super) client: IpAddr,
    pub(super) drain: Drain,
    pub(super) guest: Arc<Guest>,
}

impl Connection {
    /// Serves it to its end. Failures are the client's and told at level 6.
    pub(super) async fn run(self, stream: TcpStream, place: Place) {
        let client = self.client;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%client, "connection from {client}: {error}");
        }
        let socket = Socket::new(stream);
        let has_unsent = socket.has_unsent();
        // In a box of its own, which is gone when requests are waited for.
        let handshake = Box::pin(self.handshake(socket));
        let stream = match timeout(HANDSHAKE_TIME, handshake).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                return tracing::debug!(%client, "TLS handshake with {client} failed: {error}");
            }
            Err(_) => return tracing::debug!(%client, "TLS handshake with {client} took too long"),
        };
        if stream.get_ref().1.alpn_protocol() == Some(MEMBERS) {
            return self.member(stream, place);
        }
        self.guest.is_active();
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let stream = TokioIo::new(stream);
        let result = match is_http2 {
            true => self.http2(stream, &has_unsent).await,
            false => self.http1(stream, &has_unsent).await,
        };
        if let Err(error) = result {
            tracing::debug!(%client, "connection from {client} ended: {error}");
        }
    }

    /// Members of the cluster come to the same port, and show who they are.
    async fn handshake(&self, socket: Socket) -> io::Result<TlsStream<Socket>> {
        let Some(members) = self.app.log.tls() else { return self.tls.accept(socket).await };
        let start = LazyConfigAcceptor::new(Acceptor::default(), socket).await?;
        let is_member = start
            .client_hello()
            .alpn()
            .is_some_and(|mut offered| offered.any(|protocol| protocol == MEMBERS));
        let config = if is_member { members } else { self.tls.config().clone() };
        start.into_stream(config).await
    }

    /// What members say to each other goes on while clients' connections are drained: what is in
    /// flight there needs it.
    fn member(self, stream: TlsStream<Socket>, place: Place) {
        let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let Some(key) = certificate.and_then(|certificate| KeyId::of(certificate).ok()) else {
            return;
        };
        // The handshake has shown that it is one.
        self.guest.known();
        tokio::spawn(async move {
            self.app.log.serve(stream, key, self.client).await;
            drop(place);
        });
    }

    /// Whoever asks on a kept connection learns from the answer that it ends. Without a request it
    /// is closed after a while only: one may be on its way.
    async fn http1(mut self, stream: Stream, has_unsent: &AtomicBool) -> hyper::Result<()> {
        let requests = Arc::new(Requests::default());
        let service = self.service(&requests);
        let service = service_fn(move |request| begun(service.call(request)));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME)
            .max_buf_size(MAX_HEAD)
            .serve_connection(stream, service);
        tokio::pin!(connection);
        tokio::select! {
            result = &mut connection => return result,
            () = self.drain.requested() => {}
            () = requests.stalled() => return self.give_up(),
        }
        tokio::select! {
            result = &mut connection => return result,
            () = nothing_left(&requests, has_unsent) => {}
        }
        connection.as_mut().graceful_shutdown();
        connection.await
    }

    /// HTTP/2 tells the client which requests will still be answered. One that does not listen is
    /// left when it has its answers.
    async fn http2(mut self, stream: Stream, has_unsent: &AtomicBool) -> hyper::Result<()> {
        let requests = Arc::new(Requests::default());
        let service = self.service(&requests);
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(MAX_HEAD as u32)
            .initial_stream_window_size(HTTP2_WINDOW)
            .initial_connection_window_size(HTTP2_WINDOW)
            .keep_alive_interval(HEAD_TIME)
            .serve_connection(stream, service);
        tokio::pin!(connection);
        tokio::select! {
            result = &mut connection => return result,
            () = self.drain.requested() => {}
            // hyper only asks whether the other side is still there.
            () = requests.idle_for(HEAD_TIME) => {}
            () = requests.stalled() => return self.give_up(),
        }
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            result = &mut connection => result,
            () = nothing_left(&requests, has_unsent) => Ok(()),
        }
    }

    /// The client has taken nothing of some answer for too long.
    fn give_up(&self) -> hyper::Result<()> {
        let client = self.client;
        tracing::debug!(%client, "{client} does not take its answers: the connection is ended");
        Ok(())
    }

    /// Answers each request of this connection. HTTP/2 may do so in tasks of their own.
    fn service(
        &self,
        requests: &Arc<Requests>,
    ) -> impl Service<
        Request<Incoming>,
        Response = Response<Answer>,
        Error = Infallible,
        Future: Send,
    > + use<> {
        let (app, client, requests) = (self.app.clone(), self.client, requests.clone());
        let (drain, guest) = (self.drain.clone(), self.guest.clone());
        service_fn(move |request: Request<Incoming>| {
            let (app, drain, in_flight) = (app.clone(), drain.clone(), requests.begin());
            let guest = guest.clone();
            let is_http2 = request.version() == Version::HTTP_2;
            let weighed = guest.weigh(request);
            async move {
                let mut response = match weighed {
                    Ok(request) => serve(app, client, &guest, request, in_flight.clone()).await,
                    Err(error) => error.response(),
                };
                if drain.is_requested() && !is_http2 {
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                let answer = |body| Answer::new(body, is_http2, in_flight);
                Ok::<Response<Answer>, Infallible>(response.map(answer))
            }
        })
    }
}

/// Returns when every request has been answered to its last byte, and no other one came for a while.
async fn nothing_left(requests: &Requests, has_unsent: &AtomicBool) {
    let has_unsent = || has_unsent.load(Ordering::Relaxed);
    loop {
        let is_sent = !has_unsent();
        requests.idle_for(LAST_REQUEST_TIME).await;
        if is_sent && !has_unsent() {
            return;
        }
    }
}

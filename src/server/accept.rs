//! Accepting connections, and letting go of them at the end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::app::App;
use super::connection::Connection;
use super::drain::Drain;
use super::limits::{DRAIN_TIME, MAX_CONNECTIONS, RESERVED_DESCRIPTORS};

/// How long to wait when the system has no descriptor for a connection and no other one ends.
const NO_DESCRIPTOR_PAUSE: Duration = Duration::from_millis(500);

/// A socket that listens.
pub struct Listener {
    /// The socket.
    pub socket: std::net::TcpListener,
    /// Whether somebody else holds it too and will serve what waits in it when we stop.
    pub is_kept: bool,
}

/// Somebody asks whether connections are still accepted.
pub type Ping = oneshot::Sender<()>;

/// The places that there are for connections: all acceptors of the process share them.
#[derive(Clone)]
pub struct Room(Arc<Semaphore>);

impl Room {
    /// Connections get what `descriptors` leaves for them.
    pub fn new(descriptors: u64) -> Self {
        let places = descriptors.saturating_sub(RESERVED_DESCRIPTORS).clamp(16, MAX_CONNECTIONS);
        Self(Arc::new(Semaphore::new(places as usize)))
    }
}

/// Accepts connections on one socket.
pub struct Acceptor {
    app: Arc<App>,
    tls: TlsAcceptor,
    drain: Drain,
    free: Arc<Semaphore>,
    connections: JoinSet<()>,
    pings: mpsc::Receiver<Ping>,
    out_of_descriptors: bool,
    is_full: bool,
}

impl Acceptor {
    /// `pings` are answered while connections are accepted.
    pub fn new(
        app: Arc<App>,
        tls: Arc<ServerConfig>,
        drain: Drain,
        Room(free): Room,
        pings: mpsc::Receiver<Ping>,
    ) -> Self {
        Self {
            app,
            tls: tls.into(),
            drain,
            free,
            connections: JoinSet::new(),
            pings,
            out_of_descriptors: false,
            is_full: false,
        }
    }

    /// Accepts until the server stops, then waits for what is in flight, but not for ever.
    pub async fn run(mut self, listener: Listener) -> io::Result<()> {
        listener.socket.set_nonblocking(true)?;
        let socket = TcpListener::from_std(listener.socket)?;
        self.accept(&socket).await;
        let socket = socket.into_std()?;
        if !listener.is_kept {
            self.take_backlog(&socket);
        }
        drop(socket);
        self.finish().await;
        Ok(())
    }

    async fn accept(&mut self, socket: &TcpListener) {
        let mut drain = self.drain.clone();
        loop {
            tokio::select! {
                () = drain.requested() => return,
                Some(_) = self.connections.join_next() => {}
                Some(ping) = self.pings.recv() => {
                    let _ = ping.send(());
                }
                (place, accepted) = accept_one(self.free.clone(), socket) => match accepted {
                    Ok((stream, client)) => self.serve(stream, client, place),
                    Err(error) => self.failed(error).await,
                },
            }
        }
    }

    fn serve(&mut self, stream: TcpStream, client: SocketAddr, place: OwnedSemaphorePermit) {
        self.out_of_descriptors = false;
        let is_full = self.free.available_permits() == 0;
        if is_full && !self.is_full {
            tracing::warn!(
                "no place is left for another connection, others wait until one ends; raise LimitNOFILE of the service",
            );
        }
        self.is_full = is_full;
        let connection = Connection {
            app: self.app.clone(),
            tls: self.tls.clone(),
            client: client.ip().to_canonical(),
            drain: self.drain.clone(),
        };
        self.connections.spawn(async move {
            let _place = place;
            connection.run(stream).await;
        });
    }

    /// Without a descriptor for the next connection the one thing to do is to wait for another to
    /// end. Connections that the client gave up before they were accepted are no failure.
    async fn failed(&mut self, error: io::Error) {
        const EMFILE: i32 = 24;
        const ENFILE: i32 = 23;
        if !matches!(error.raw_os_error(), Some(EMFILE | ENFILE)) {
            return tracing::debug!("a connection could not be accepted: {error}");
        }
        if !self.out_of_descriptors {
            tracing::error!(
                "no more connections can be accepted until others end: {error}; raise LimitNOFILE of the service",
            );
        }
        self.out_of_descriptors = true;
        tokio::select! {
            Some(_) = self.connections.join_next() => {}
            () = sleep(NO_DESCRIPTOR_PAUSE) => {}
        }
    }

    /// Connections that the system has already completed would be reset with the socket: they get
    /// their answers first.
    fn take_backlog(&mut self, socket: &std::net::TcpListener) {
        while let Ok((stream, client)) = socket.accept() {
            let Ok(place) = self.free.clone().try_acquire_owned() else { return };
            if stream.set_nonblocking(true).is_ok()
                && let Ok(stream) = TcpStream::from_std(stream)
            {
                self.serve(stream, client, place);
            }
        }
    }

    async fn finish(mut self) {
        let all = async { while self.connections.join_next().await.is_some() {} };
        if timeout(DRAIN_TIME, all).await.is_err() {
            tracing::warn!(
                "{} connections were cut: they had not ended {} s after the server was told to stop",
                self.connections.len(),
                DRAIN_TIME.as_secs(),
            );
        }
    }
}

async fn accept_one(
    free: Arc<Semaphore>,
    socket: &TcpListener,
) -> (OwnedSemaphorePermit, io::Result<(TcpStream, SocketAddr)>) {
    let place = free.acquire_owned().await.expect("the semaphore is never closed");
    (place, socket.accept().await)
}

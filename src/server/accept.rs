//! Accepting connections, and letting go of them at the end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::app::App;
use super::connection::Connection;
use super::drain::Drain;
use super::guest::Place;
use super::limits::DRAIN_TIME;
use super::room::Room;

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

/// Accepts connections on one socket.
pub struct Acceptor {
    app: Arc<App>,
    tls: TlsAcceptor,
    drain: Drain,
    room: Room,
    connections: JoinSet<()>,
    pings: mpsc::Receiver<Ping>,
    out_of_descriptors: bool,
}

impl Acceptor {
    /// `pings` are answered while connections are accepted.
    pub fn new(
        app: Arc<App>,
        tls: Arc<ServerConfig>,
        drain: Drain,
        room: Room,
        pings: mpsc::Receiver<Ping>,
    ) -> Self {
        Self {
            app,
            tls: tls.into(),
            drain,
            room,
            connections: JoinSet::new(),
            pings,
            out_of_descriptors: false,
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
                accepted = accept_one(self.room.clone(), socket) => match accepted {
                    Ok((stream, client)) => self.serve(stream, client),
                    Err(error) => self.failed(error).await,
                },
            }
        }
    }

    /// One that gets no place is closed.
    fn serve(&mut self, stream: TcpStream, client: SocketAddr) {
        self.out_of_descriptors = false;
        let client = client.ip().to_canonical();
        let Some(place) = self.room.admit(client) else { return };
        let connection = Connection {
            app: self.app.clone(),
            tls: self.tls.clone(),
            client,
            drain: self.drain.clone(),
            guest: place.guest().clone(),
        };
        self.connections.spawn(serve(connection, stream, place));
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
            if stream.set_nonblocking(true).is_ok()
                && let Ok(stream) = TcpStream::from_std(stream)
            {
                self.serve(stream, client);
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

/// Serves a connection until it ends or has to make room for another one.
async fn serve(connection: Connection, stream: TcpStream, place: Place) {
    let guest = place.guest().clone();
    let client = connection.client;
    let served = async {
        match place.may_talk().await {
            true => connection.run(stream, place).await,
            false => tracing::debug!(%client, "there was no place for {client} in time"),
        }
    };
    tokio::select! {
        () = served => {}
        () = guest.must_end() => tracing::debug!(%client, "{client} made room for others"),
    }
}

async fn accept_one(room: Room, socket: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    room.has_place().await;
    socket.accept().await
}

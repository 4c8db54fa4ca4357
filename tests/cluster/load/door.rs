//! Where a member is found, also while it is away.

use std::io::{Error, Result};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use headers::Authorization;
use headers::authorization::Credentials;

use crate::fixture::{Raw, Reply};
use crate::machines::Machines;

/// A member as clients see it.
pub(super) struct Door {
    address: SocketAddr,
    certificate: PathBuf,
    authorization: String,
    /// How often it went and came: an odd number while it is away.
    turns: AtomicUsize,
}

impl Door {
    pub(super) fn of(machines: &Machines, number: usize) -> Self {
        let server = machines.all[number].running();
        let Authorization(basic) = Authorization::basic("admin", &machines.password);
        Self {
            address: server.address,
            certificate: server.certificate(),
            authorization: basic.encode().to_str().unwrap().to_owned(),
            turns: AtomicUsize::new(0),
        }
    }

    pub(super) fn closed_while<T>(&self, work: impl FnOnce() -> T) -> T {
        self.turns.fetch_add(1, Ordering::SeqCst);
        let done = work();
        self.turns.fetch_add(1, Ordering::SeqCst);
        done
    }

    pub(super) fn turns(&self) -> usize {
        self.turns.load(Ordering::SeqCst)
    }

    pub(super) fn is_open(&self) -> bool {
        self.turns().is_multiple_of(2)
    }
}

/// A client's connection, kept for as long as it is to the same member.
#[derive(Default)]
pub(super) struct Connection(Option<Raw>);

impl Connection {
    /// Sends a request, and fails if there is no answer.
    pub(super) fn ask(&mut self, door: &Door, line: &str, body: &[u8]) -> Result<Reply> {
        let mut raw = match self.0.take() {
            Some(raw) => raw,
            None => {
                let socket = TcpStream::connect(door.address)?;
                Raw::trusting(&door.certificate, socket, b"http/1.1")?
            }
        };
        let (authorization, length) = (&door.authorization, body.len());
        let head = format!(
            "{line} HTTP/1.1\r\nhost: localhost\r\nauthorization: {authorization}\r\n\
             content-type: application/x-git-receive-pack-request\r\ncontent-length: {length}\r\n\r\n"
        );
        raw.try_send([head.as_bytes(), body].concat())?;
        let reply = raw.reply().ok_or_else(|| Error::other("the connection has ended"))?;
        if reply.header("connection") != Some("close") {
            self.0 = Some(raw);
        }
        Ok(reply)
    }
}

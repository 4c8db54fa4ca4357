//! `ecconfigd ping`: is the server on this machine well? Scripts ask this, such as the init script
//! while it waits for the start.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use super::args::{Args, PORT};
use super::failure::Failure;
use crate::tls::{self, Fingerprint};

/// Each step must be done within this time.
const PATIENCE: Duration = Duration::from_secs(5);
/// More than any answer to this has.
const MAX_ANSWER: u64 = 4096;

/// Asks `/livez` over TLS, trusting the certificate that lies on this machine.
pub(super) fn ping(args: &Args) -> Result<(), Failure> {
    let address = args.listen.unwrap_or((Ipv4Addr::LOCALHOST, PORT).into());
    let certificate = known_certificate(&args.layout().certificates())?;
    let config = tls::trust_only(certificate)?;
    let answer = ask(address, config).map_err(|error| no_answer(address, &error))?;
    match answer.split(' ').nth(1) {
        Some("200") => Ok(()),
        _ => Err(Failure::unavailable(format!(
            "ecconfigd on {address} is not well: {}",
            answer.lines().next().unwrap_or("it says nothing").escape_default(),
        ))),
    }
}

/// The first start makes one.
fn known_certificate(prefix: &Path) -> Result<Fingerprint, Failure> {
    if !prefix.join("server.crt").exists() {
        return Err(Failure::unavailable(format!(
            "there is no certificate in {}: the server has never been started here; start it with systemctl start ecconfigd",
            prefix.display(),
        )));
    }
    tls::fingerprint(prefix).map_err(Failure::unavailable)
}

fn no_answer(address: SocketAddr, error: &io::Error) -> Failure {
    Failure::unavailable(match error.kind() {
        // The first is what reading and writing say, the second what connecting says.
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => format!(
            "ecconfigd on {address} has not answered within {} s: look at `systemctl status ecconfigd` and its log, and at the disk it may wait for",
            PATIENCE.as_secs(),
        ),
        _ => format!("no answer from ecconfigd on {address}: {error}"),
    })
}

fn ask(address: SocketAddr, config: rustls::ClientConfig) -> io::Result<String> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let name = ServerName::from(address.ip());
    let tls = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(tls, stream);
    stream.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

//! Where connections come in: sockets that were handed over, or one of our own.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

use listenfd::ListenFd;
use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::AcceptConn;

use super::args::Args;
use super::failure::Failure;
use crate::server::Listener;

/// Sockets handed over by systemd or another parent, with their names.
pub(super) struct Passed {
    sockets: Vec<TcpListener>,
    names: String,
}

impl Passed {
    /// Takes them from the environment, which must be done before there is a second thread.
    pub(super) fn take() -> Result<Self, Failure> {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut passed = ListenFd::from_env();
        let mut sockets = Vec::new();
        for index in 0..passed.len() {
            let socket = passed.take_tcp_listener(index).ok().flatten();
            let socket = socket.filter(is_listening).ok_or_else(|| {
                Failure::config(format!(
                    "descriptor {} that was passed (LISTEN_FDS) is no listening TCP socket: mend ecconfigd.socket",
                    index + 3,
                ))
            })?;
            sockets.push(socket);
        }
        Ok(Self { sockets, names })
    }
}

/// A connection looks like a listener until something is accepted from it.
fn is_listening(socket: &TcpListener) -> bool {
    getsockopt(socket, AcceptConn).unwrap_or(false)
}

/// The sockets to serve.
pub(super) fn listen(args: &Args, passed: Passed) -> Result<Vec<Listener>, Failure> {
    if passed.sockets.is_empty() {
        let socket = match args.listen {
            Some(address) => bind(address)?,
            None => bind_first(&args.default_addresses())?,
        };
        return Ok(vec![Listener { socket, is_kept: false }]);
    }
    if let Some(address) = args.listen {
        tracing::warn!("--listen {address} is ignored: sockets were passed in ({})", passed.names);
    }
    let listeners = passed.sockets.into_iter();
    Ok(listeners.map(|socket| Listener { socket, is_kept: true }).collect())
}

/// The addresses, for people.
pub(super) fn addresses(listeners: &[Listener]) -> Vec<SocketAddr> {
    listeners.iter().filter_map(|listener| listener.socket.local_addr().ok()).collect()
}

fn bind_first(addresses: &[SocketAddr]) -> Result<TcpListener, Failure> {
    let mut result = Err(Failure::unavailable("there is no address to listen on"));
    for &address in addresses {
        result = bind(address);
        if result.is_ok() {
            break;
        }
    }
    result
}

fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).map_err(|error| {
        let advice = match error.kind() {
            ErrorKind::AddrInUse => {
                "; another program uses the port (`ss -ltnp` shows which), stop it or give --listen"
            }
            ErrorKind::AddrNotAvailable => {
                "; this machine has no such address, give another --listen"
            }
            ErrorKind::PermissionDenied => {
                "; a port below 1024 is for root, or for systemd to pass (ecconfigd.socket)"
            }
            _ => "",
        };
        Failure::unavailable(format!("cannot listen on {address}: {error}{advice}"))
    })
}

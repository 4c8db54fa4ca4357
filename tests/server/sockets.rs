//! Sockets that somebody else holds: systemd, or a test.

use std::fs::File;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tempfile::tempdir;

use crate::fixture::{BINARY, Curl, Options, Server, text};

/// Standard input and output become descriptors 3 and 4, which is where systemd puts its sockets.
const HAND_OVER: [&str; 4] =
    ["sh", "-c", "export LISTEN_PID=$$; exec \"$@\" 3<&0 4<&1 </dev/null >&2", "sh"];

#[test]
fn a_socket_that_is_handed_over_is_served() {
    let socket = listener();
    let server = Server::with(handed_over(&[&socket], "config"));
    assert_eq!(server.address, socket.local_addr().unwrap());
    assert_eq!(server.curl("/config/").send().status, 200);
}

#[test]
fn several_sockets_are_all_served() {
    let (one, other) = (listener(), listener());
    let server = Server::with(handed_over(&[&one, &other], "public:local"));
    let addresses = [one, other].map(|socket| socket.local_addr().unwrap());
    let [first, second] = addresses.map(|address| address.to_string());
    assert!(server.log().contains(&format!("listening on {first}, {second};")));
    for address in addresses {
        let reply = Curl::new(&server.certificate(), &format!("https://{address}/livez")).send();
        assert_eq!(reply.status, 200, "{reply:?}");
    }
}

#[test]
fn listen_is_ignored_with_a_warning_when_sockets_are_handed_over() {
    // If it were not ignored the server could not start, as the address is in use.
    let (socket, other) = (listener(), listener());
    let address = other.local_addr().unwrap();
    let mut options = handed_over(&[&socket], "config");
    options.arguments = vec!["--listen".into(), address.to_string()];
    let server = Server::with(options);
    let log = server.log();
    let warning = log.lines().find(|line| line.contains(" WARN ")).unwrap();
    assert!(warning.contains(&format!("--listen {address} is ignored")), "{warning}");
    assert!(warning.contains("config"), "{warning}");
}

#[test]
fn sockets_for_another_process_are_not_taken() {
    let socket = listener();
    let environment = vec![("LISTEN_PID".into(), "1".into()), ("LISTEN_FDS".into(), "1".into())];
    let server = Server::with(Options { environment, ..Options::default() });
    assert_ne!(server.address, socket.local_addr().unwrap());
    assert_eq!(server.curl("/livez").send().status, 200);
}

#[test]
fn what_is_no_listening_tcp_socket_is_refused_by_its_number() {
    let dir = tempdir().unwrap();
    let tcp = listener();
    let connected = TcpStream::connect(tcp.local_addr().unwrap()).unwrap();
    for (what, descriptor) in [
        ("a file", OwnedFd::from(File::open("/dev/null").unwrap())),
        ("a connection", connected.into()),
        ("a datagram socket", UdpSocket::bind("127.0.0.1:0").unwrap().into()),
        ("a Unix socket", UnixListener::bind(dir.path().join("socket")).unwrap().into()),
    ] {
        let output = Command::new("timeout")
            .arg("60")
            .args(HAND_OVER)
            .args([BINARY, "--root"])
            .arg(dir.path())
            .env("LISTEN_FDS", "2")
            .stdin(duplicate(&tcp))
            .stdout(Stdio::from(descriptor))
            .output()
            .unwrap();
        let said = text(&output);
        assert_eq!(output.status.code(), Some(78), "{what}: {said}");
        assert!(
            said.contains("descriptor 4") && said.contains("ecconfigd.socket"),
            "{what}: {said}"
        );
    }
    assert!(!dir.path().join("var").exists(), "something was made first");
}

#[test]
fn a_socket_stays_usable_from_one_process_to_the_next_and_refuses_nobody() {
    const RESTARTS: usize = 4;
    let socket = listener();
    let mut server = Server::with(handed_over(&[&socket], "config"));
    let address = socket.local_addr().unwrap();
    let certificate = server.certificate();
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let ask = |version| {
            let (certificate, ended) = (&certificate, &ended);
            scope.spawn(move || ask_until(ended, certificate, address, version))
        };
        let clients = ["--http1.1", "--http2", "--http1.1", "--http2"].map(ask);
        for _ in 0..RESTARTS {
            assert!(server.stop().success(), "{}", server.log());
            server = server.start_again(handed_over(&[&socket], "config"));
        }
        ended.store(true, Ordering::Relaxed);
        let answered: usize = clients.into_iter().map(|client| client.join().unwrap()).sum();
        assert!(answered > RESTARTS, "{answered} requests say little");
    });
}

#[test]
fn several_sockets_share_the_places_that_the_process_has() {
    const PLACES: usize = 16;
    let sockets = [listener(), listener()];
    let mut options = handed_over(&[&sockets[0], &sockets[1]], "public:local");
    // What the server keeps for other uses, and the least it has for connections.
    let limit = format!("ulimit -n {} && exec \"$@\"", 256 + PLACES);
    options.wrapper.splice(0..0, ["sh", "-c", &limit, "sh"].map(String::from));
    let server = Server::with(options);
    let addresses = sockets.map(|socket| socket.local_addr().unwrap());
    let connect = |_| addresses.map(|address| TcpStream::connect(address).unwrap());
    let connections: Vec<_> = (0..PLACES * 3 / 4).map(connect).collect();
    server.wait_for_log("no place is left for another connection");
    drop(connections);
    for address in addresses {
        let reply = Curl::new(&server.certificate(), &format!("https://{address}/livez")).send();
        assert_eq!(reply.status, 200, "{reply:?}");
    }
}

/// Asks again and again, each time on a connection of its own; all must be answered.
fn ask_until(ended: &AtomicBool, certificate: &Path, address: SocketAddr, version: &str) -> usize {
    let mut answered = 0;
    while !ended.load(Ordering::Relaxed) {
        let curl = Curl::new(certificate, &format!("https://{address}/livez"));
        let reply = curl.args([version]).send();
        assert_eq!(reply.status, 200, "{version}, after {answered} answers: {reply:?}");
        answered += 1;
    }
    answered
}

fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

fn duplicate(socket: &TcpListener) -> Stdio {
    socket.as_fd().try_clone_to_owned().unwrap().into()
}

/// One or two sockets handed over.
fn handed_over(sockets: &[&TcpListener], names: &str) -> Options {
    let environment = [("LISTEN_FDS", sockets.len().to_string()), ("LISTEN_FDNAMES", names.into())];
    Options {
        wrapper: HAND_OVER.map(String::from).to_vec(),
        environment: environment.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        stdin: Some(duplicate(sockets[0])),
        stdout: sockets.get(1).map(|socket| duplicate(socket)),
        ..Options::default()
    }
}

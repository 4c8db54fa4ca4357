//! The end of a server: what has begun is finished, nothing new is taken on.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use ecconfigd::server::limits::DRAIN_TIME;
use nix::sys::signal::Signal;

use crate::fixture::{
    Curl, Http2Answer, Options, PATIENCE, Raw, Server, authorization, eventually, frame, succeeds,
};

/// More than the system's buffers take between two programs.
const LARGE: usize = 16 << 20;
const HTTP: [(&str, &str); 2] = [("--http1.1", "HTTP/1.1"), ("--http2", "HTTP/2")];

#[test]
fn both_signals_end_it_with_success() {
    for (signal, name) in [(Signal::SIGTERM, "SIGTERM"), (Signal::SIGINT, "SIGINT")] {
        let mut server = Server::start();
        server.signal(signal);
        assert!(server.wait().success());
        assert!(server.told_within(PATIENCE).unwrap().contains("STOPPING=1"));
        assert!(server.log().contains(&format!("stopping because of {name}")));
        assert!(server.log().lines().last().unwrap().contains("stopped"));
    }
}

#[test]
fn another_start_works_at_once_on_the_same_address() {
    // An address of this test's own, as another test could be given the same port otherwise.
    let listen = |address: &str| Options {
        arguments: vec!["--listen".into(), address.into()],
        ..Options::default()
    };
    let mut server = Server::with(listen("127.0.27.1:0"));
    for _ in 0..3 {
        // The certificate is not made for this address.
        assert_eq!(server.curl("/livez").args(["--insecure"]).send().status, 200);
        let address = server.address;
        assert!(server.stop().success());
        server = server.start_again(listen(&address.to_string()));
        assert_eq!(server.address, address);
    }
}

#[test]
fn a_download_under_way_is_finished() {
    let mut server = Server::start();
    let content = random(LARGE);
    server.git().clone_of("default").push_file("large", &content);
    for (option, _) in HTTP {
        let (certificate, password) = (server.certificate(), server.password("admin"));
        let output = stop_amidst(&mut server, Side::Server, move |gate| {
            let curl =
                Curl::new(&certificate, &format!("https://{gate}/config/default/boot/large"));
            curl.args([option, "--user", &format!("admin:{password}"), "--no-include"]).command()
        });
        assert!(
            output.status.success() && output.stdout == content,
            "{option}: {:?}",
            output.status
        );
        server = server.start_again(Options::default());
    }
}

#[test]
fn a_clone_under_way_is_finished() {
    let mut server = Server::start();
    let commit = server.git().clone_of("default").push_file("large", random(LARGE));
    for (_, version) in HTTP {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clone");
        let (git, password) = (server.git(), server.password("admin"));
        let output = stop_amidst(&mut server, Side::Server, |gate| {
            let url = format!("https://admin:{password}@{gate}/config/default");
            let mut command = git.option(&format!("http.version={version}")).command(dir.path());
            command.args(["clone", "--quiet", &url]).arg(&path);
            command
        });
        succeeds(output);
        assert_eq!(succeeds(server.git().run_in(&path, &["rev-parse", "HEAD"])).trim(), commit);
        server = server.start_again(Options::default());
    }
}

#[test]
fn a_push_under_way_is_finished_and_kept() {
    let mut server = Server::start();
    for (_, version) in HTTP {
        let clone = server.git().clone_of("default");
        clone.write("large", random(4 << 20));
        let commit = clone.commit("Large");
        let git = clone.git.clone().option(&format!("http.version={version}"));
        let password = server.password("admin");
        let output = stop_amidst(&mut server, Side::Client, |gate| {
            let url = format!("https://admin:{password}@{gate}/config/default");
            let mut command = git.command(&clone.path);
            command.args(["push", "--quiet", &url, "boot"]);
            command
        });
        succeeds(output);
        server = server.start_again(Options::default());
        assert_eq!(server.git().clone_of("default").rev("HEAD"), commit);
    }
}

#[test]
fn connections_that_were_made_before_the_end_are_answered() {
    for protocol in [b"http/1.1".as_slice(), b"h2"] {
        let mut server = Server::start();
        // The system completes connections for a server that does not accept them yet.
        server.signal(Signal::SIGSTOP);
        let waiting: Vec<TcpStream> =
            (0..8).map(|_| TcpStream::connect(server.address).unwrap()).collect();
        server.signal(Signal::SIGTERM);
        server.signal(Signal::SIGCONT);
        for socket in waiting {
            let mut client = Raw::over(&server, socket, protocol).unwrap();
            if protocol == b"h2" {
                let get = frame::headers(1, &frame::get("/livez", "nobody"));
                client.send([frame::preface(), get].concat());
                assert_eq!(Http2Answer::of(&mut client).rest(), b"ok\n");
            } else {
                client.send("GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n");
                assert_eq!(client.reply().unwrap().status, 200);
            }
        }
        assert!(server.wait().success());
    }
}

#[test]
fn a_second_signal_cuts_what_is_in_flight() {
    let mut server = Server::start();
    let mut upload = begin_upload(&server);
    let told = Instant::now();
    eventually("it ends", || {
        server.signal(Signal::SIGTERM);
        !server.is_running()
    });
    assert!(server.wait().success());
    assert!(told.elapsed() < DRAIN_TIME, "{:?}", told.elapsed());
    assert_eq!(upload.rest(), b"");
    assert!(server.log().contains("what is in flight is cut because of a second SIGTERM"));
}

#[test]
fn one_signal_that_comes_twice_is_one() {
    let mut server = Server::start();
    let mut upload = begin_upload(&server);
    server.signal(Signal::SIGTERM);
    server.wait_for("STOPPING=1");
    server.signal(Signal::SIGTERM);
    server.wait_for_log("SIGTERM again");
    upload.send("0000");
    assert_eq!(upload.reply().unwrap().status, 200);
    assert!(server.wait().success());
}

/// A push whose last four bytes are still to come.
fn begin_upload(server: &Server) -> Raw {
    let mut raw = Raw::connect(server);
    raw.send(format!(
        "POST /config/default/git-receive-pack HTTP/1.1\r\nHost: x\r\n{}Expect: 100-continue\r\n\
         Content-Type: application/x-git-receive-pack-request\r\nContent-Length: 4\r\n\r\n",
        authorization(server, "admin"),
    ));
    assert_eq!(raw.reply().unwrap().status, 100, "the server does not read it");
    raw
}

#[test]
fn a_connection_on_which_nothing_is_asked_does_not_hold_the_end_up() {
    let mut server = Server::start();
    let mut idle = Command::new("openssl")
        .args(["s_client", "-connect", &server.address.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = [0; 1 << 10];
    // It says something when the handshake is done.
    while !String::from_utf8_lossy(&said).contains("SSL handshake") {
        assert_ne!(idle.stdout.as_mut().unwrap().read(&mut said).unwrap(), 0);
    }
    let told = Instant::now();
    assert!(server.stop().success());
    assert!(told.elapsed() < Duration::from_secs(15), "{:?}", told.elapsed());
    idle.kill().unwrap();
    idle.wait().unwrap();
}

/// Tells the server to stop while this command's bytes are on their way, and returns what came of
/// the command.
#[track_caller]
fn stop_amidst(
    server: &mut Server,
    from: Side,
    command: impl FnOnce(SocketAddr) -> Command,
) -> Output {
    let gate = Gate::before(server.address, from);
    let mut command = command(gate.address);
    let client = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    gate.reached.recv().unwrap();
    server.signal(Signal::SIGTERM);
    server.wait_for("STOPPING=1");
    let address = server.address;
    eventually("connections are refused", || TcpStream::connect(address).is_err());
    assert!(server.is_running());
    drop(gate.shut);
    let output = client.wait_with_output().unwrap();
    assert!(server.wait().success(), "{}", server.log());
    output
}

/// Who sends what is held up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

/// Stands between a client and the server. Connections pass, but after a while those bytes that come
/// from one side wait until the gate is opened by dropping `shut`.
struct Gate {
    address: SocketAddr,
    reached: Receiver<()>,
    shut: Sender<()>,
}

struct Passage {
    passed: AtomicUsize,
    reached: Sender<()>,
    opened: Mutex<Receiver<()>>,
}

impl Gate {
    fn before(server: SocketAddr, side: Side) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let ((reached_sender, reached), (shut, opened)) = (channel(), channel());
        let passage = Arc::new(Passage {
            passed: AtomicUsize::new(0),
            reached: reached_sender,
            opened: Mutex::new(opened),
        });
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(server).unwrap());
                let ways = [
                    (Side::Client, client.try_clone().unwrap(), server.try_clone().unwrap()),
                    (Side::Server, server, client),
                ];
                for (from, source, target) in ways {
                    let passage = (from == side).then(|| passage.clone());
                    thread::spawn(move || pass(source, target, passage));
                }
            }
        });
        Self { address, reached, shut }
    }
}

fn pass(mut source: TcpStream, mut target: TcpStream, passage: Option<Arc<Passage>>) {
    let mut buffer = [0; 16 << 10];
    while let Ok(length @ 1..) = source.read(&mut buffer) {
        if let Some(passage) = &passage {
            passage.count(length);
        }
        if target.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = target.shutdown(Shutdown::Write);
}

impl Passage {
    /// More than any request or answer that comes before the one in question.
    const BEFORE: usize = 1 << 20;

    fn count(&self, length: usize) {
        if self.passed.fetch_add(length, Ordering::Relaxed) + length < Self::BEFORE {
            return;
        }
        let _ = self.reached.send(());
        // Fails when the gate has been opened.
        let _ = self.opened.lock().unwrap().recv();
    }
}

/// Bytes that cannot be compressed.
fn random(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

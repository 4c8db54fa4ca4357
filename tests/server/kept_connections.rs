//! Connections that clients keep, when the server ends: nobody is left without an answer, and nobody
//! holds the end up.

use std::net::TcpStream;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use ecconfigd::server::limits::{DRAIN_TIME, LAST_REQUEST_TIME};
use nix::sys::signal::Signal;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::RcvBuf;

use crate::fixture::{Http2Answer, Raw, Server, authorization, frame};

/// More than the buffers between the two take.
const LARGE: usize = 8 << 20;
const GET_LIVEZ: &str = "GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n";

#[test]
fn a_busy_client_is_told_that_its_connection_ends() {
    let server = Server::start();
    let busy = Barrier::new(9);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut client = Raw::connect(&server);
                assert_eq!(ask(&mut client).header("connection"), None);
                busy.wait();
                while ask(&mut client).header("connection") != Some("close") {}
                assert_eq!(client.rest(), b"");
            });
        }
        busy.wait();
        server.signal(Signal::SIGTERM);
    });
}

#[test]
fn a_client_may_ask_once_more_after_a_long_answer() {
    let mut server = Server::start();
    server.git().clone_of("default").push_file("large", vec![b'x'; LARGE]);
    // What waits in the system's buffers the server takes for read.
    let socket = TcpStream::connect(server.address).unwrap();
    setsockopt(&socket, RcvBuf, &(16 << 10)).unwrap();
    let mut client = Raw::over(&server, socket, b"http/1.1").unwrap();
    client.send(format!(
        "GET /config/default/boot/large HTTP/1.1\r\nhost: localhost\r\n{}\r\n",
        authorization(&server, "admin"),
    ));
    client.take_until(b"\r\n\r\n").unwrap();
    server.signal(Signal::SIGTERM);
    server.wait_for("STOPPING=1");
    outlast_the_wait_for_a_last_request();
    client.take(LARGE).unwrap();
    assert_eq!(ask(&mut client).header("connection"), Some("close"));
    assert!(server.wait().success());
}

#[test]
fn a_client_of_http2_that_does_not_listen_does_not_hold_the_end_up() {
    let mut server = Server::start();
    let mut client = Raw::connect_http2(&server);
    client.send([frame::preface(), get_livez()].concat());
    assert_eq!(Http2Answer::of(&mut client).rest(), b"ok\n");
    let told = Instant::now();
    assert!(server.stop().success());
    assert!(told.elapsed() < DRAIN_TIME / 2, "{:?}", told.elapsed());
}

#[test]
fn a_client_of_http2_gets_the_end_of_an_answer_that_it_takes_slowly() {
    let mut server = Server::start();
    let mut client = Raw::connect_http2(&server);
    client.send([frame::preface_with_narrow_window(), get_livez()].concat());
    let mut answer = Http2Answer::of(&mut client);
    assert_eq!(answer.some(), b"o");
    server.signal(Signal::SIGTERM);
    server.wait_for("STOPPING=1");
    outlast_the_wait_for_a_last_request();
    answer.client.send(frame::window(1, 100));
    assert_eq!(answer.rest(), b"k\n");
    assert!(server.wait().success());
}

#[track_caller]
fn ask(client: &mut Raw) -> crate::fixture::Reply {
    client.send(GET_LIVEZ);
    client.reply().expect("the connection ended under a request")
}

fn get_livez() -> Vec<u8> {
    frame::headers(1, &frame::get("/livez", "nobody"))
}

/// The server says nothing when this time is over: it must not do anything.
fn outlast_the_wait_for_a_last_request() {
    thread::sleep(LAST_REQUEST_TIME + Duration::from_millis(500));
}

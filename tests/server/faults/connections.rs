//! Faults 11 and 12: the beginning and the end of connections.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Barrier;
use std::thread;

use nix::sys::signal::Signal;

use crate::fixture::{PATIENCE, Raw, Server, authorization, frame};

#[test]
fn fault_11_who_does_not_finish_a_handshake_stops_nobody_and_is_let_go() {
    let server = Server::start();
    // Nothing, part of a greeting, and what is none.
    let beginnings: [&[u8]; 4] = [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00", b"\x16\x03\x01"];
    let silent: Vec<TcpStream> = (0..300)
        .map(|number| {
            let mut socket = TcpStream::connect(server.address).unwrap();
            socket.write_all(beginnings[number % 4]).unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            socket
        })
        .collect();
    let clone = server.git().clone_of("default");
    clone.push_file("default/a.conf", "a\n");
    let waiting = silent.iter().filter(|socket| is_open(socket)).count();
    assert!(waiting > 0, "all were let go before anybody else was served");
    for mut socket in silent {
        // Ends with the connection, or fails if that takes too long.
        let mut rest = Vec::new();
        if let Err(error) = socket.read_to_end(&mut rest) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        }
    }
    assert!(server.log().contains("took too long"), "{}", server.log());
}

fn is_open(socket: &TcpStream) -> bool {
    socket.set_nonblocking(true).unwrap();
    let peeked = socket.peek(&mut [0]);
    socket.set_nonblocking(false).unwrap();
    peeked.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

#[test]
fn fault_12_what_is_asked_on_a_connection_just_accepted_is_answered() {
    let mut server = Server::start();
    let mut fresh: Vec<Raw> = (0..4).map(|_| Raw::connect(&server)).collect();
    let mut used: Vec<Raw> = (0..4).map(|_| Raw::connect(&server)).collect();
    let mut multiplexed: Vec<Raw> = (0..4).map(|_| Raw::connect_http2(&server)).collect();
    let request = request(&server);
    for raw in &mut used {
        raw.send(&request);
        assert_is_answered(raw);
    }
    let authorization = authorization(&server, "admin");
    let (_, authorization) = authorization.trim_end().split_once(": ").unwrap();
    let stream = [frame::preface(), frame::headers(1, &frame::get(PATH, authorization))].concat();
    server.signal(Signal::SIGTERM);
    server.wait_for("STOPPING=1");
    fresh.iter_mut().chain(&mut used).for_each(|raw| raw.send(&request));
    multiplexed.iter_mut().for_each(|raw| raw.send(&stream));
    fresh.iter_mut().chain(&mut used).for_each(assert_is_answered);
    for raw in &mut multiplexed {
        assert!(raw.take_until(b"# ecelerity.conf").is_some(), "closed without an answer");
    }
    drop(multiplexed);
    assert!(server.wait().success());
}

#[test]
fn fault_12_who_waits_to_be_accepted_when_the_server_stops_is_answered() {
    let mut server = Server::start();
    let request = request(&server);
    // Asleep, the server accepts nothing; the system completes the connections without it.
    server.signal(Signal::SIGSTOP);
    let waiting: Vec<TcpStream> =
        (0..20).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    server.signal(Signal::SIGTERM);
    server.signal(Signal::SIGCONT);
    for socket in waiting {
        let mut raw = Raw::over(&server, socket, b"http/1.1").unwrap();
        raw.send(&request);
        assert_is_answered(&mut raw);
    }
    assert!(server.wait().success());
}

#[test]
fn fault_12_nobody_who_was_let_in_while_the_server_stops_is_dropped() {
    let mut server = Server::start();
    let request = request(&server);
    let under_way = Barrier::new(9);
    let dropped: usize = thread::scope(|scope| {
        let ask = || {
            ask_once(&server, &request);
            under_way.wait();
            ask_until_the_end(&server, &request)
        };
        let clients: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        under_way.wait();
        server.signal(Signal::SIGTERM);
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    assert_eq!(dropped, 0);
    assert!(server.wait().success());
}

fn ask_once(server: &Server, request: &str) {
    let mut raw = Raw::connect(server);
    raw.send(request);
    assert_is_answered(&mut raw);
}

/// Asks on one new connection after the other until there are no more. Returns how many were let
/// in and not answered.
fn ask_until_the_end(server: &Server, request: &str) -> usize {
    let mut dropped = 0;
    while let Ok(mut raw) = Raw::try_connect(server, b"http/1.1") {
        let sent = raw.try_send(request).is_ok();
        if !sent || raw.reply().is_none_or(|reply| reply.status != 200) {
            dropped += 1;
        }
    }
    dropped
}

const PATH: &str = "/config/default/boot/default/ecelerity.conf";

fn request(server: &Server) -> String {
    format!("GET {PATH} HTTP/1.1\r\nHost: x\r\n{}\r\n", authorization(server, "admin"))
}

#[track_caller]
fn assert_is_answered(raw: &mut Raw) {
    let reply = raw.reply().expect("the connection was closed without an answer");
    assert!(reply.status == 200 && reply.text().starts_with("# ecelerity.conf"));
}

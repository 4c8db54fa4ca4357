//! Faults 11 and 12: the beginning and the end of connections.

use std::io::{Read, Write};
use std::net::TcpStream;
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
    let auth = authorization(&server, "admin");
    let mut old: Vec<Raw> = (0..20).map(|_| Raw::connect(&server)).collect();
    let mut new: Vec<Raw> = (0..20).map(|_| Raw::connect_http2(&server)).collect();
    let path = "/config/default/boot/default/ecelerity.conf";
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{auth}\r\n");
    let (_, auth) = auth.trim_end().split_once(": ").unwrap();
    let head = frame::get(path, auth);
    let stream = [frame::preface(), frame::headers(1, &head)].concat();
    server.signal(Signal::SIGTERM);
    for raw in &mut old {
        raw.send(&request);
    }
    for raw in &mut new {
        raw.send(&stream);
    }
    for raw in &mut old {
        let reply = raw.reply().expect("a connection was closed without an answer");
        assert!(reply.status == 200 && reply.text().starts_with("# ecelerity.conf"));
    }
    for raw in &mut new {
        assert!(raw.take_until(b"# ecelerity.conf").is_some(), "closed without an answer");
    }
    drop(new);
    assert!(server.wait().success());
}

#[test]
fn fault_12_nobody_who_was_let_in_while_the_server_stops_is_dropped() {
    let mut server = Server::start();
    let auth = authorization(&server, "admin");
    let request = format!("GET /config/default/boot/ HTTP/1.1\r\nHost: x\r\n{auth}\r\n");
    let (answered, dropped) = thread::scope(|scope| {
        let clients: Vec<_> =
            (0..8).map(|_| scope.spawn(|| ask_until_the_end(&server, &request))).collect();
        server.signal(Signal::SIGTERM);
        let counts = clients.into_iter().map(|client| client.join().unwrap());
        counts.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1))
    });
    assert_eq!(dropped, 0, "{answered} were answered");
    assert!(answered > 0 && server.wait().success());
}

/// Asks on one new connection after the other until there are no more. Returns how many were
/// answered, and how many were let in and then were not.
fn ask_until_the_end(server: &Server, request: &str) -> (usize, usize) {
    let (mut answered, mut dropped) = (0, 0);
    while let Ok(mut raw) = Raw::try_connect(server, b"http/1.1") {
        let sent = raw.try_send(request).is_ok();
        match sent && raw.reply().is_some_and(|reply| reply.status == 200) {
            true => answered += 1,
            false => dropped += 1,
        }
    }
    (answered, dropped)
}

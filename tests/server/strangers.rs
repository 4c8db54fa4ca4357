//! Clients that show no right password: whatever they hold, others are served.

use std::fs;
use std::net::TcpStream;
use std::time::Duration;

use headers::Authorization;
use headers::authorization::Credentials;

use crate::fixture::{Options, Raw, Server, authorization, connect_from, frame};

/// Descriptors of the server, and what it has left for connections then.
const DESCRIPTORS: usize = 400;
const PLACES: usize = DESCRIPTORS - 256;
/// Part of the address of whoever attacks.
const ATTACKER: u8 = 66;

/// One that has few places for connections.
fn narrow_server() -> Server {
    let script = format!("ulimit -n {DESCRIPTORS}; exec \"$@\"");
    let wrapper = ["sh", "-c", &script, "sh"].map(str::to_owned).to_vec();
    Server::with(Options { wrapper, ..Options::default() })
}

#[track_caller]
fn assert_others_are_served(server: &Server) {
    for _ in 0..3 {
        let reply = server.curl("/config/").args(["--max-time", "10"]).send();
        assert_eq!(reply.status, 200, "{reply:?}");
    }
}

#[test]
fn one_address_that_takes_all_connections_keeps_nobody_else_out() {
    let server = narrow_server();
    let mut held: Vec<Raw> = (0..PLACES + 6)
        .map(|_| Raw::from(&server, ATTACKER).expect("there was place when this was opened"))
        .collect();
    for raw in &mut held {
        let _ = raw.try_send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    assert_others_are_served(&server);
    assert!(server.log().contains("no place is left for another connection"));
}

#[test]
fn nor_does_one_whose_heads_do_not_end() {
    let server = narrow_server();
    let mut held = Vec::new();
    for _ in 0..PLACES {
        let Ok(mut raw) = Raw::from(&server, ATTACKER) else { continue };
        let _ = raw.try_send(format!("GET /livez HTTP/1.1\r\nX: {}", "x".repeat(20_000)));
        held.push(raw);
    }
    assert_others_are_served(&server);
}

#[test]
fn nor_does_one_that_begins_no_handshake() {
    let server = narrow_server();
    let held: Vec<TcpStream> =
        (0..2 * PLACES).map(|_| connect_from(&server, ATTACKER).unwrap()).collect();
    assert_others_are_served(&server);
    drop(held);
}

#[test]
fn whoever_has_shown_a_password_stays_even_at_the_same_address() {
    let server = narrow_server();
    let mut node = Raw::from(&server, ATTACKER).unwrap();
    let authorization = authorization(&server, "ecuser");
    let ask = format!("GET /config/ HTTP/1.1\r\nHost: x\r\n{authorization}\r\n");
    node.send(&ask);
    assert_eq!(node.reply().unwrap().status, 200);
    let held: Vec<_> = (0..2 * PLACES).map(|_| connect_from(&server, ATTACKER)).collect();
    assert_others_are_served(&server);
    node.send(&ask);
    assert_eq!(node.reply().unwrap().status, 200);
    drop(held);
}

#[test]
fn one_account_at_one_address_leaves_places_to_others() {
    let server = narrow_server();
    let ask =
        format!("GET /config/ HTTP/1.1\r\nHost: x\r\n{}\r\n", authorization(&server, "ecuser"));
    let mut held = Vec::new();
    for _ in 0..PLACES {
        let Ok(mut raw) = Raw::from(&server, ATTACKER) else { continue };
        if raw.try_send(&ask).is_ok() && raw.reply().is_some() {
            held.push(raw);
        }
    }
    assert!(held.len() >= PLACES / 2, "{}", held.len());
    assert_others_are_served(&server);
}

#[test]
fn heads_that_wait_for_their_password_take_little_memory() {
    const CONNECTIONS: u32 = 60;
    const REQUESTS: u32 = 60;
    /// The most that one of these connections may need.
    const LIMIT: u64 = 384;
    let server = Server::with(Options { level: Some(4), ..Options::default() });
    let before = memory(&server);
    let value = "x".repeat(1900);
    let names: Vec<String> = (0..15).map(|number| format!("x-{number}")).collect();
    let fields: Vec<(&str, &str)> = names.iter().map(|name| (&**name, &*value)).collect();
    let mut held = Vec::new();
    for connection in 0..CONNECTIONS {
        let mut raw = Raw::connect_http2(&server);
        let request = |number: u32| {
            let password = format!("guess{number}");
            let Authorization(basic) =
                Authorization::basic(&format!("ghost{connection}"), &password);
            let head = frame::get("/config/", basic.encode().to_str().unwrap());
            frame::long_headers(2 * number + 1, &frame::with_fields(head, &fields))
        };
        raw.send([frame::preface(), (0..REQUESTS).flat_map(request).collect()].concat());
        // All but those that may wait are told to come again.
        let answered = (REQUESTS - 3) as usize;
        let mut heads = 0;
        while heads < answered {
            let head = raw.take(9).expect("the connection ended");
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
            raw.take(length).expect("the connection ended");
            heads += usize::from(head[3] == 1);
        }
        held.push(raw);
    }
    // Now and then a password is hashed, which takes 19 MiB for a moment.
    let samples = (0..30).map(|_| {
        std::thread::sleep(Duration::from_millis(100));
        memory(&server)
    });
    let each = samples.min().unwrap().saturating_sub(before) / u64::from(CONNECTIONS);
    println!("{each} kB for each connection");
    assert!(each < LIMIT, "{each} kB for each connection");
    drop(held);
}

#[test]
fn a_head_that_does_not_end_is_refused_before_it_takes_much() {
    let server = Server::start();
    let mut raw = Raw::connect(&server);
    let _ = raw.try_send(format!("GET /livez HTTP/1.1\r\nX: {}", "x".repeat(40_000)));
    let status = raw.reply().map(|reply| reply.status);
    assert!(matches!(status, None | Some(431)), "{status:?}");
}

#[test]
fn many_who_come_at_once_from_one_address_are_all_let_in() {
    let server = narrow_server();
    let user = format!("ecuser:{}", server.password("ecuser"));
    let clients: Vec<_> = (0..80)
        .map(|_| {
            let curl = server.curl_anonymous("/config/").args(["--user", &user]);
            curl.args(["--output", "/dev/null", "--no-include"]).command().spawn().unwrap()
        })
        .collect();
    for mut client in clients {
        assert!(client.wait().unwrap().success());
    }
}

fn memory(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

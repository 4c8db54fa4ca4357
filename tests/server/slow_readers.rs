//! Clients of HTTP/2 that ask for much, take nothing of it, and answer all pings.

use std::time::{Duration, Instant};

use crate::fixture::{Clone, Raw, Server, authorization, eventually, frame};
use crate::memory::peak_while;

const LARGE: usize = 40_000_000;
const MEDIUM: usize = 1_000_000;
const PATH: &str = "/config/default/boot/large";

#[test]
fn a_large_file_is_not_held_for_each_who_asks_for_it() {
    let (server, _) = server_with("large", vec![0; LARGE]);
    let mut readers = Vec::new();
    let peak = peak_while(&server, || {
        for _ in 0..3 {
            readers.push(ask(&server, PATH, 20));
        }
        server.wait_for_log_times("GET /config/default/boot/large of 127.0.0.1: 200", 60);
    });
    // Two are read at once, from a pack that has them as a whole.
    assert!(peak < 250_000, "{peak} kB");
    assert_eq!(server.curl(PATH).send().body.len(), LARGE);
}

#[test]
fn a_large_file_comes_whole_in_parts_and_not_again() {
    let content: Vec<u8> = (0..3_000_000u32).map(|n| (n.wrapping_mul(7919) >> 8) as u8).collect();
    let (server, clone) = server_with("large", content.clone());
    for http in ["--http1.1", "--http2"] {
        let reply = server.curl(PATH).args([http]).send();
        assert_eq!((reply.status, reply.body == content), (200, true));
        assert_eq!(reply.header("content-type"), Some("application/octet-stream"));
        assert_eq!(reply.header("content-length"), Some("3000000"));
        let tag = reply.header("etag").unwrap();
        assert_eq!(tag, format!("\"{}\"", clone.rev("HEAD:large")));
        let part = server.curl(PATH).args([http, "--range", "2999990-"]).send();
        assert_eq!((part.status, &part.body[..]), (206, &content[2_999_990..]));
        let known = server.curl(PATH).args([http]).header(&format!("If-None-Match: {tag}")).send();
        assert_eq!((known.status, known.body.len()), (304, 0));
        let head = server.curl(PATH).args([http, "--head"]).send();
        assert_eq!((head.status, head.header("content-length")), (200, Some("3000000")));
        let beyond = server.curl(PATH).args([http, "--range", "3000000-"]).send();
        assert_eq!(beyond.status, 416);
    }
    clone.push_file("large.json", "[".to_owned() + &" ".repeat(2_000_000) + "]");
    let reply = server.curl("/config/default/boot/large.json").send();
    assert_eq!(
        (reply.body.len(), reply.header("content-type")),
        (2_000_002, Some("application/json"))
    );
}

#[test]
fn what_answers_hold_is_bounded_and_others_are_told_to_come_again() {
    let (server, _) = server_with("large", vec![b'#'; MEDIUM]);
    let peak = peak_while(&server, || {
        let readers: Vec<Raw> = (0..4).map(|_| ask(&server, PATH, 60)).collect();
        eventually("it is too much", || server.curl(PATH).send().status == 503);
        let reply = server.curl(PATH).send();
        assert_eq!((reply.status, reply.header("retry-after")), (503, Some("5")));
        // Small ones are still to be had.
        assert_eq!(server.curl("/subclusters").send().status, 200);
        drop(readers);
    });
    assert!(peak < 250_000, "{peak} kB");
    eventually("there is room again", || server.curl(PATH).send().status == 200);
}

#[test]
fn who_takes_nothing_for_a_minute_is_given_up_also_if_pings_are_answered() {
    const PING: u8 = 6;
    let (server, _) = server_with("large", vec![0; MEDIUM]);
    let mut raw = ask(&server, PATH, 1);
    let start = Instant::now();
    while let Some(head) = raw.take(9) {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let Some(content) = raw.take(length) else { break };
        if head[3] == PING && head[4] == 0 {
            raw.send(frame::pong(&content));
        }
        assert!(start.elapsed() < Duration::from_secs(100), "the client is not given up");
    }
    server.wait_for_log("does not take its answers");
}

fn server_with(name: &str, content: Vec<u8>) -> (Server, Clone) {
    let server = Server::start();
    let clone = server.git().option("core.compression=1").clone_of("default");
    clone.push_file(name, content);
    (server, clone)
}

/// Asks so many times on one connection, with a window of one byte for each answer.
fn ask(server: &Server, path: &str, times: u32) -> Raw {
    let authorization = authorization(server, "admin");
    let (_, authorization) = authorization.trim_end().split_once(": ").unwrap();
    let head = frame::get(path, authorization);
    let mut raw = Raw::connect_http2(server);
    raw.send(frame::preface_with_narrow_window());
    for number in 0..times {
        raw.send(frame::headers(2 * number + 1, &head));
    }
    raw
}

//! Who guesses passwords is slowed down, and nobody else.

use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use headers::Authorization;
use headers::authorization::Credentials;

use crate::fixture::{Raw, Reply, Server, eventually, frame};

/// Failures that cost nothing.
const FREE: usize = 5;
/// So many of one address wait at once.
const MAX_WAITING: usize = 16;
/// The longest that an answer is held back.
const MAX_DELAY: Duration = Duration::from_secs(8);

#[test]
fn each_failure_after_the_first_few_is_answered_later_than_the_one_before() {
    let server = Server::start();
    for _ in 0..=FREE {
        assert_eq!(guess(&server).status, 401);
    }
    for least in [250, 500, 1000, 2000] {
        let begun = Instant::now();
        assert_eq!(guess(&server).status, 401);
        assert!(begun.elapsed() >= Duration::from_millis(least), "{:?}", begun.elapsed());
    }
}

#[test]
fn a_right_password_that_is_not_known_yet_waits_too() {
    let server = Server::start();
    provoke(&server);
    let begun = Instant::now();
    assert_eq!(server.curl("/config/").send().status, 200);
    assert!(begun.elapsed() >= MAX_DELAY, "{:?}", begun.elapsed());
}

#[test]
fn other_addresses_are_answered_at_once() {
    let server = Server::start();
    provoke(&server);
    for user in ["admin:wrong", &format!("admin:{}", server.password("admin"))] {
        let curl = server.curl_anonymous("/config/").args(["--user", user]);
        let reply = curl.args(["--interface", "127.0.0.2", "--max-time", "4"]).send();
        assert_ne!(reply.status, 0, "{user}: {reply:?}");
    }
}

#[test]
fn a_hundred_guesses_at_once_keep_no_other_address_waiting() {
    let server = Server::start();
    let guesses: Vec<Child> = (0..100).map(|_| guess_in_background(&server)).collect();
    server.wait_for_log("refused: unknown name or wrong password");
    let user = format!("admin:{}", server.password("admin"));
    let curl = server.curl_anonymous("/config/").args(["--user", &user]);
    let reply = curl.args(["--interface", "127.0.0.2", "--max-time", "10"]).send();
    assert_eq!(reply.status, 200, "{reply:?}");
    let mut statuses = Vec::new();
    for mut guess in guesses {
        let _ = guess.kill();
        statuses.push(guess.wait().unwrap());
    }
    let unslowed = server.log().matches("refused: unknown name or wrong password").count();
    assert!(unslowed <= 5, "{unslowed} of {} guesses were told at once", statuses.len());
}

#[test]
fn who_was_let_in_from_there_before_is_answered_at_once() {
    let server = Server::start();
    assert_eq!(server.curl("/config/").send().status, 200);
    provoke(&server);
    let reply = server.curl("/config/").args(["--max-time", "4"]).send();
    assert_eq!(reply.status, 200, "{reply:?}");
    // Others from there are not, and a success has not bought new guesses.
    let reply = server.curl_as("ecuser", "/config/").args(["--max-time", "4"]).send();
    assert_eq!(reply.status, 0, "{reply:?}");
}

#[test]
fn only_so_many_wait_and_more_are_told_when_to_come_again() {
    let server = Server::start();
    provoke(&server);
    let mut clients: Vec<Child> =
        (0..MAX_WAITING + 8).map(|_| guess_in_background(&server)).collect();
    let mut first = None;
    eventually("somebody is answered", || {
        first = clients.iter_mut().position(|client| client.try_wait().unwrap().is_some());
        first.is_some()
    });
    let output = clients.remove(first.unwrap()).wait_with_output().unwrap();
    let refused = Reply::parse(&output.stdout);
    assert_eq!(refused.status, 429, "{refused:?}");
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!(seconds > 0 && refused.text().contains("try again later"), "{refused:?}");
    for mut client in clients {
        client.kill().unwrap();
        client.wait().unwrap();
    }
}

/// As many as [`provoke`] makes, of which only the first few are free.
const GUESSES: u32 = 14;

#[test]
fn guesses_over_http2_whose_streams_are_reset_count_like_others() {
    let server = Server::start();
    let mut raw = Raw::connect_http2(&server);
    let streams: Vec<u32> = (0..GUESSES).map(|number| 2 * number + 1).collect();
    let guess = |stream: &u32| {
        let password = authorization(&format!("cancelled{stream}"));
        frame::headers(*stream, &frame::get("/config/", &password))
    };
    raw.send([frame::preface(), streams.iter().flat_map(guess).collect()].concat());
    // The others wait for their turn then.
    server.wait_for_log("refused: unknown name or wrong password");
    raw.send(streams.iter().flat_map(|stream| frame::reset(*stream)).collect::<Vec<u8>>());
    assert_all_count(&server);
}

#[test]
fn guesses_whose_connections_are_closed_count_like_others() {
    let server = Server::start();
    let mut connections: Vec<Raw> = (0..GUESSES).map(|_| Raw::connect(&server)).collect();
    for (number, raw) in connections.iter_mut().enumerate() {
        let password = authorization(&format!("cancelled{number}"));
        raw.send(format!("GET /config/ HTTP/1.1\r\nHost: x\r\nAuthorization: {password}\r\n\r\n"));
    }
    server.wait_for_log("refused: unknown name or wrong password");
    drop(connections);
    assert_all_count(&server);
}

#[track_caller]
fn assert_all_count(server: &Server) {
    server.wait_for_log("13 logins from 127.0.0.1 have been refused");
    let begun = Instant::now();
    assert_eq!(server.curl("/config/").send().status, 200);
    assert!(begun.elapsed() >= MAX_DELAY, "{:?}", begun.elapsed());
}

#[test]
fn many_who_bring_one_old_password_at_once_make_one_guess() {
    let server = Server::start();
    provoke(&server);
    let old: Vec<Child> = (0..MAX_WAITING + 8).map(|_| in_background(&server, "old")).collect();
    // Somebody who has the right one gets in all the same.
    let reply = server.curl("/config/").send();
    assert_eq!(reply.status, 200, "{reply:?}");
    for client in old {
        let output = client.wait_with_output().unwrap();
        assert_eq!(Reply::parse(&output.stdout).status, 401);
    }
}

#[test]
fn health_is_told_to_anybody_at_any_time() {
    let server = Server::start();
    provoke(&server);
    let reply = server.curl_anonymous("/readyz").args(["--max-time", "4"]).send();
    assert_eq!(reply.status, 200, "{reply:?}");
}

fn guess(server: &Server) -> Reply {
    server.curl_anonymous("/config/").args(["--user", "admin:wrong"]).send()
}

fn guess_in_background(server: &Server) -> Child {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let password = format!("wrong{}", NEXT.fetch_add(1, Ordering::Relaxed));
    in_background(server, &password)
}

fn in_background(server: &Server, password: &str) -> Child {
    let user = format!("admin:{password}");
    let curl = server.curl_anonymous("/config/").args(["--user", &user]);
    curl.command().stdout(Stdio::piped()).spawn().unwrap()
}

fn authorization(password: &str) -> String {
    let Authorization(basic) = Authorization::basic("admin", password);
    basic.encode().to_str().unwrap().to_owned()
}

/// Guesses so often at once that the longest delay is reached.
fn provoke(server: &Server) {
    let clients: Vec<Child> = (0..14).map(|_| guess_in_background(server)).collect();
    for mut client in clients {
        client.wait().unwrap();
    }
    assert!(server.log().contains("13 logins from 127.0.0.1 have been refused"));
}

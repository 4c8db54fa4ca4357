//! Who guesses passwords is slowed down, and nobody else.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::fixture::{Reply, Server, eventually};

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
    let curl = server.curl_anonymous("/config/").args(["--user", "admin:wrong"]);
    curl.command().stdout(Stdio::piped()).spawn().unwrap()
}

/// Guesses so often at once that the longest delay is reached.
fn provoke(server: &Server) {
    let clients: Vec<Child> = (0..14).map(|_| guess_in_background(server)).collect();
    for mut client in clients {
        client.wait().unwrap();
    }
    assert!(server.log().contains("13 logins from 127.0.0.1 have been refused"));
}

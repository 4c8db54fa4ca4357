//! The question that waits for its answer: `GET /subclusters?wait=SECONDS`.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use ecconfigd::server::limits::DRAIN_TIME;
use nix::sys::signal::Signal;

use crate::fixture::{PATIENCE, Raw, Reply, Server, authorization, succeeds};

#[test]
fn it_is_answered_when_a_commit_comes() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    let mut waiting = Waiting::for_news_of(&server, "?name=default");
    assert!(!waiting.is_answered(), "nothing has changed yet");
    let commit = clone.push_file("a.conf", "a\n");
    let told = waiting.answer().json();
    assert_eq!((&told[0]["revision"], &told[0]["commit"]), (&2.into(), &commit.into()));
}

#[test]
fn what_changes_elsewhere_does_not_wake_it() {
    let server = Server::start();
    let (global, default) = (server.git().clone_of("global"), server.git().clone_of("default"));
    let mut waiting = Waiting::for_news_of(&server, "?name=default");
    global.push_file("a.conf", "a\n");
    succeeds(default.git(&["push", "--quiet", "origin", "boot:topic"]));
    // It looks once more, for the branch that nobody is told of, and not for the other subcluster.
    server.wait_for_log_times("waits for news", 2);
    assert_eq!(server.log().matches("waits for news").count(), 2);
    assert!(!waiting.is_answered());
    default.push_file("a.conf", "a\n");
    assert_eq!(waiting.answer().json()[0]["revision"], 2);
}

#[test]
fn it_waits_for_each_of_those_that_are_named_and_for_all_without_names() {
    let server = Server::start();
    for (query, subcluster) in [
        ("?name=default&name=global", "default"),
        ("?name=default&name=global", "global"),
        ("", "global"),
    ] {
        let clone = server.git().clone_of(subcluster);
        let mut waiting = Waiting::for_news_of(&server, query);
        clone.push_file("a.conf", format!("{query}{subcluster}\n"));
        assert_eq!(waiting.answer().status, 200, "{query} {subcluster}");
    }
}

#[test]
fn a_subcluster_that_is_made_is_news_for_those_who_ask_for_all() {
    let server = Server::start();
    let mut waiting = Waiting::for_news_of(&server, "");
    assert_eq!(server.curl("/subclusters/west").method("PUT").status, 201);
    assert_eq!(waiting.answer().json()[2]["name"], "west");
}

#[test]
fn a_subcluster_that_is_taken_away_ends_the_waiting_for_it() {
    let server = Server::start();
    assert_eq!(server.curl("/subclusters/west").method("PUT").status, 201);
    let mut waiting = Waiting::for_news_of(&server, "?name=west");
    std::fs::remove_dir_all(server.repository("west")).unwrap();
    server.signal(Signal::SIGHUP);
    let reply = waiting.answer();
    assert_eq!((reply.status, &*reply.text()), (404, "there is no subcluster \"west\"\n"));
}

#[test]
fn an_order_of_an_administrator_is_news() {
    let server = Server::start();
    let mut waiting = Waiting::for_news_of(&server, "?name=default");
    assert_eq!(server.curl("/subclusters/default/conflict").method("PUT").status, 200);
    assert_eq!(waiting.answer().json()[0]["conflict"], true);
}

#[test]
fn when_the_time_is_over_nothing_was_new() {
    let server = Server::start();
    let known = etag(&server, "");
    let asked = Instant::now();
    let reply = ask(&server, "?wait=1", &known);
    assert_eq!((reply.status, reply.header("etag")), (304, Some(&*known)));
    assert!(asked.elapsed() >= Duration::from_secs(1), "{:?}", asked.elapsed());
}

#[test]
fn nobody_waits_who_does_not_ask_to_or_knows_something_else() {
    let server = Server::start();
    let known = etag(&server, "");
    let asked = Instant::now();
    assert_eq!(ask(&server, "", &known).status, 304);
    assert_eq!(ask(&server, "?wait=0", &known).status, 304);
    assert_eq!(ask(&server, "?wait=300", "\"old\"").status, 200);
    assert_eq!(server.curl("/subclusters?wait=300").send().status, 200);
    let head = server.curl("/subclusters?wait=300").args(["--head"]);
    assert_eq!(head.header(&format!("If-None-Match: {known}")).send().status, 304);
    assert!(asked.elapsed() < PATIENCE);
}

#[test]
fn a_time_that_is_none_is_refused() {
    let server = Server::start();
    for wait in ["", "x", "-1", "1.5", "99999999999", "1s"] {
        let reply = ask(&server, &format!("?wait={wait}"), "\"old\"");
        assert_eq!(reply.status, 400, "{wait}");
        assert!(reply.text().contains("wait= takes a number of seconds"), "{}", reply.text());
    }
}

#[test]
fn those_who_wait_are_answered_when_the_server_stops() {
    for version in ["--http1.1", "--http2"] {
        let mut server = Server::start();
        let known = etag(&server, "");
        let mut curl = server.curl("/subclusters?wait=300").args([version]);
        curl = curl.header(&format!("If-None-Match: {known}"));
        let child = curl.command().stdout(Stdio::piped()).spawn().unwrap();
        server.wait_for_log_times("waits for news", 1);
        let told = Instant::now();
        assert!(server.stop().success());
        assert!(told.elapsed() < DRAIN_TIME / 2, "{:?}", told.elapsed());
        assert_eq!(reply_of(child).status, 304, "{version}");
        assert!(!server.log().contains("were cut"), "{}", server.log());
    }
}

#[test]
fn a_connection_is_told_that_it_ends_with_the_answer() {
    let server = Server::start();
    let mut waiting = Waiting::for_news_of(&server, "");
    server.signal(Signal::SIGTERM);
    let reply = waiting.answer();
    assert_eq!((reply.status, reply.header("connection")), (304, Some("close")));
}

#[test]
fn a_connection_waits_again_and_again() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    let mut waiting = Waiting::for_news_of(&server, "?name=default");
    for revision in 2..5 {
        clone.push_file("a.conf", format!("{revision}\n"));
        let reply = waiting.answer();
        assert_eq!(reply.json()[0]["revision"], revision);
        waiting.ask_again(reply.header("etag").unwrap());
    }
}

/// A question that the server has not answered yet.
struct Waiting<'a> {
    server: &'a Server,
    client: Raw,
    query: String,
}

impl<'a> Waiting<'a> {
    #[track_caller]
    fn for_news_of(server: &'a Server, query: &str) -> Self {
        let known = etag(server, query);
        let client = Raw::connect(server);
        let mut waiting = Self { server, client, query: query.to_owned() };
        waiting.ask_again(&known);
        waiting
    }

    /// Returns when the server waits.
    #[track_caller]
    fn ask_again(&mut self, known: &str) {
        let before = self.server.log().matches("waits for news").count();
        let sign = if self.query.is_empty() { "?" } else { "&" };
        self.client.send(format!(
            "GET /subclusters{}{sign}wait=300 HTTP/1.1\r\nhost: localhost\r\n{}\
             if-none-match: {known}\r\n\r\n",
            self.query,
            authorization(self.server, "ecuser"),
        ));
        self.server.wait_for_log_times("waits for news", before + 1);
    }

    fn is_answered(&mut self) -> bool {
        self.client.has_answer()
    }

    #[track_caller]
    fn answer(&mut self) -> Reply {
        self.client.reply().expect("the connection ended")
    }
}

#[track_caller]
fn etag(server: &Server, query: &str) -> String {
    let reply = server.curl(&format!("/subclusters{query}")).send();
    reply.header("etag").unwrap().to_owned()
}

fn ask(server: &Server, query: &str, known: &str) -> Reply {
    let curl = server.curl(&format!("/subclusters{query}"));
    curl.header(&format!("If-None-Match: {known}")).send()
}

fn reply_of(child: Child) -> Reply {
    Reply::parse(&child.wait_with_output().unwrap().stdout)
}

#[test]
fn a_name_that_is_repeated_counts_once_and_too_many_are_refused() {
    let server = Server::start();
    let repeated = server.curl(&format!("/subclusters?{}", "name=default&".repeat(600))).send();
    assert_eq!(repeated.json().as_array().unwrap().len(), 1);
    let many: Vec<String> = (0..65).map(|number| format!("name=west{number}")).collect();
    let many = format!("/subclusters?{}", many.join("&"));
    for accepted in ["application/json", "text/event-stream"] {
        let reply = server.curl(&many).header(&format!("Accept: {accepted}")).send();
        assert_eq!(reply.status, 400, "{reply:?}");
        assert!(reply.text().contains("may name 64 subclusters at the most"), "{reply:?}");
    }
}

//! Changes as server-sent events: `GET /subclusters` with `Accept: text/event-stream`.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};

use serde_json::Value;

use crate::fixture::{Curl, Server, succeeds};

#[test]
fn each_change_is_one_event() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    for version in ["--http1.1", "--http2"] {
        let before = server.revision("default") as u64;
        let mut events = Events::of(listen(&server, "?name=default").args([version]));
        assert_eq!(events.next().revision(), before, "where it stands comes first");
        for revision in before + 1..before + 4 {
            clone.push_file("a.conf", format!("{revision}\n"));
            assert_eq!(events.next().revision(), revision);
        }
    }
}

#[test]
fn the_id_is_the_etag_and_whoever_brings_it_back_is_told_what_is_newer() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    let first = Events::of(listen(&server, "?name=default")).next();
    let etag = server.curl("/subclusters?name=default").send();
    assert_eq!(Some(&*first.id), etag.header("etag"));
    let again = |id: &str| {
        Events::of(listen(&server, "?name=default").header(&format!("Last-Event-ID: {id}")))
    };
    let mut known = again(&first.id);
    server.wait_for_log("waits for news");
    clone.push_file("a.conf", "a\n");
    assert_eq!(known.next().revision(), 2, "the known one does not come again");
    assert_eq!(again(&first.id).next().revision(), 2, "what was missed comes at once");
    assert_eq!(again("no tag").next().revision(), 2);
}

#[test]
fn the_answer_says_what_it_is_and_others_get_json() {
    let server = Server::start();
    let kind = |accept: &str| {
        let curl = server.curl("/subclusters").header(&format!("Accept: {accept}"));
        let mut events = Events::of(curl.args(["--include"]));
        events.line_of("content-type: ")
    };
    assert_eq!(kind("text/event-stream"), "text/event-stream");
    assert_eq!(kind("text/html, Text/Event-Stream;q=0.5"), "text/event-stream");
    assert_eq!(kind("*/*"), "application/json");
    let missing = listen(&server, "?name=west").send();
    assert_eq!((missing.status, &*missing.text()), (404, "there is no subcluster \"west\"\n"));
    assert_eq!(server.curl_anonymous("/subclusters").header(ACCEPT).send().status, 401);
}

#[test]
fn a_stream_ends_when_the_server_stops() {
    let mut server = Server::start();
    let mut events = Events::of(listen(&server, ""));
    events.next();
    server.wait_for_log("waits for news");
    assert!(server.stop().success());
    assert!(!server.log().contains("were cut"), "{}", server.log());
    assert!(events.child.wait().unwrap().success(), "the stream was cut");
}

#[test]
fn a_stream_ends_when_its_account_is_gone() {
    let server = Server::start();
    succeeds(server.ecconfigd(&["passwd", "jane"], "secret\n"));
    let jane = server.curl_anonymous("/subclusters?name=default").header(ACCEPT);
    let mut events = Events::of(jane.args(["--user", "jane:secret"]));
    events.next();
    server.wait_for_log("waits for news");
    let accounts = std::fs::read_to_string(server.state("accounts")).unwrap();
    let others: String = accounts
        .lines()
        .filter(|line| !line.contains("jane"))
        .map(|line| format!("{line}\n"))
        .collect();
    std::fs::write(server.state("accounts"), others).unwrap();
    server.wait_for_log_times("the accounts have been read again", 2);
    server.git().clone_of("default").push_file("a.conf", "secret\n");
    assert!(events.try_next().is_none(), "told to nobody");
}

#[test]
fn a_stream_on_which_nothing_happens_says_so_now_and_then() {
    let server = Server::start();
    let mut events = Events::of(listen(&server, ""));
    events.next();
    assert_eq!(events.line_of(":"), "");
}

const ACCEPT: &str = "Accept: text/event-stream";

fn listen(server: &Server, query: &str) -> Curl {
    server.curl(&format!("/subclusters{query}")).header(ACCEPT)
}

/// A stream that curl prints as it comes.
struct Events {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

struct Event {
    id: String,
    data: Value,
}

impl Events {
    fn of(curl: Curl) -> Self {
        let mut child =
            curl.args(["--no-buffer"]).command().stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    #[track_caller]
    fn next(&mut self) -> Event {
        self.try_next().expect("the stream ended")
    }

    fn try_next(&mut self) -> Option<Event> {
        let id = self.try_line_of("id: ")?;
        let data = serde_json::from_str(&self.try_line_of("data: ")?).unwrap();
        assert_eq!(self.lines.next()?.unwrap(), "");
        Some(Event { id, data })
    }

    /// What stands behind these words in the next line that begins with them.
    #[track_caller]
    fn line_of(&mut self, beginning: &str) -> String {
        self.try_line_of(beginning).expect("there is no such line")
    }

    fn try_line_of(&mut self, beginning: &str) -> Option<String> {
        self.lines.by_ref().find_map(|line| Some(line.unwrap().strip_prefix(beginning)?.to_owned()))
    }
}

impl Event {
    fn revision(&self) -> u64 {
        self.data[0]["revision"].as_u64().unwrap()
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

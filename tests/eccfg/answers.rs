//! Answers that are no success, or none at all.

use std::time::{Duration, Instant};

use ecconfigd::node::password::Login;
use ecconfigd::node::remote::{Error, News, Question};
use git2::Oid;

use crate::fake::{Fake, answer, json, text};
use crate::fixture::{Server, post, succeeds};
use crate::node::{Node, quiet, tip};

/// What asking this server says, which must fail.
#[track_caller]
fn fails(fake: &Fake) -> Error {
    fake.node().connect_to(&fake.address).subclusters(&["default"]).unwrap_err()
}

#[test]
fn a_wrong_password_and_none_are_told_apart() {
    let server = Server::start();
    let node = Node::of(&server);
    let mut remote = node.try_connect(&server).unwrap();
    let error = remote.subclusters(&[]).unwrap_err();
    assert!(matches!(&error, Error::Authentication(_)), "{error}");
    assert!(error.to_string().contains("wants a name and a password"), "{error}");
    remote.log_in(&Login::new("admin", "wrong"));
    let error = remote.subclusters(&[]).unwrap_err();
    assert!(matches!(&error, Error::Authentication(_)), "{error}");
    assert!(error.to_string().contains("does not accept this password of admin"), "{error}");
    assert!(!error.to_string().contains("wrong:"), "{error}");
    remote.log_in(&Login::new("admin", server.password("admin")));
    remote.subclusters(&[]).unwrap();
}

#[test]
fn an_account_that_may_not_do_this_is_told_so() {
    let server = Server::start();
    let node = Node::of(&server);
    succeeds(server.ecconfigd(&["passwd", "--role", "reader", "rita"], "s3cret\n"));
    let mut remote = node.try_connect(&server).unwrap();
    remote.log_in(&Login::new("rita", "s3cret"));
    let tip = tip(&server, "boot");
    let (repository, tell) = (&node.repository, &mut quiet);
    remote.fetch("default", repository, tip, &[], tell).unwrap();
    let new = node.commit(&[tip], "default/a.conf", "mine\n");
    let error = remote.push("default", repository, "boot", Some(tip), new, tell).unwrap_err();
    assert!(matches!(&error, Error::Authentication(_)), "{error}");
    assert!(error.to_string().contains("rita may not do this"), "{error}");
}

#[test]
fn each_status_has_its_kind_and_the_servers_sentence() {
    for (status, kind) in [
        ("400 Bad Request", "Refused"),
        ("403 Forbidden", "Authentication"),
        ("404 Not Found", "NotFound"),
        ("409 Conflict", "Conflict"),
        ("413 Content Too Large", "Refused"),
        ("500 Internal Server Error", "Connection"),
        ("503 Service Unavailable", "Connection"),
        ("507 Insufficient Storage", "Connection"),
    ] {
        let error = fails(&Fake::answering(text(status, "the \x1b[31mreason\x07\n")));
        assert!(format!("{error:?}").starts_with(kind), "{status}: {error:?}");
        assert!(error.to_string().contains(": the [31mreason"), "{status}: {error}");
    }
}

#[test]
fn what_is_no_ecconfigds_is_not_passed_on() {
    let html = |status: &str| answer(status, &[], "text/html", "<p>Welcome to nginx!");
    for bytes in [
        html("200 OK"),
        html("302 Found"),
        html("404 Not Found"),
        json("no json"),
        json("{\"name\":1}"),
        b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(),
    ] {
        let error = fails(&Fake::answering(bytes));
        assert!(matches!(&error, Error::Connection(_)), "{error}");
        assert!(error.to_string().contains("is no ecconfigd"), "{error}");
        assert!(!error.to_string().contains("nginx"), "{error}");
    }
}

#[test]
fn a_busy_server_is_waited_for_as_it_asks_and_not_for_ever() {
    let busy = |seconds: u32| {
        let after = format!("Retry-After: {seconds}");
        answer("503 Service Unavailable", &[&after], "text/plain", "the server is busy")
    };
    let fake = Fake::new(move |_, talk| {
        talk.request();
        talk.send(&busy(1));
        talk.request();
        talk.send(&json("[]"));
        talk.request();
    });
    let start = Instant::now();
    assert_eq!(fake.node().connect_to(&fake.address).subclusters(&[]).unwrap(), []);
    assert!(start.elapsed() >= Duration::from_secs(1));
    for (answer, asked) in [(busy(0), 3), (busy(3600), 1)] {
        let fake = Fake::answering(answer);
        let error = fails(&fake);
        assert!(error.to_string().contains("the server is busy"), "{error}");
        assert_eq!(fake.requests().len(), asked);
    }
}

#[test]
fn a_server_that_takes_the_word_of_a_node_by_get_only_is_told_so() {
    let fake = Fake::new(|_, talk| {
        while let Some(request) = talk.request() {
            talk.send(&match request.starts_with(b"GET ") {
                true => json("[]"),
                false => text("405 Method Not Allowed", "only GET, HEAD can be done here"),
            });
        }
    });
    let mut remote = fake.node().connect_to(&fake.address);
    let (names, word) = (&["default"][..], "node=mta1&reload=ok");
    for word in [word, word, ""] {
        let question = Question { names, known: None, wait: Duration::ZERO, word };
        let News::Heads { heads, .. } = remote.question(&question).unwrap() else { panic!() };
        assert_eq!(heads, []);
    }
    let asked: Vec<String> = fake.requests().iter().map(|head| first_line(head)).collect();
    let with_word = "/subclusters?name=default&node=mta1&reload=ok HTTP/1.1";
    assert_eq!(
        asked,
        [
            format!("POST {with_word}"),
            format!("GET {with_word}"),
            format!("GET {with_word}"),
            "GET /subclusters?name=default HTTP/1.1".into(),
        ]
    );
}

fn first_line(head: &str) -> String {
    head.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_kept_connection_that_has_ended_is_made_again() {
    let fake = Fake::new(|_, talk| {
        talk.request();
        talk.send(&json("[]"));
    });
    let mut remote = fake.node().connect_to(&fake.address);
    for _ in 0..3 {
        remote.subclusters(&[]).unwrap();
    }
}

#[test]
fn an_answer_that_is_cut_off_is_no_answer() {
    let whole = json("[]             ");
    let fake = Fake::new(move |_, talk| {
        talk.request();
        talk.send(&whole[..whole.len() - 3]);
    });
    let error = fails(&fake);
    assert!(error.to_string().contains("was cut off in the middle"), "{error}");
}

#[test]
fn a_pack_that_is_cut_off_or_damaged_leaves_nothing() {
    let server = Server::start();
    let tip = tip(&server, "boot");
    let ask = post::fetch_v2([format!("want {tip}"), "done".into()]);
    let kind = post::request_type("upload-pack");
    let curl = server.curl("/config/default/git-upload-pack").header("Git-Protocol: version=2");
    let body = post::post(curl, &kind, ask).body;
    let cut = body[..body.len() - 40].to_vec();
    let mut damaged = body.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    let ended = [&body[..60.min(body.len())], &b"0000"[..]].concat();
    for body in [cut, damaged, ended, b"0000".to_vec(), Vec::new()] {
        let fake = Fake::answering(answer("200 OK", &[], RESULT, body));
        let mut node = Node::alone();
        node.accept(&fake.address, fake.certificate);
        let mut remote = node.connect_to(&fake.address);
        let error = remote.fetch("default", &node.repository, tip, &[], &mut quiet).unwrap_err();
        assert!(matches!(&error, Error::Connection(_)), "{error:?}");
        assert_eq!(node.packs(), [""; 0]);
        assert_eq!(node.objects(), ["info", "pack"]);
    }
    let fake = Fake::answering(answer("200 OK", &[], RESULT, body));
    let mut other = Node::alone();
    other.accept(&fake.address, fake.certificate);
    let mut remote = other.connect_to(&fake.address);
    remote.fetch("default", &other.repository, tip, &[], &mut quiet).unwrap();
    let wrong = Oid::from_bytes(&[7; 20]).unwrap();
    let error = remote.fetch("default", &other.repository, wrong, &[], &mut quiet).unwrap_err();
    assert!(error.to_string().contains("it lacks"), "{error}");
}

const RESULT: &str = "application/x-git-upload-pack-result";

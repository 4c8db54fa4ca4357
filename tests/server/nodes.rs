//! What nodes say of themselves with their question, and `GET /nodes`.

use std::fs;

use serde_json::{Value, json};

use crate::fixture::{Options, Reply, Server, succeeds};

#[test]
fn what_a_node_has_is_told_with_how_far_behind_it_is() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    let first = clone.rev("HEAD");
    let global = server.git().clone_of("global").rev("HEAD");
    clone.push_file("a.conf", "a\n");
    let third = clone.push_file("a.conf", "b\n");
    say(&server, &format!("name=default&name=global&node=mta1&commit={first}&commit={global}"));
    say(&server, &format!("name=default&node=MTA2&commit={third}&reload=ok"));
    let told = nodes(&server, "");
    let what = |line: &Value| {
        json!([
            line["node"],
            line["subcluster"],
            line["commit"],
            line["revision"],
            line["behind"],
            line["is_behind"],
            line["gone"],
            line["reload"],
            line["error"]
        ])
    };
    let told: Vec<Value> = told.iter().map(what).collect();
    assert_eq!(
        json!(told),
        json!([
            ["mta1", "default", first, 1, 2, true, false, null, null],
            ["mta1", "global", global, 1, 0, false, false, null, null],
            ["mta2", "default", third, 3, 0, false, false, "ok", null],
        ])
    );
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let (seen, age) = (&nodes(&server, "")[0]["seen"], &nodes(&server, "")[0]["age"]);
    assert!(seen.as_u64().unwrap().abs_diff(now) < 60 && age.as_u64().unwrap() < 60);
}

#[test]
fn those_of_one_subcluster_can_be_asked_for() {
    let server = Server::start();
    say(&server, "name=default&name=global&node=mta1");
    say(&server, "name=global&node=mta2");
    let names = |query: &str| {
        let told = nodes(&server, query);
        told.iter().map(|line| line["node"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("?subcluster=default"), ["mta1"]);
    assert_eq!(names("?subcluster=global"), ["mta1", "mta2"]);
    assert_eq!(server.curl("/nodes?subcluster=west").send().status, 404);
}

#[test]
fn a_commit_that_is_no_revision_is_behind_by_nobody_knows_how_much() {
    let server = Server::start();
    let id = "0123456789abcdef0123456789abcdef01234567";
    say(&server, &format!("name=default&node=mta1&commit={id}"));
    say(&server, "name=default&node=mta2");
    for line in nodes(&server, "") {
        let told = (&line["revision"], &line["behind"], &line["is_behind"]);
        assert_eq!(told, (&Value::Null, &Value::Null, &json!(true)), "{line}");
    }
}

#[test]
fn the_last_word_counts_and_one_about_a_reload_stays() {
    let server = Server::start();
    let commit = server.git().clone_of("default").rev("HEAD");
    say(&server, "name=default&name=global&node=mta1&reload=failed&error=no%20memory");
    say(&server, &format!("name=default&node=mta1&commit={commit}"));
    let told = nodes(&server, "");
    assert_eq!(told.len(), 1, "it has left the other subcluster");
    assert_eq!(
        (&told[0]["commit"], &told[0]["reload"], &told[0]["error"]),
        (&json!(commit), &json!("failed"), &json!("no memory"))
    );
    say(&server, "name=default&node=mta1&reload=ok");
    assert_eq!(
        (&nodes(&server, "")[0]["reload"], &nodes(&server, "")[0]["error"]),
        (&json!("ok"), &Value::Null)
    );
}

#[test]
fn a_question_that_waits_is_heard_when_it_comes() {
    let server = Server::start();
    let known = server.curl("/subclusters?name=default").send();
    let known = format!("If-None-Match: {}", known.header("etag").unwrap());
    let curl = server.curl_as("ecuser", "/subclusters?name=default&wait=300&node=mta1");
    let mut waiting = curl.header(&known).command().spawn().unwrap();
    server.wait_for_log("waits for news");
    assert_eq!(nodes(&server, "")[0]["node"], "mta1");
    waiting.kill().unwrap();
    waiting.wait().unwrap();
}

#[test]
fn what_no_node_would_say_is_refused_and_not_remembered() {
    let server = Server::start();
    for (query, told) in [
        ("node=", "node= takes a host name\n"),
        ("node=a%20b", "node= takes a host name\n"),
        ("node=..%2Fa", "node= takes a host name\n"),
        ("node=a&commit=HEAD", "commit= takes the id of a commit in full\n"),
        ("node=a&reload=maybe", "reload= takes ok or failed\n"),
        (&format!("node=a&error={}", "x".repeat(301)), "error= is too long\n"),
        (&format!("node=a{}", "&name=global".repeat(8)), "a node has too many subclusters\n"),
        ("node=a&commit=&commit=", "there are more commit= than name=\n"),
    ] {
        let reply = ask(&server, &format!("name=default&{query}"));
        assert_eq!((reply.status, &*reply.text()), (400, told), "{query}");
    }
    assert_eq!(ask(&server, "name=default&node=a%0ab").status, 400);
    assert_eq!(ask(&server, "name=west&node=mta1").status, 404);
    assert_eq!(nodes(&server, ""), [] as [Value; 0]);
}

#[test]
fn readers_may_look_but_their_word_does_not_count() {
    let server = Server::start();
    succeeds(server.ecconfigd(&["passwd", "--role", "reader", "jane"], "secret\n"));
    let as_jane = |path: &str| server.curl_anonymous(path).args(["--user", "jane:secret"]).send();
    assert_eq!(as_jane("/subclusters?name=default&node=mta1").status, 200);
    assert_eq!(as_jane("/nodes").json(), json!([]));
    assert_eq!(server.curl_anonymous("/nodes").send().status, 401);
    assert_eq!(server.curl("/nodes").method("DELETE").status, 405);
}

#[test]
fn words_outlast_a_restart_and_a_damaged_file_costs_nothing_else() {
    let server = Server::start();
    say(&server, "name=default&node=mta1&reload=failed&error=why");
    let before = nodes(&server, "");
    let server = server.restart();
    let without_age = |mut lines: Vec<Value>| {
        lines.iter_mut().for_each(|line| line["age"] = json!(0));
        lines
    };
    assert_eq!(without_age(nodes(&server, "")), without_age(before));
    let mut server = server;
    assert!(server.stop().success());
    fs::write(server.state("nodes"), "[{").unwrap();
    let server = server.start_again(Options::default());
    assert_eq!(nodes(&server, ""), [] as [Value; 0]);
    assert!(server.log().contains("what nodes have said before is forgotten"));
}

#[test]
fn one_that_has_been_silent_is_told_as_gone_and_then_forgotten() {
    let mut server = Server::start();
    say(&server, "name=default&node=late");
    say(&server, "name=default&node=old");
    say(&server, "name=default&node=present");
    assert!(server.stop().success());
    let text = fs::read_to_string(server.state("nodes")).unwrap();
    let mut lines: Vec<Value> = serde_json::from_str(&text).unwrap();
    for line in &mut lines {
        let silent = match line["node"].as_str().unwrap() {
            "late" => 20 * 60,
            "old" => 8 * 24 * 60 * 60,
            _ => 0,
        };
        line["seen"] = json!(line["seen"].as_u64().unwrap() - silent);
    }
    fs::write(server.state("nodes"), json!(lines).to_string()).unwrap();
    let server = server.start_again(Options::default());
    let told = nodes(&server, "");
    let told: Vec<_> = told.iter().map(|line| json!([line["node"], line["gone"]])).collect();
    assert_eq!(json!(told), json!([["late", true], ["present", false]]));
}

fn ask(server: &Server, query: &str) -> Reply {
    server.curl_as("ecuser", &format!("/subclusters?{query}")).send()
}

#[track_caller]
fn say(server: &Server, query: &str) {
    let reply = ask(server, query);
    assert_eq!(reply.status, 200, "{}", reply.text());
}

#[track_caller]
fn nodes(server: &Server, query: &str) -> Vec<Value> {
    let told = server.curl(&format!("/nodes{query}")).send().json();
    told.as_array().unwrap().clone()
}

/// Words that one address may have remembered.
const MOST_OF_ADDRESS: u64 = 5_000;

#[test]
fn a_flood_of_names_pushes_no_other_node_out() {
    let mut server = Server::start();
    say(&server, "name=default&node=mta1");
    assert!(server.stop().success());
    let text = fs::read_to_string(server.state("nodes")).unwrap();
    let mut lines: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(lines[0]["from"], "127.0.0.1");
    // As if it had sent so many words a second ago.
    for number in 0..MOST_OF_ADDRESS - 1 {
        let mut forged = lines[0].clone();
        forged["node"] = json!(format!("forged{number}"));
        forged["since"] = json!(forged["since"].as_u64().unwrap() + 1);
        lines.push(forged);
    }
    fs::write(server.state("nodes"), json!(lines).to_string()).unwrap();
    let server = server.start_again(Options::default());
    let before = nodes(&server, "").len();
    (0..3).for_each(|number| say(&server, &format!("name=default&node=more{number}")));
    let told = nodes(&server, "");
    assert!(told.len() < before, "{} and then {}", before, told.len());
    assert!(told.iter().any(|line| line["node"] == "mta1"));
}

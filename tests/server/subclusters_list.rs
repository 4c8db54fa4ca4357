//! `GET /subclusters`: what every node asks each minute.

use std::fs;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::fixture::{Clone, Reply, Server, eventually, succeeds};

#[test]
fn each_subcluster_is_told_with_where_it_stands() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    let commit = clone.push_file("default/a.conf", "a\n");
    let running = push_running(&clone);
    let global = server.git().clone_of("global").rev("HEAD");
    let expected = json!([
        {"name": "default", "revision": 2, "commit": commit, "running": running, "conflict": false},
        {"name": "global", "revision": 1, "commit": global, "running": null, "conflict": false},
    ]);
    let reply = ask(&server, "");
    assert_eq!(reply.json(), expected);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    // As it is printed, for those who read it without a library.
    assert!(reply.text().starts_with(r#"[{"name":"default","revision":2,"commit":""#));
}

#[test]
fn those_that_are_named_are_told_sorted_and_once() {
    let server = Server::start();
    let names = |query: &str| {
        let told = ask(&server, query).json();
        let told = told.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap());
        told.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(names("?name=global"), ["global"]);
    assert_eq!(names("?name=global&name=default&name=global"), ["default", "global"]);
    assert_eq!(names("?other=x&name=def%61ult"), ["default"]);
}

#[test]
fn a_name_that_does_not_exist_is_named_in_the_answer() {
    let server = Server::start();
    for (query, name) in [
        ("?name=default&name=west", "west"),
        ("?name=", ""),
        ("?name=..%2Fdefault", "../default"),
        ("?name=%3Cb%3E", "<b>"),
        ("?name=svn-auth.htdigest", "svn-auth.htdigest"),
    ] {
        let reply = ask(&server, query);
        let told = format!("there is no subcluster \"{name}\"\n");
        assert_eq!((reply.status, reply.text()), (404, told), "{query}");
        assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
    }
    assert_eq!(ask(&server, "?name=%00").status, 400);
    assert_eq!(ask(&server, "?name=%ff").status, 400);
}

#[test]
fn an_answer_that_is_known_is_not_sent_again() {
    let server = Server::start();
    let etag = |query: &str| ask(&server, query).header("etag").unwrap().to_owned();
    let is_known = |query: &str, etag: &str| {
        let header = format!("If-None-Match: {etag}");
        let reply = server.curl(&format!("/subclusters{query}")).header(&header).send();
        assert_eq!(reply.body.is_empty(), reply.status == 304, "{reply:?}");
        assert!(reply.header("etag").is_some());
        reply.status == 304
    };
    let (all, global) = (etag(""), etag("?name=global"));
    assert!(all.starts_with('"') && all != global);
    assert!(is_known("", &all) && is_known("?name=global", &global));
    assert!(is_known("", &format!("\"x\", {all}")) && is_known("", "*"));
    assert!(!is_known("", &global));
    let clone = server.git().clone_of("default");
    clone.push_file("default/a.conf", "a\n");
    assert!(!is_known("", &all), "a commit");
    assert!(is_known("?name=global", &global), "a commit to another subcluster");
    let all = etag("");
    push_running(&clone);
    assert!(!is_known("", &all), "a saved running configuration");
    let all = etag("");
    succeeds(clone.git(&["push", "--quiet", "origin", "boot:topic"]));
    assert!(is_known("", &all), "a branch that nobody is told of");
}

#[test]
fn any_account_may_ask_and_nobody_else() {
    let server = Server::start();
    succeeds(server.ecconfigd(&["passwd", "--role", "reader", "jane"], "secret\n"));
    let jane = ["--user", "jane:secret"];
    assert_eq!(server.curl_anonymous("/subclusters").args(jane).send().status, 200);
    assert_eq!(server.curl_as("ecuser", "/subclusters").send().status, 200);
    assert_eq!(server.curl_anonymous("/subclusters").send().status, 401);
    assert_eq!(server.curl_anonymous("/subclusters/x").send().status, 401);
}

#[test]
fn an_empty_repository_has_no_revision() {
    let mut server = Server::start();
    let path = server.repository("west");
    succeeds(server.git().run(&["init", "--quiet", "--bare", path.to_str().unwrap()]));
    reload(&mut server);
    let west = json!([
        {"name": "west", "revision": null, "commit": null, "running": null, "conflict": false},
    ]);
    assert_eq!(ask(&server, "?name=west").json(), west);
}

#[test]
fn one_that_is_broken_is_told_as_such_beside_the_others_until_it_is_mended() {
    let mut server = Server::start();
    let head = server.repository("default").join("HEAD");
    let content = fs::read(&head).unwrap();
    fs::remove_file(&head).unwrap();
    reload(&mut server);
    let told = "subcluster default cannot be read at the moment; the server's log tells its \
                administrator why";
    let all = ask(&server, "").json();
    assert_eq!(
        (&all[0]["name"], &all[0]["error"], &all[0]["revision"]),
        (&json!("default"), &json!(told), &Value::Null)
    );
    assert_eq!((&all[1]["revision"], &all[1]["error"]), (&json!(1), &Value::Null));
    assert_eq!(ask(&server, "?name=default").json(), json!([all[0]]));
    fs::write(&head, content).unwrap();
    // Whoever asks has it tried again for the next one.
    eventually("the mended one is told", || {
        ask(&server, "?name=default").json()[0]["revision"] == 1
    });
    assert_eq!(server.log().matches("can be read again").count(), 1);
}

#[test]
fn other_methods_and_addresses_are_refused() {
    let server = Server::start();
    for method in ["PUT", "DELETE", "PATCH"] {
        let reply = server.curl("/subclusters").method(method);
        let expected = (405, Some("GET, HEAD, POST"));
        assert_eq!((reply.status, reply.header("allow")), expected, "{method}");
    }
    let head = server.curl("/subclusters").args(["--head"]).send();
    assert_eq!((head.status, head.header("etag")), (200, ask(&server, "").header("etag")));
    for path in ["/subclusters/", "/subclustersx", "/subclusters//x", "/Subclusters"] {
        assert_eq!(server.curl(path).send().status, 404, "{path}");
    }
}

fn ask(server: &Server, query: &str) -> Reply {
    server.curl(&format!("/subclusters{query}")).send()
}

/// Saves a running configuration, and returns the commit.
fn push_running(clone: &Clone) -> String {
    succeeds(clone.git(&["checkout", "--quiet", "--orphan", "running"]));
    let commit = clone.commit("As it runs");
    succeeds(clone.git(&["push", "--quiet", "origin", "running"]));
    succeeds(clone.git(&["checkout", "--quiet", "boot"]));
    commit
}

fn reload(server: &mut Server) {
    server.signal(Signal::SIGHUP);
    server.wait_for("READY=1");
}

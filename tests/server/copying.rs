//! `POST /subclusters/NAME/copy`: with history to a new subcluster, and without over another one.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::thread;

use nix::sys::signal::Signal;
use serde_json::json;

use crate::fixture::{Options, Reply, Server, succeeds};

#[test]
fn with_history_the_new_one_has_all_but_the_running_configurations() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    clone.push_file("default/a.conf", "a\n");
    clone.push_file("default/a.conf", "aa\n");
    succeeds(clone.git(&["tag", "--annotate", "--message=As delivered", "v1", "HEAD^"]));
    succeeds(clone.git(&["push", "--quiet", "origin", "v1", "boot:topic/one"]));
    succeeds(clone.git(&["checkout", "--quiet", "--orphan", "running"]));
    clone.write("node1.conf", "as it runs\n");
    let running = clone.commit("As it runs");
    succeeds(clone.git(&["push", "--quiet", "origin", "running"]));

    let reply = copy(&server, "default", "west", true);
    let expected = json!({
        "name": "west", "revision": 3, "commit": clone.rev("boot"), "running": null, "conflict": false,
    });
    assert_eq!((reply.status, reply.json()), (201, expected));
    let west = server.git().clone_of("west");
    assert_eq!(west.rev("boot"), clone.rev("boot"));
    assert_eq!(
        refs(&server, "west"),
        refs(&server, "default").replace(&running_line(&running), "")
    );
    let objects = server.bare("west", &["cat-file", "--batch-check", "--batch-all-objects"]);
    assert!(!objects.contains(&running));
    server.fsck("west");
    server.assert_tidy("west");
    west.push_file("default/b.conf", "b\n");
    assert_eq!((server.revision("west"), server.revision("default")), (4, 3));
    let server = server.restart();
    assert_eq!(server.revision("west"), 4);
}

#[test]
fn without_history_files_of_the_source_win_and_others_stay() {
    let server = Server::start();
    let west = prepared(&server, "west");
    west.write("default/both.conf", "of west\n");
    west.write("default/only-west.conf", vec![7; 1 << 20]);
    west.write("turns/into/directory.conf", "of west\n");
    west.write("turns-into-file", "of west\n");
    west.write("script", "of west\n");
    fs::set_permissions(west.path.join("script"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("default/both.conf", west.path.join("link")).unwrap();
    let tip = west.push_file("deep/a/b/c/west.conf", "of west\n");
    let east = prepared(&server, "east");
    east.write("default/both.conf", "of east\n");
    east.write("default/only-east.conf", "of east\n");
    east.write("turns/into", "of east\n");
    east.write("turns-into-file/x.conf", "of east\n");
    east.write("script", "of east\n");
    east.write("link", "of east\n");
    let before = east.push_file("deep/a/b/c/east.conf", "of east\n");

    let reply = copy(&server, "west", "east", false);
    succeeds(east.git(&["pull", "--quiet"]));
    let expected = json!({
        "name": "east", "revision": 3, "commit": east.rev("HEAD"), "running": null, "conflict": false,
    });
    assert_eq!((reply.status, reply.json()), (200, expected));
    assert_eq!(east.rev("HEAD^"), before);
    for path in ["default/both.conf", "default/only-west.conf", "turns/into/directory.conf"]
        .into_iter()
        .chain(["turns-into-file", "script", "link", "deep/a/b/c/west.conf"])
    {
        assert_eq!(east.rev(&format!("HEAD:{path}")), west.rev(&format!("HEAD:{path}")), "{path}");
    }
    let script = fs::metadata(east.path.join("script")).unwrap();
    assert_eq!(script.permissions().mode() & 0o111, 0o111);
    assert_eq!(fs::read_link(east.path.join("link")).unwrap().to_str(), Some("default/both.conf"));
    for path in ["default/only-east.conf", "deep/a/b/c/east.conf"] {
        assert_eq!(east.read(path), "of east\n", "{path}");
    }
    let log = succeeds(east.git(&["log", "-1", "--format=%an|%cn|%B"]));
    let told =
        format!("admin|admin|Copy revision 2 of west over east\n\nFiles of west (commit {tip})");
    assert!(log.starts_with(&told), "{log}");
    server.fsck("east");
    server.assert_tidy("east");
    assert_eq!(server.revision("west"), 2);
}

#[test]
fn where_nothing_changes_there_is_no_commit() {
    let server = Server::start();
    prepared(&server, "west").push_file("default/a.conf", "a\n");
    prepared(&server, "east").push_file("default/b.conf", "b\n");
    let first = copy(&server, "west", "east", false).json();
    assert_eq!(first["revision"], 3);
    let reply = copy(&server, "west", "east", false);
    assert_eq!((reply.status, reply.json()), (200, first));
    let itself = copy(&server, "west", "west", false);
    assert_eq!((itself.status, itself.json()["revision"].clone()), (200, json!(2)));
}

#[test]
fn an_empty_one_can_be_filled_and_not_copied() {
    let mut server = Server::start();
    let path = server.repository("empty");
    succeeds(server.git().run(&["init", "--quiet", "--bare", path.to_str().unwrap()]));
    server.signal(Signal::SIGHUP);
    server.wait_for("READY=1");
    for (to, history) in [("default", false), ("west", true)] {
        let reply = copy(&server, "empty", to, history);
        let told = "subcluster empty has no revision yet\n";
        assert_eq!((reply.status, reply.text().as_str()), (409, told));
    }
    let reply = copy(&server, "default", "empty", false);
    assert_eq!((reply.status, reply.json()["revision"].clone()), (200, json!(1)));
    let trees = ["default", "empty"].map(|name| server.bare(name, &["rev-parse", "boot^{tree}"]));
    assert_eq!(trees[0], trees[1]);
    server.fsck("empty");
}

#[test]
fn copies_over_the_same_one_at_once_all_arrive() {
    let server = Server::start();
    let sources = ["north", "south", "west"];
    for name in sources {
        prepared(&server, name).push_file(&format!("default/{name}.conf"), name);
    }
    prepared(&server, "east");
    thread::scope(|scope| {
        for name in sources {
            let server = &server;
            scope.spawn(move || assert_eq!(copy(server, name, "east", false).status, 200));
        }
    });
    let east = server.git().clone_of("east");
    for name in sources {
        assert_eq!(east.read(&format!("default/{name}.conf")), name);
    }
    assert_eq!(server.revision("east"), 4);
}

#[test]
fn source_and_destination_must_be_as_they_are_meant() {
    let server = Server::start();
    for (from, to, history, status, told) in [
        ("default", "global", true, 409, "there is a subcluster \"global\" already"),
        ("default", "default", true, 409, "there is a subcluster \"default\" already"),
        ("default", "West", true, 400, "\"West\" cannot be a subcluster's name"),
        ("default", "../x", true, 400, "\"../x\" cannot be a subcluster's name"),
        ("default", "two\nlines", true, 400, "\"two\\nlines\" cannot be a subcluster's name"),
        ("default", "west", false, 404, "there is no subcluster \"west\""),
        ("west", "default", false, 404, "there is no subcluster \"west\""),
        ("west", "east", true, 404, "there is no subcluster \"west\""),
    ] {
        let reply = copy(&server, from, to, history);
        assert!(reply.text().starts_with(told), "{reply:?}");
        assert_eq!((reply.status, reply.text().lines().count()), (status, 1), "{reply:?}");
    }
    assert_eq!(server.revision("default"), 1);
    assert_eq!(server.curl("/subclusters").send().json().as_array().unwrap().len(), 2);
}

#[test]
fn what_is_no_request_is_refused() {
    let server = Server::start();
    let long = format!(r#"{{"to":"{}","history":true}}"#, "a".repeat(4096));
    let deep = "[".repeat(4000);
    for (body, status) in [
        ("", 400),
        ("{}", 400),
        ("null", 400),
        (r#"{"to":"west"}"#, 400),
        (r#"{"to":"west","history":"yes"}"#, 400),
        (r#"{"to":["west"],"history":true}"#, 400),
        (r#"{"to":"west","history":true,"more":1}"#, 400),
        (r#"{"to":"west","to":"east","history":true}"#, 400),
        (r#"{"to":"west","history":true}{}"#, 400),
        ("{\"a\nb\":1}", 400),
        (r#"{"\u001b[31m":1}"#, 400),
        (&deep, 400),
        (&long, 413),
    ] {
        let reply = server.curl("/subclusters/default/copy").json("POST", body);
        assert_eq!((reply.status, reply.text().lines().count()), (status, 1), "{body}: {reply:?}");
        assert!(!reply.text().contains('\u{1b}'));
    }
    let body = json!({"to": "west", "history": true}).to_string();
    // What a form on some page could send with the administrator's password.
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"] {
        let curl = server.curl("/subclusters/default/copy");
        let reply = curl.header(&format!("Content-Type: {kind}")).args(["--data", &body]).send();
        assert_eq!(reply.status, 415, "{kind}");
    }
    assert_eq!(server.curl("/subclusters/west").send().status, 404);
    let curl = server.curl("/subclusters/default/copy");
    let kind = "Content-Type: Application/JSON; charset=utf-8";
    assert_eq!(curl.header(kind).args(["--data", &body]).send().status, 201);
    for method in ["GET", "PUT", "DELETE"] {
        let reply = server.curl("/subclusters/default/copy").method(method);
        assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")), "{method}");
    }
}

#[test]
fn only_administrators_may_copy() {
    let server = Server::start();
    succeeds(server.ecconfigd(&["passwd", "--role", "reader", "jane"], "secret\n"));
    let body = json!({"to": "west", "history": true});
    let path = "/subclusters/default/copy";
    assert_eq!(server.curl_as("ecuser", path).json("POST", &body).status, 403);
    let jane = server.curl_anonymous(path).args(["--user", "jane:secret"]);
    assert_eq!(jane.json("POST", &body).status, 403);
    assert_eq!(server.curl_anonymous(path).json("POST", &body).status, 401);
    assert_eq!(server.curl("/subclusters/west").send().status, 404);
}

#[test]
fn copies_are_logged_with_who_and_whence() {
    let server = Server::with(Options { level: Some(5), ..Options::default() });
    copy(&server, "default", "west", true);
    server.git().clone_of("default").push_file("default/a.conf", "a\n");
    copy(&server, "default", "west", false);
    copy(&server, "default", "west", false);
    let log = server.log();
    for line in [
        "admin created subcluster west from 127.0.0.1, with the history of default",
        "admin committed revision 2 of west from 127.0.0.1: default/a.conf",
        "admin laid the files of subcluster default over those of west from 127.0.0.1",
    ] {
        assert_eq!(log.matches(line).count(), 1, "{line}: {log}");
    }
}

fn copy(server: &Server, from: &str, to: &str, history: bool) -> Reply {
    let body = json!({"to": to, "history": history});
    server.curl(&format!("/subclusters/{from}/copy")).json("POST", body)
}

/// A new subcluster's clone.
fn prepared(server: &Server, name: &str) -> crate::fixture::Clone {
    assert_eq!(server.curl(&format!("/subclusters/{name}")).method("PUT").status, 201);
    server.git().clone_of(name)
}

fn refs(server: &Server, subcluster: &str) -> String {
    server.bare(subcluster, &["for-each-ref"])
}

fn running_line(commit: &str) -> String {
    format!("{commit} commit\trefs/heads/running\n")
}

//! `PUT /subclusters/NAME`: new subclusters.

use std::fs;
use std::thread;

use nix::sys::signal::Signal;
use serde_json::json;

use crate::fixture::{Options, Random, Reply, Server, setting, succeeds};

#[test]
fn a_new_one_has_the_templates_as_at_installation() {
    let server = Server::start();
    let reply = create(&server, "west");
    let west = server.git().clone_of("west");
    let expected = json!({
        "name": "west", "revision": 1, "commit": west.rev("HEAD"), "running": null, "conflict": false,
    });
    assert_eq!((reply.status, reply.json()), (201, expected.clone()));
    assert_eq!(server.curl("/subclusters/west").send().json(), expected);
    let default = server.git().clone_of("default");
    assert_eq!(west.rev("HEAD^{tree}"), default.rev("HEAD^{tree}"));
    assert_eq!(succeeds(west.git(&["log", "--format=%an %cn"])), "admin admin\n");
    server.fsck("west");
    server.assert_tidy("west");
    assert_eq!(unfinished(&server), [""; 0]);
    west.push_file("default/a.conf", "a\n");
    let server = server.restart();
    assert_eq!(server.revision("west"), 2);
}

#[test]
fn what_exists_stays_as_it_is() {
    let mut server = Server::start();
    fs::write(server.state("repo/file"), "").unwrap();
    fs::create_dir(server.state("repo/directory")).unwrap();
    fs::create_dir(server.state("repo/broken")).unwrap();
    server.signal(Signal::SIGHUP);
    server.wait_for("READY=1");
    fs::create_dir(server.state("repo/later")).unwrap();
    server.git().clone_of("default").push_file("default/a.conf", "a\n");
    for name in ["default", "global", "file", "directory", "broken", "later"] {
        let reply = create(&server, name);
        let told = format!("there is a subcluster \"{name}\" already\n");
        assert_eq!((reply.status, reply.text()), (409, told), "{name}");
    }
    assert_eq!(server.revision("default"), 2);
    assert_eq!(fs::read_dir(server.state("repo/later")).unwrap().count(), 0);
}

#[test]
fn of_many_who_make_the_same_one_wins() {
    let server = Server::start();
    let replies: Vec<u16> = thread::scope(|scope| {
        let put = || scope.spawn(|| create(&server, "west").status);
        let running: Vec<_> = (0..8).map(|_| put()).collect();
        running.into_iter().map(|reply| reply.join().unwrap()).collect()
    });
    assert_eq!(replies.iter().filter(|&&status| status == 201).count(), 1, "{replies:?}");
    assert_eq!(replies.iter().filter(|&&status| status == 409).count(), 7, "{replies:?}");
    assert_eq!(server.log().matches("admin created subcluster west").count(), 1);
    assert_eq!(unfinished(&server), [""; 0]);
}

#[test]
fn one_that_is_made_while_the_server_reloads_is_not_forgotten() {
    let mut server = Server::start();
    // So many branches that reading them takes a while.
    let heads = server.repository("default").join("refs/heads");
    for number in 0..3000 {
        fs::copy(heads.join("boot"), heads.join(number.to_string())).unwrap();
    }
    let urls: Vec<String> = (0..12).map(|number| format!("/subclusters/west{number}")).collect();
    let requests: Vec<_> = urls.iter().map(|url| [server.curl(url), server.curl(url)]).collect();
    thread::scope(|scope| {
        let making = scope.spawn(move || {
            for [put, get] in requests {
                assert_eq!((put.method("PUT").status, get.send().status), (201, 200));
            }
        });
        while !making.is_finished() {
            server.signal(Signal::SIGHUP);
            server.wait_for("READY=1");
        }
    });
}

#[test]
fn names_are_one_lower_case_word() {
    let server = Server::start();
    let long = "a".repeat(65);
    for name in ["West", "2west", "-x", "a.b", "..", ".new-x", "a%20b", "%3Cb%3E", "%C3%A9", &long]
    {
        let reply = create(&server, name);
        assert_eq!(reply.status, 400, "{name}: {reply:?}");
        assert!(reply.text().contains("cannot be a subcluster's name"), "{reply:?}");
    }
    for name in ["", "a%2Fb", "..%2Fwest", "a/b"] {
        assert_eq!(create(&server, name).status, 404, "{name}");
    }
    assert_eq!(create(&server, "a%00").status, 400);
    assert_eq!(server.curl("/subclusters").send().json().as_array().unwrap().len(), 2);
    assert_eq!(create(&server, &"a".repeat(64)).status, 201);
}

#[test]
fn only_administrators_may() {
    let server = Server::start();
    succeeds(server.ecconfigd(&["passwd", "--role", "reader", "jane"], "secret\n"));
    let told = "only administrators may change subclusters\n";
    let reply = server.curl_as("ecuser", "/subclusters/west").method("PUT");
    assert_eq!((reply.status, reply.text().as_str()), (403, told));
    let jane = server.curl_anonymous("/subclusters/west").args(["--user", "jane:secret"]);
    assert_eq!(jane.method("PUT").status, 403);
    assert_eq!(server.curl_anonymous("/subclusters/west").method("PUT").status, 401);
    assert_eq!(server.curl("/subclusters/west").send().status, 404);
    for method in ["POST", "DELETE", "PATCH"] {
        let reply = server.curl("/subclusters/west").method(method);
        assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, HEAD, PUT")));
    }
}

#[test]
fn it_is_logged_who_made_it() {
    let server = Server::with(Options { level: Some(5), ..Options::default() });
    create(&server, "west");
    let log = server.log();
    let line = log.lines().find(|line| line.contains("created")).unwrap();
    for part in [
        "admin created subcluster west from 127.0.0.1, from the templates",
        "account=\"admin\"",
        "client=127.0.0.1",
        "subcluster=west",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
}

#[test]
fn a_server_that_is_killed_leaves_all_of_it_or_nothing() {
    let mut random = Random::new();
    let mut server = Server::start();
    let large = server.git().clone_of("default");
    (0..100).for_each(|n| large.write(&format!("default/{n}.conf"), format!("{n}\n").repeat(n)));
    large.push_file("default/last.conf", "last\n");
    let (mut made, mut lost) = (Vec::new(), 0);
    for round in 0..setting("ROUNDS").unwrap_or(15) {
        let names: Vec<String> = (0..100).map(|number| format!("r{round}n{number}")).collect();
        let acknowledged = make_until_it_fails(&mut server, &names, random.fraction());
        lost += unfinished(&server).len();
        server = server.start_again(Options::default());
        assert_eq!(unfinished(&server), [""; 0]);
        check(&server, &names, &acknowledged);
        made.extend(acknowledged);
    }
    println!("{} were made, {lost} directories were left unfinished", made.len());
}

/// Makes subclusters, each second one as a copy, and kills the server under way. Returns those that
/// were acknowledged.
fn make_until_it_fails(server: &mut Server, names: &[String], moment: f64) -> Vec<String> {
    let (sent, first) = std::sync::mpsc::channel();
    let url = |path: &str| server.curl(path);
    let requests: Vec<_> = names
        .chunks(2)
        .flat_map(|pair| {
            let put = url(&format!("/subclusters/{}", pair[0])).args(["--request", "PUT"]);
            let body = json!({"to": pair[1], "history": true}).to_string();
            let copy = url("/subclusters/default/copy")
                .header("Content-Type: application/json")
                .args(["--data", &body]);
            [put, copy]
        })
        .collect();
    thread::scope(|scope| {
        let making = scope.spawn(move || {
            let mut acknowledged = Vec::new();
            for (request, name) in requests.into_iter().zip(names) {
                match request.send().status {
                    201 => acknowledged.push(name.clone()),
                    _ => break,
                }
                let _ = sent.send(());
            }
            acknowledged
        });
        first.recv().unwrap();
        // There is nothing to wait for: this is the moment that nobody chose.
        thread::sleep(std::time::Duration::from_millis(300).mul_f64(moment));
        server.kill();
        making.join().unwrap()
    })
}

#[track_caller]
fn check(server: &Server, names: &[String], acknowledged: &[String]) {
    let all = server.curl("/subclusters").send().json();
    let listed: Vec<&str> =
        all.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert!(acknowledged.iter().all(|name| listed.contains(&name.as_str())), "{listed:?}");
    for (name, is_copy) in names.iter().zip([false, true].into_iter().cycle()) {
        let Some(one) = all.as_array().unwrap().iter().find(|one| one["name"] == *name) else {
            continue;
        };
        assert_eq!(one["revision"], if is_copy { 2 } else { 1 }, "{one}");
        server.fsck(name);
        server.assert_tidy(name);
    }
}

/// What is in the making, or was.
fn unfinished(server: &Server) -> Vec<String> {
    let entries = fs::read_dir(server.state("repo")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with('.')).collect()
}

#[track_caller]
fn create(server: &Server, name: &str) -> Reply {
    server.curl(&format!("/subclusters/{name}")).method("PUT")
}

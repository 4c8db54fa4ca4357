//! CONFLICT: updates and commits of one subcluster are refused until an administrator ends it.

use std::fs;
use std::path::PathBuf;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::fixture::pack::Pack;
use crate::fixture::post::{fetch_v2, post, push_of, request_type};
use crate::fixture::{Options, Random, Reply, Server, eventually, fails, setting, succeeds};

const SENTENCE: &str = "subcluster default is in CONFLICT: updates and commits are refused until an \
                        administrator runs eccfg subcluster resolve default";

#[test]
fn updates_and_commits_are_refused_with_a_sentence_that_git_shows() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    clone.write("default/a.conf", "a\n");
    clone.commit("Refused");
    let reply = begin(&server, "default");
    assert_eq!((reply.status, reply.json()["conflict"].clone()), (200, json!(true)));
    for git in server.gits(&["0", "1", "2"]) {
        let mut clone = clone.copy();
        clone.git = git.clone();
        for said in [
            fails(clone.git(&["fetch"])),
            fails(clone.git(&["push"])),
            fails(git.run(&["clone", &git.url("default"), "x"])),
            fails(git.run(&["ls-remote", &git.url("default")])),
        ] {
            assert!(said.contains(&format!("remote: {SENTENCE}")), "{said}");
        }
    }
    assert_eq!(server.revision("default"), 1);
    // Other subclusters go on.
    server.git().clone_of("global").push_file("a.conf", "a\n");
    assert!(end(&server, "default").status == 200);
    succeeds(clone.git(&["push", "--quiet"]));
    assert_eq!(server.git().clone_of("default").read("default/a.conf"), "a\n");
}

/// Somebody was told of the references a moment before.
#[test]
fn those_who_are_under_way_are_refused_too() {
    let server = Server::start();
    let head = server.git().clone_of("default").rev("HEAD");
    begin(&server, "default");
    let service = |name: &str| server.curl(&format!("/config/default/git-{name}"));
    let push = push_of("0".repeat(40), &head, "refs/heads/topic", &Pack::new().bytes());
    let reply = post(service("receive-pack"), &request_type("receive-pack"), push);
    assert!(reply.text().contains(&format!("ng refs/heads/topic {SENTENCE}")), "{reply:?}");
    let fetch = fetch_v2([format!("want {head}"), "done".into()]);
    let curl = service("upload-pack").header("Git-Protocol: version=2");
    let reply = post(curl, &request_type("upload-pack"), fetch);
    assert!(reply.text().contains(&format!("ERR {SENTENCE}")), "{reply:?}");
    let log = server.log();
    assert!(log.contains(&format!(
        "push of admin from 127.0.0.1 to refs/heads/topic of default refused: {SENTENCE}"
    )));
    assert_eq!(
        server.bare("default", &["for-each-ref", "--format=%(refname)"]),
        "refs/heads/boot\n"
    );
    server.bare("default", &["fsck"]);
}

#[test]
fn single_files_can_be_looked_at() {
    let server = Server::start();
    begin(&server, "default");
    for path in ["", "boot/", "boot/default/ecelerity.conf", "boot/default/ecelerity.conf?r=1"] {
        assert_eq!(server.curl(&format!("/config/default/{path}")).send().status, 200, "{path}");
    }
}

#[test]
fn it_is_told_and_survives_restarts() {
    let server = Server::start();
    let etag = ask(&server).header("etag").unwrap().to_owned();
    begin(&server, "default");
    let conflicts = |server: &Server| {
        let all = ask(server).json();
        [0, 1].map(|index| all[index]["conflict"] == Value::Bool(true))
    };
    assert_eq!(conflicts(&server), [true, false]);
    let header = format!("If-None-Match: {etag}");
    assert_eq!(server.curl("/subclusters").header(&header).send().status, 200);
    let warning = "subcluster default is in CONFLICT, as admin has ordered: updates and commits are \
                   refused until an administrator runs `eccfg subcluster resolve default`";
    assert!(!server.log().contains(warning));
    let mut server = server.start_again(Options::default());
    assert_eq!(server.log().matches(warning).count(), 1);
    assert_eq!(conflicts(&server), [true, false]);
    fails(server.git().run(&["ls-remote", &server.git().url("default")]));
    // A reload tells it no second time.
    server.signal(nix::sys::signal::Signal::SIGHUP);
    let told = server.wait_for("READY=1");
    assert!(told.contains("1 IN CONFLICT"), "{told}");
    assert_eq!(server.log().matches(warning).count(), 1);
    end(&server, "default");
    assert_eq!(conflicts(&server), [false, false]);
    let server = server.restart();
    assert_eq!(conflicts(&server), [false, false]);
    server.git().clone_of("default").push_file("default/a.conf", "a\n");
    server.assert_tidy("default");
}

#[test]
fn beginning_and_ending_it_twice_changes_nothing() {
    let server = Server::with(Options { level: Some(5), ..Options::default() });
    assert_eq!(end(&server, "default").json()["conflict"], json!(false));
    for _ in 0..2 {
        assert_eq!(begin(&server, "default").json()["conflict"], json!(true));
    }
    for _ in 0..2 {
        assert_eq!(end(&server, "default").json()["conflict"], json!(false));
    }
    let log = server.log();
    for (level, line) in [
        ("WARN", "admin put subcluster default into CONFLICT from 127.0.0.1: updates and commits"),
        ("INFO", "admin ended the CONFLICT of subcluster default from 127.0.0.1 "),
    ] {
        let lines: Vec<&str> = log.lines().filter(|entry| entry.contains(line)).collect();
        assert_eq!(lines.len(), 1, "{log}");
        assert!(lines[0].contains(level), "{log}");
        assert!(
            lines[0].contains("account=\"admin\" client=127.0.0.1 subcluster=default"),
            "{log}"
        );
    }
}

#[test]
fn it_does_not_end_before_the_repository_is_whole() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    clone.write("dir/file.conf", "content\n");
    let commit = clone.push_file("default/a.conf", "a\n");
    succeeds(clone.git(&["push", "--quiet", "origin", "boot:topic", "boot:running"]));
    server.unpack("default");
    let object = |name: &str| server.object("default", &clone.rev(name));
    let reference = |name: &str| server.repository("default").join("refs/heads").join(name);
    begin(&server, "default");
    let nowhere = format!("leads to {}, which is no commit here", "1".repeat(40));
    for (damage, told) in [
        (
            Damage::Remove(object("HEAD:default/a.conf")),
            "\"default/a.conf\" of refs/heads/boot is missing",
        ),
        (Damage::Remove(object("HEAD:dir")), "a directory of refs/heads/boot is missing"),
        (Damage::Remove(object("HEAD^")), "has a gap"),
        (Damage::Remove(object("HEAD")), &format!("leads to {commit}, which is no commit here")),
        (Damage::Write(reference("topic"), "1".repeat(40)), &format!("refs/heads/topic {nowhere}")),
        (Damage::Write(reference("boot"), "1".repeat(40)), &format!("refs/heads/boot {nowhere}")),
        (Damage::Write(reference("boot"), "nonsense".into()), "refs/heads/boot cannot be read"),
        (Damage::Remove(reference("boot")), "refs/heads/boot is gone"),
        (Damage::Remove(reference("running")), "refs/heads/running is gone"),
    ] {
        let undo = damage.make();
        let reply = end(&server, "default");
        assert_eq!(reply.status, 409, "{told}: {reply:?}");
        let text = reply.text();
        assert!(text.starts_with("subcluster default stays in CONFLICT: "), "{text}");
        assert!(text.contains(told), "{told}: {text}");
        assert!(text.ends_with("; mend its repository on the server and try again\n"), "{text}");
        undo();
    }
    assert_eq!(end(&server, "default").json()["conflict"], json!(false));
    server.fsck("default");
    assert_eq!(server.git().clone_of("default").rev("HEAD"), commit);
}

/// What was changed by hand meanwhile is what everybody sees afterwards.
#[test]
fn a_branch_that_was_set_back_by_hand_is_shown_when_it_ends() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    let first = clone.rev("HEAD");
    clone.push_file("default/a.conf", "a\n");
    begin(&server, "default");
    server.bare("default", &["update-ref", "refs/heads/boot", &first]);
    let told = end(&server, "default").json();
    assert_eq!((&told["revision"], &told["commit"]), (&json!(1), &json!(first)));
    assert_eq!(server.git().clone_of("default").rev("HEAD"), first);
}

#[test]
fn no_push_that_is_on_its_way_comes_after_it_has_begun() {
    let server = Server::start();
    let pushers = 4;
    for round in 0..5 {
        let (ready, stop) = (Barrier::new(pushers + 1), AtomicBool::new(false));
        let clones: Vec<_> = (0..pushers).map(|_| server.git().clone_of("default")).collect();
        let (refs, acknowledged) = thread::scope(|scope| {
            let pushing: Vec<_> = clones
                .iter()
                .enumerate()
                .map(|(number, clone)| {
                    let (ready, stop) = (&ready, &stop);
                    scope.spawn(move || {
                        let mut acknowledged = Vec::new();
                        ready.wait();
                        while !stop.load(Ordering::Relaxed) {
                            let commit = clone.commit("Race");
                            let branch = format!("boot:r{round}n{number}");
                            match clone.git(&["push", "origin", &branch]).status.success() {
                                true => acknowledged.push((branch, commit)),
                                false => break,
                            }
                        }
                        acknowledged.pop()
                    })
                })
                .collect();
            ready.wait();
            eventually("somebody has pushed", || {
                refs(&server).contains(&format!("refs/heads/r{round}"))
            });
            assert_eq!(begin(&server, "default").status, 200);
            let refs = refs(&server);
            stop.store(true, Ordering::Relaxed);
            let last: Vec<_> = pushing.into_iter().filter_map(|it| it.join().unwrap()).collect();
            (refs, last)
        });
        assert_eq!(self::refs(&server), refs);
        for (branch, commit) in acknowledged {
            assert!(refs.contains(&commit), "{branch} was acknowledged and is not there: {refs}");
        }
        assert_eq!(end(&server, "default").status, 200);
    }
}

#[test]
fn nothing_is_copied_from_one_or_over_one() {
    let server = Server::start();
    assert_eq!(server.curl("/subclusters/west").method("PUT").status, 201);
    server.git().clone_of("west").push_file("default/a.conf", "a\n");
    begin(&server, "default");
    for (from, to, history) in
        [("default", "east", true), ("default", "west", false), ("west", "default", false)]
    {
        let body = json!({"to": to, "history": history});
        let reply = server.curl(&format!("/subclusters/{from}/copy")).json("POST", body);
        assert_eq!((reply.status, reply.text()), (409, format!("{SENTENCE}\n")), "{from} {to}");
    }
    assert_eq!(server.curl("/subclusters/east").send().status, 404);
}

#[test]
fn only_administrators_may_begin_and_end_it() {
    let server = Server::start();
    succeeds(server.ecconfigd(&["passwd", "--role", "reader", "jane"], "secret\n"));
    let path = "/subclusters/default/conflict";
    for method in ["PUT", "DELETE"] {
        assert_eq!(server.curl_as("ecuser", path).method(method).status, 403);
        let jane = server.curl_anonymous(path).args(["--user", "jane:secret"]);
        assert_eq!(jane.method(method).status, 403);
        assert_eq!(server.curl_anonymous(path).method(method).status, 401);
        assert_eq!(server.curl("/subclusters/west/conflict").method(method).status, 404);
    }
    for method in ["GET", "POST"] {
        let reply = server.curl(path).method(method);
        assert_eq!((reply.status, reply.header("allow")), (405, Some("PUT, DELETE")), "{method}");
    }
    assert_eq!(ask(&server).json()[0]["conflict"], json!(false));
}

#[test]
fn orders_that_cannot_be_read_keep_the_subcluster_from_being_served() {
    let server = Server::start();
    begin(&server, "default");
    let file = server.repository("default").join("ecconfigd-orders.json");
    fs::write(&file, "{\"conflict\":").unwrap();
    let server = server.start_again(Options::default());
    assert!(server.log().contains("ecconfigd-orders.json: EOF"), "{}", server.log());
    assert_eq!(server.curl("/config/default/boot/").send().status, 503);
    fs::remove_file(&file).unwrap();
    assert_eq!(server.curl("/config/default/boot/").send().status, 200);
}

/// The kill comes at any moment: what was acknowledged holds.
#[test]
fn a_server_that_is_killed_keeps_what_it_acknowledged() {
    let mut random = Random::new();
    let mut server = Server::start();
    for _ in 0..setting("ROUNDS").unwrap_or(10) {
        let (sent, first) = std::sync::mpsc::channel();
        let url = ["PUT", "DELETE"].map(|method| {
            move |server: &Server| {
                let curl = server.curl("/subclusters/default/conflict");
                curl.args(["--request", method])
            }
        });
        let requests: Vec<_> = (0..200).map(|number| url[number % 2](&server)).collect();
        let last = thread::scope(|scope| {
            let changing = scope.spawn(move || {
                let mut last = None;
                for (request, is_begin) in
                    requests.into_iter().zip([true, false].into_iter().cycle())
                {
                    match request.send().status {
                        200 => last = Some(is_begin),
                        _ => return (last, is_begin),
                    }
                    let _ = sent.send(());
                }
                panic!("all were answered")
            });
            first.recv().unwrap();
            // There is nothing to wait for: this is the moment that nobody chose.
            thread::sleep(std::time::Duration::from_millis(200).mul_f64(random.fraction()));
            server.kill();
            changing.join().unwrap()
        });
        server = server.start_again(Options::default());
        let is_in_conflict = ask(&server).json()[0]["conflict"] == json!(true);
        // The last one may have been made before its answer was lost.
        let (acknowledged, lost) = last;
        assert!(Some(is_in_conflict) == acknowledged || is_in_conflict == lost);
        end(&server, "default");
        server.assert_tidy("default");
    }
}

enum Damage {
    Remove(PathBuf),
    Write(PathBuf, String),
}

impl Damage {
    /// Makes it, and returns how it is undone.
    fn make(self) -> impl FnOnce() {
        let (Self::Remove(path) | Self::Write(path, _)) = &self;
        let (path, content) = (path.clone(), fs::read(path).unwrap());
        fs::remove_file(&path).unwrap();
        if let Self::Write(_, content) = self {
            fs::write(&path, content + "\n").unwrap();
        }
        move || {
            let _ = fs::remove_file(&path);
            fs::write(&path, content).unwrap();
        }
    }
}

fn refs(server: &Server) -> String {
    server.bare("default", &["for-each-ref"])
}

fn ask(server: &Server) -> Reply {
    server.curl("/subclusters").send()
}

fn begin(server: &Server, name: &str) -> Reply {
    server.curl(&format!("/subclusters/{name}/conflict")).method("PUT")
}

fn end(server: &Server, name: &str) -> Reply {
    server.curl(&format!("/subclusters/{name}/conflict")).method("DELETE")
}

//! Faults 4, 6, 7 and 8: what becomes of a push.

use std::fs;
use std::io::Write;
use std::process::{Output, Stdio};
use std::thread;

use crate::fixture::pack::Pack;
use crate::fixture::post::{lines, post, push_of, request_type};
use crate::fixture::{Clone, Raw, Reply, Server, authorization, eventually, fails, succeeds};

#[test]
fn fault_4_version_2_of_pushing_is_answered_as_version_0() {
    let server = Server::start();
    let curl = server.curl("/config/default/info/refs?service=git-receive-pack");
    let reply = curl.header("Git-Protocol: version=2").send();
    let head = server.git().clone_of("default").rev("HEAD");
    let text = reply.text();
    assert!(text.starts_with("001f# service=git-receive-pack\n0000"), "{text}");
    assert!(!text.contains("version 2"), "{text}");
    assert!(text.contains(&format!("{head} refs/heads/boot\0report-status ")), "{text}");
    for git in server.gits(&["2"]) {
        let clone = git.clone_of("default");
        let commit = clone.push_file("default/a.conf", clone.rev("HEAD"));
        assert_eq!(server.git().clone_of("default").rev("HEAD"), commit);
    }
}

#[test]
fn fault_4_the_report_is_in_a_band_exactly_when_that_is_asked() {
    let server = Server::start();
    let head = server.git().clone_of("default").rev("HEAD");
    for (number, (capabilities, form)) in [
        ("report-status", Form::Bare),
        ("report-status-v2", Form::Bare),
        ("report-status side-band-64k", Form::Banded),
        ("report-status-v2 side-band-64k quiet", Form::Banded),
        ("side-band-64k", Form::OnlyBands),
        ("", Form::Nothing),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("refs/heads/number{number}");
        let command = format!("{} {head} {name}\0 {capabilities}", "0".repeat(40));
        let body = [lines([command], "0000"), Pack::new().bytes()].concat();
        let report = lines(["unpack ok".into(), format!("ok {name}")], "0000");
        let report = String::from_utf8(report).unwrap();
        let expected = match form {
            Form::Bare => report,
            Form::Banded => format!("{:04x}\u{1}{report}0000", report.len() + 5),
            Form::OnlyBands => "0000".into(),
            Form::Nothing => String::new(),
        };
        assert_eq!(receive_pack(&server, &body).text(), expected, "{capabilities}");
    }
    let refs = succeeds(server.git().run(&["ls-remote", &server.git().url("default")]));
    assert_eq!(refs.matches("refs/heads/number").count(), 6, "{refs}");
}

enum Form {
    Bare,
    Banded,
    OnlyBands,
    Nothing,
}

#[test]
fn fault_6_thin_packs_are_accepted() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    let noise: String = (0..4000).map(|line| format!("{}\n", line * 7919 % 4001)).collect();
    let old = clone.push_file("default/long.conf", &noise);
    clone.write("default/long.conf", noise + "one line more\n");
    let new = clone.commit("One line more");
    let pack = pack_of(&clone, &new, &old, &["--thin"]);
    let empty = tempfile::tempdir().unwrap();
    succeeds(clone.git.run_in(empty.path(), &["init", "--quiet", "--bare"]));
    let mut command = clone.git.command(empty.path());
    let said = fails(feed(command.args(["index-pack", "--stdin"]), &pack));
    assert!(said.contains("unresolved delta"), "the pack is not thin: {said}");
    let reply = receive_pack(&server, &push_of(&old, &new, "refs/heads/boot", &pack));
    assert!(reply.text().contains("ok refs/heads/boot"), "{reply:?}");
    server.fsck("default");
    assert_eq!(server.git().clone_of("default").rev("HEAD"), new);
}

#[test]
fn fault_7_nothing_is_kept_of_a_push_before_it_was_judged() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    let old = clone.rev("HEAD");
    clone.push_file("default/a.conf", "a\n");
    // The segment of the change is made a moment after it.
    let is_segment = |path: &String| path.contains("ecconfigd-cache/update-");
    eventually("the segment is there", || kept(&server).iter().any(is_segment));
    let before = kept(&server);
    succeeds(clone.git(&["reset", "--quiet", "--hard", &old]));
    clone.write("default/secret.conf", "never to be kept\n");
    let refused = clone.commit("Refused");
    // Half of it has come and waits for the rest.
    let pack = pack_of(&clone, &refused, &old, &[]);
    let body = push_of(&old, &refused, "refs/heads/boot", &pack);
    let mut raw = Raw::connect(&server);
    raw.send(format!(
        "POST /config/default/git-receive-pack HTTP/1.1\r\nHost: x\r\n{}\
         Content-Type: application/x-git-receive-pack-request\r\nContent-Length: {}\r\n\r\n",
        authorization(&server, "admin"),
        body.len(),
    ));
    raw.send(&body[..body.len() - 1]);
    assert_eq!(kept(&server), before);
    raw.send(&body[body.len() - 1..]);
    let reply = raw.reply().unwrap();
    assert!(reply.text().contains("ng refs/heads/boot fetch first"), "{reply:?}");
    assert_eq!(kept(&server), before);
    // With the right old value, it is refused for what it is.
    let said = fails(clone.git(&["push", "--force"]));
    assert!(said.contains("non-fast-forward"), "{said}");
    assert_eq!(kept(&server), before);
    let said = fails(server.git().clone_of("default").git(&["fetch", "origin", &refused]));
    assert!(said.contains("not our ref"), "{said}");
}

#[test]
fn fault_8_of_pushes_at_once_from_the_same_commit_one_wins() {
    let server = Server::start();
    let old = server.git().clone_of("default").rev("HEAD");
    let pushes: Vec<(String, Vec<u8>)> = (0..12)
        .map(|number| {
            let clone = server.git().clone_of("default");
            clone.write("default/a.conf", format!("{number}\n"));
            let new = clone.commit("Race");
            let pack = pack_of(&clone, &new, &old, &[]);
            (new.clone(), push_of(&old, &new, "refs/heads/boot", &pack))
        })
        .collect();
    let replies: Vec<String> = thread::scope(|scope| {
        let start = |(_, body): &'_ (String, Vec<u8>)| {
            let (server, body) = (&server, body.clone());
            scope.spawn(move || receive_pack(server, &body).text())
        };
        let running: Vec<_> = pushes.iter().map(start).collect();
        running.into_iter().map(|push| push.join().unwrap()).collect()
    });
    let won: Vec<usize> = (0..12).filter(|&n| replies[n].contains("ok refs/heads/boot")).collect();
    assert_eq!(won.len(), 1, "{replies:?}");
    assert_eq!(replies.iter().filter(|r| r.contains("boot fetch first")).count(), 11);
    let clone = server.git().clone_of("default");
    assert_eq!((clone.rev("HEAD"), clone.rev("HEAD^")), (pushes[won[0]].0.clone(), old));
}

#[test]
fn fault_8_a_value_that_is_not_the_branchs_changes_nothing() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    let first = clone.rev("HEAD");
    let second = clone.push_file("default/a.conf", "a\n");
    succeeds(clone.git(&["push", "--quiet", "origin", "boot:topic"]));
    let (zero, none) = ("0".repeat(40), "1".repeat(40));
    // The first would be no fast-forward, the others would; none of them knows the value.
    for (name, old, new) in [
        ("refs/heads/topic", &first, &first),
        ("refs/heads/topic", &none, &second),
        ("refs/heads/topic", &zero, &first),
        ("refs/heads/topic", &first, &zero),
        ("refs/heads/boot", &first, &second),
        ("refs/heads/new", &first, &second),
        ("refs/heads/new", &first, &zero),
    ] {
        let reply = receive_pack(&server, &push_of(old, new, name, &Pack::new().bytes()));
        assert!(reply.text().contains(&format!("ng {name} ")), "{name} {old} {new}: {reply:?}");
    }
    let refs = succeeds(clone.git(&["ls-remote", "--quiet", "--heads", "origin"]));
    assert_eq!(refs, format!("{second}\trefs/heads/boot\n{second}\trefs/heads/topic\n"));
}

#[test]
fn fault_8_an_atomic_push_with_a_reference_that_cannot_be_written_is_undone() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    succeeds(clone.git(&["push", "--quiet", "origin", "boot:e"]));
    server.bare("default", &["pack-refs", "--all"]);
    clone.commit("Many");
    // A packed reference cannot be removed while somebody else writes the others.
    let obstacle = server.repository("default").join("packed-refs.lock");
    fs::write(&obstacle, "").unwrap();
    let before = succeeds(clone.git(&["ls-remote", "--quiet", "origin"]));
    let branches = ["boot", "boot:a", "boot:b", "boot:c", ":e", "boot:z"];
    let said = fails(clone.git(&[&["push", "--atomic", "origin"][..], &branches].concat()));
    assert!(said.contains("remote rejected"), "{said}");
    assert_eq!(succeeds(clone.git(&["ls-remote", "--quiet", "origin"])), before);
    let server = server.restart();
    let git = server.git();
    assert_eq!(succeeds(git.run(&["ls-remote", "--quiet", &git.url("default")])), before);
    succeeds(clone.git(&[&["push", "--atomic", &git.url("default")][..], &branches].concat()));
}

fn receive_pack(server: &Server, body: &[u8]) -> Reply {
    post(server.curl("/config/default/git-receive-pack"), &request_type("receive-pack"), body)
}

/// What git would send for these commits.
fn pack_of(clone: &Clone, new: &str, old: &str, options: &[&str]) -> Vec<u8> {
    let mut command = clone.git.command(&clone.path);
    command.args(["pack-objects", "--quiet", "--stdout", "--revs"]).args(options);
    let output = feed(&mut command, format!("{new}\n^{old}\n").as_bytes());
    assert!(output.status.success());
    output.stdout
}

fn feed(command: &mut std::process::Command, input: &[u8]) -> Output {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

/// Every file of the repository and every upload.
fn kept(server: &Server) -> Vec<String> {
    let mut found = Vec::new();
    let mut dirs = vec![server.repository("default"), server.state("tmp")];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            found.push(path.display().to_string());
            if path.is_dir() {
                dirs.push(path);
            }
        }
    }
    found.sort();
    found
}

//! The repositories are real ones: what an administrator does to them with git, beside the running
//! server, disturbs nobody.

use std::fs;
use std::process::{Command, Output};

use nix::sys::signal::Signal;

use crate::fixture::{Options, Server, fails, succeeds};

fn by_hand(server: &Server, arguments: &[&str]) -> Output {
    let path = server.state("repo/default");
    Command::new("git").arg("--git-dir").arg(path).args(arguments).output().unwrap()
}

#[test]
fn gc_by_hand_disturbs_neither_readers_nor_writers() {
    let server = Server::start();
    let writer = server.git().clone_of("default");
    for round in 0..12 {
        let commit = writer.push_file("default/a.conf", format!("{round}\n"));
        succeeds(by_hand(&server, &["gc", "--quiet", "--prune=now"]));
        assert_eq!(server.git().clone_of("default").rev("HEAD"), commit);
        let file = server.curl("/config/default/boot/default/a.conf").send();
        assert_eq!(file.text(), format!("{round}\n"), "{file:?}");
        let first = server.curl("/config/default/boot/default/ecelerity.conf?r=1").send();
        assert_eq!(first.status, 200, "{first:?}");
    }
    server.fsck("default");
}

#[test]
fn a_commit_made_by_hand_is_served_after_a_reload() {
    let mut server = Server::start();
    let tree = succeeds(by_hand(&server, &["rev-parse", "boot^{tree}"]));
    let commit = succeeds(by_hand(
        &server,
        &[
            "-c",
            "user.name=Jane",
            "-c",
            "user.email=jane@example.com",
            "commit-tree",
            tree.trim(),
            "-p",
            "boot",
            "-m",
            "By hand",
        ],
    ));
    succeeds(by_hand(&server, &["update-ref", "refs/heads/boot", commit.trim()]));
    server.signal(Signal::SIGHUP);
    server.wait_for("READY=1");
    let reply = server.curl("/config/default/boot/").send();
    assert_eq!(reply.header("x-config-revision"), Some("2"));
    assert_eq!(server.git().clone_of("default").rev("HEAD"), commit.trim());
}

#[test]
fn git_log_and_reflog_show_who_did_what() {
    let server = Server::start();
    server.git().clone_of("default").push_file("default/a.conf", "a\n");
    let log = succeeds(by_hand(&server, &["log", "--format=%an %s", "boot"]));
    assert!(log.starts_with("Jane Change default/a.conf\n"), "{log}");
    let reflog = succeeds(by_hand(&server, &["reflog", "--format=%gn %ge", "boot"]));
    assert!(reflog.starts_with("admin admin@127.0.0.1\n"), "{reflog}");
}

#[test]
fn each_branch_has_a_reflog_and_head_that_of_boot() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    let (old, _) = (clone.rev("boot"), clone.push_file("default/a.conf", "a\n"));
    let new = clone.rev("boot");
    succeeds(clone.git(&["push", "--quiet", "origin", "boot:topic/one"]));
    let log = |name: &str| fs::read_to_string(server.repository("default").join("logs").join(name));
    let last = |name: &str| log(name).unwrap().lines().last().unwrap().to_owned();
    for name in ["refs/heads/boot", "HEAD"] {
        assert!(last(name).starts_with(&format!("{old} {new} admin <admin@127.0.0.1> ")), "{name}");
    }
    let zero = "0".repeat(40);
    assert!(last("refs/heads/topic/one").starts_with(&format!("{zero} {new} admin ")));
    // Nothing of the log is in the way of a branch that takes the directory's name.
    succeeds(clone.git(&["push", "--quiet", "origin", ":topic/one"]));
    succeeds(clone.git(&["push", "--quiet", "origin", "boot:topic"]));
    assert!(last("refs/heads/topic").starts_with(&format!("{zero} {new} admin ")));
    let said = succeeds(by_hand(&server, &["reflog", "--format=%gs", "topic"]));
    assert_eq!(said, "push\n");
}

#[test]
fn a_repository_that_keeps_no_reflogs_gets_none() {
    let server = Server::start();
    succeeds(by_hand(&server, &["config", "core.logAllRefUpdates", "false"]));
    let clone = server.git().clone_of("default");
    clone.push_file("default/a.conf", "a\n");
    succeeds(clone.git(&["push", "--quiet", "origin", "boot:topic"]));
    assert!(!server.repository("default").join("logs/refs/heads/topic").exists());
    // git goes on with those that are there.
    let reflog = succeeds(by_hand(&server, &["reflog", "--format=%gs", "boot"]));
    assert_eq!(reflog.lines().next(), Some("push"));
    assert_eq!(reflog.lines().count(), 2, "{reflog}");
}

/// Commits something to `boot` in the bare repository, which the server is not told.
fn commit_by_hand(server: &Server) -> String {
    let tree = succeeds(by_hand(server, &["rev-parse", "boot^{tree}"]));
    let who = ["-c", "user.name=Jane", "-c", "user.email=jane@example.com"];
    let commit = ["commit-tree", tree.trim(), "-p", "boot", "-m", "By hand"];
    let commit = succeeds(by_hand(server, &[&who[..], &commit].concat()));
    succeeds(by_hand(server, &["update-ref", "refs/heads/boot", commit.trim()]));
    commit.trim().to_owned()
}

#[test]
fn who_pushes_after_a_commit_by_hand_is_told_to_fetch_and_finds_it() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    let commit = commit_by_hand(&server);
    clone.write("default/a.conf", "a\n");
    clone.commit("Mine");
    let said = fails(clone.git(&["push"]));
    assert!(said.contains("(fetch first)"), "{said}");
    succeeds(clone.git(&["pull", "--quiet", "--rebase"]));
    assert_eq!(clone.rev("HEAD~1"), commit);
    succeeds(clone.git(&["push", "--quiet"]));
}

#[test]
fn a_branch_that_leads_nowhere_is_left_out_and_named_in_the_log() {
    let mut server = Server::start();
    let broken = server.state("repo/default/refs/heads/broken");
    std::fs::write(broken, "0123456789abcdef0123456789abcdef01234567\n").unwrap();
    server.signal(Signal::SIGHUP);
    server.wait_for("READY=1");
    let refs = succeeds(server.git().run(&["ls-remote", &server.git().url("default")]));
    assert!(refs.contains("refs/heads/boot") && !refs.contains("broken"), "{refs}");
    assert!(server.log().contains("refs/heads/broken of subcluster default leads nowhere"));
}

#[test]
fn a_note_of_a_change_that_somebody_has_overtaken_is_given_up() {
    let mut server = Server::start();
    let note = server.state("repo/default/ecconfigd-entry.json");
    server.stop();
    let (one, two) = ("1".repeat(40), "2".repeat(40));
    let update = format!(r#"{{"name":"refs/heads/boot","old":"{one}","new":"{two}"}}"#);
    let entry = format!(
        r#"{{"subcluster":"default","updates":[{update}],"pack":null,"who":"jane","from":"::1","when":0}}"#
    );
    std::fs::write(&note, entry).unwrap();
    let server = server.start_again(Options::default());
    assert!(server.log().contains("is given up: refs/heads/boot has been changed since"));
    assert!(!note.exists());
    server.git().clone_of("default").push_file("default/a.conf", "a\n");
}

//! The repositories are real ones: what an administrator does to them with git, beside the running
//! server, disturbs nobody.

use std::process::{Command, Output};

use nix::sys::signal::Signal;

use crate::fixture::{Server, succeeds};

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

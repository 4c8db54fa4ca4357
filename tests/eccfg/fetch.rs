//! Objects from the server.

use ecconfigd::node::remote::{Error, Progress};
use git2::Oid;

use crate::fixture::{Server, succeeds};
use crate::node::{Node, quiet, tip};

#[test]
fn an_empty_repository_gets_the_whole_history() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    clone.push_file("default/a.conf", "one\n");
    clone.push_file("default/a.conf", "two\n");
    let node = Node::of(&server);
    let tip = tip(&server, "boot");
    let mut seen = Vec::new();
    let mut tell = |progress: Progress<'_>| seen.push(format!("{progress:?}"));
    node.connect(&server).fetch("default", &node.repository, tip, &[], &mut tell).unwrap();
    assert_eq!(node.read(tip, "default/a.conf"), "two\n");
    fsck(&node, tip);
    assert!(seen.iter().any(|progress| progress.starts_with("Receiving")), "{seen:?}");
}

#[test]
fn an_update_brings_what_is_new_and_no_more() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    let node = Node::of(&server);
    let mut remote = node.connect(&server);
    let old = tip(&server, "boot");
    remote.fetch("default", &node.repository, old, &[], &mut quiet).unwrap();
    clone.push_file("default/a.conf", "new\n");
    let new = tip(&server, "boot");
    let mut most = 0;
    let mut tell = |progress: Progress<'_>| {
        if let Progress::Receiving { of, .. } = progress {
            most = of;
        }
    };
    remote.fetch("default", &node.repository, new, &[old], &mut tell).unwrap();
    assert_eq!(node.read(new, "default/a.conf"), "new\n");
    // A commit, two trees, a file.
    assert_eq!(most, 4);
    fsck(&node, new);
}

#[test]
fn an_old_revision_can_be_fetched_without_the_new_ones() {
    let server = Server::start();
    let old = tip(&server, "boot");
    server.git().clone_of("default").push_file("default/a.conf", "new\n");
    let node = Node::of(&server);
    node.connect(&server).fetch("default", &node.repository, old, &[], &mut quiet).unwrap();
    fsck(&node, old);
    assert!(!node.repository.odb().unwrap().exists(tip(&server, "boot")));
}

#[test]
fn what_is_here_already_does_no_harm() {
    let server = Server::start();
    let node = Node::of(&server);
    let mut remote = node.connect(&server);
    let tip = tip(&server, "boot");
    for have in [&[][..], &[tip], &[tip, Oid::from_bytes(&[7; 20]).unwrap()]] {
        remote.fetch("default", &node.repository, tip, have, &mut quiet).unwrap();
    }
    fsck(&node, tip);
    assert_eq!(node.packs().len(), 2, "{:?}", node.packs());
    assert!(node.objects().iter().all(|name| !name.starts_with("incoming")));
}

#[test]
fn a_revision_that_the_server_does_not_have_is_told() {
    let server = Server::start();
    let node = Node::of(&server);
    let mut remote = node.connect(&server);
    let unknown = Oid::from_bytes(&[7; 20]).unwrap();
    let error = remote.fetch("default", &node.repository, unknown, &[], &mut quiet).unwrap_err();
    assert!(matches!(&error, Error::NotFound(_)), "{error}");
    let error = remote.fetch("nowhere", &node.repository, unknown, &[], &mut quiet).unwrap_err();
    assert!(matches!(&error, Error::NotFound(_)), "{error}");
    // The connection goes on.
    let tip = tip(&server, "boot");
    remote.fetch("default", &node.repository, tip, &[], &mut quiet).unwrap();
}

#[track_caller]
fn fsck(node: &Node, commit: Oid) {
    let mut command = std::process::Command::new("git");
    command.arg("--git-dir").arg(node.repository.path());
    let commit = commit.to_string();
    succeeds(
        command.args(["fsck", "--full", "--strict", "--no-dangling", &commit]).output().unwrap(),
    );
    let mut command = std::process::Command::new("git");
    command.arg("--git-dir").arg(node.repository.path());
    succeeds(command.args(["rev-list", "--objects", &commit]).output().unwrap());
}

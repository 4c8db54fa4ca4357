//! Commits to the server.

use ecconfigd::node::remote::{Error, Progress};

use crate::fixture::Server;
use crate::node::{Node, quiet, tip};

#[test]
fn a_commit_becomes_the_next_revision() {
    let server = Server::start();
    let node = Node::of(&server);
    let mut remote = node.connect(&server);
    let old = tip(&server, "boot");
    remote.fetch("default", &node.repository, old, &[], &mut quiet).unwrap();
    let new = node.commit(&[old], "default/a.conf", "mine\n");
    let mut said = Vec::new();
    let mut tell = |progress: Progress<'_>| {
        if let Progress::Server(line) = progress {
            said.push(line.to_owned());
        }
    };
    let pushed =
        remote.push("default", &node.repository, "boot", Some(old), new, &mut tell).unwrap();
    assert_eq!(pushed.revision, Some(2));
    assert_eq!(said, ["Committed revision 2."]);
    assert_eq!(tip(&server, "boot"), new);
    assert_eq!(server.curl("/config/default/boot/default/a.conf").send().text(), "mine\n");
    server.fsck("default");
}

#[test]
fn a_branch_that_has_moved_is_left_alone() {
    let server = Server::start();
    let node = Node::of(&server);
    let mut remote = node.connect(&server);
    let old = tip(&server, "boot");
    remote.fetch("default", &node.repository, old, &[], &mut quiet).unwrap();
    server.git().clone_of("default").push_file("default/b.conf", "theirs\n");
    let theirs = tip(&server, "boot");
    let new = node.commit(&[old], "default/a.conf", "mine\n");
    let error =
        remote.push("default", &node.repository, "boot", Some(old), new, &mut quiet).unwrap_err();
    assert!(matches!(&error, Error::Stale { .. }), "{error}");
    assert_eq!(tip(&server, "boot"), theirs);
}

#[test]
fn a_new_branch_begins_with_its_first_commit() {
    let server = Server::start();
    let node = Node::of(&server);
    let mut remote = node.connect_as(&server, "ecuser");
    let first = node.commit(&[], "node1/running.conf", "x\n");
    let pushed =
        remote.push("default", &node.repository, "running", None, first, &mut quiet).unwrap();
    assert_eq!(pushed.revision, None);
    assert_eq!(remote.branch("default", "running").unwrap(), Some(first));
    let second = node.commit(&[first], "node1/running.conf", "y\n");
    remote.push("default", &node.repository, "running", Some(first), second, &mut quiet).unwrap();
    assert_eq!(remote.branch("default", "running").unwrap(), Some(second));
    let error =
        remote.push("default", &node.repository, "running", None, first, &mut quiet).unwrap_err();
    assert!(matches!(&error, Error::Stale { .. }), "{error}");
}

#[test]
fn what_the_server_refuses_is_told_in_its_words() {
    let server = Server::start();
    let node = Node::of(&server);
    let old = tip(&server, "boot");
    let mut remote = node.connect_as(&server, "ecuser");
    remote.fetch("default", &node.repository, old, &[], &mut quiet).unwrap();
    let new = node.commit(&[old], "default/a.conf", "mine\n");
    let error =
        remote.push("default", &node.repository, "boot", Some(old), new, &mut quiet).unwrap_err();
    assert!(
        error.to_string().contains("this account may write the branch running only"),
        "{error}"
    );
    assert_eq!(tip(&server, "boot"), old);
}

//! Objects from the server.

use std::io::Write;
use std::process::Stdio;

use ecconfigd::node::remote::{Error, Progress};
use git2::Oid;

use crate::fake::{Fake, answer};
use crate::fixture::{Server, post};
use crate::node::{Node, fsck, quiet, tip};

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

#[test]
fn a_thin_pack_is_completed() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    let lines: String = (0..200).map(|number| format!("line {number}\n")).collect();
    clone.push_file("default/a.conf", &lines);
    let old = tip(&server, "boot");
    let mut node = Node::of(&server);
    node.connect(&server).fetch("default", &node.repository, old, &[], &mut quiet).unwrap();
    clone.write("default/a.conf", lines.replace("line 7\n", "line seven\n"));
    let new = Oid::from_str(&clone.commit("One line")).unwrap();

    let mut command = clone.git.command(&clone.path);
    command.args([
        "pack-objects",
        "--revs",
        "--thin",
        "--stdout",
        "--quiet",
        "--delta-base-offset",
    ]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    write!(child.stdin.take().unwrap(), "{new}\n^{old}\n").unwrap();
    let pack = child.wait_with_output().unwrap().stdout;
    let mut body = post::line("packfile");
    body.extend(format!("{:04x}\u{1}", pack.len() + 5).into_bytes());
    body.extend([&pack[..], b"0000"].concat());
    let fake = Fake::answering(answer("200 OK", &[], "application/x-git-upload-pack-result", body));
    node.accept(&fake.address, fake.certificate);
    let mut remote = node.connect_to(&fake.address);
    remote.fetch("default", &node.repository, new, &[old], &mut quiet).unwrap();
    assert!(node.read(new, "default/a.conf").contains("line seven\n"));
    fsck(&node, new);
}

#[test]
fn a_repository_that_has_lost_objects_is_mended() {
    let server = Server::start();
    let old = tip(&server, "boot");
    server.git().clone_of("default").push_file("default/a.conf", "new\n");
    let new = tip(&server, "boot");
    let (whole, damaged) = (Node::of(&server), Node::of(&server));
    let mut remote = whole.connect(&server);
    remote.fetch("default", &whole.repository, new, &[], &mut quiet).unwrap();
    // The commit is there, and nothing that it leads to.
    let odb = whole.repository.odb().unwrap();
    let commit = odb.read(old).unwrap();
    damaged.repository.odb().unwrap().write(commit.kind(), commit.data()).unwrap();
    remote.fetch("default", &damaged.repository, new, &[old], &mut quiet).unwrap();
    fsck(&damaged, new);
}

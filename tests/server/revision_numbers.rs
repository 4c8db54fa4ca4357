//! Revision numbers are written down between starts. What is written may be wrong, the numbers never.

use std::fs;

use crate::fixture::{Clone, Server};

const FILE: &str = "repo/default/ecconfigd-cache/revisions";

fn with_revisions(server: &Server, count: usize) -> Clone {
    let writer = server.git().clone_of("default");
    for number in 1..count {
        writer.push_file("default/a.conf", number.to_string());
    }
    writer
}

#[track_caller]
fn assert_numbers(server: &Server) {
    let list = server.bare("default", &["rev-list", "--first-parent", "--reverse", "boot"]);
    let commits: Vec<&str> = list.lines().collect();
    assert_eq!(server.revision("default"), commits.len());
    for (index, commit) in commits.iter().enumerate() {
        let path = format!("/config/default/boot/?r={commit}");
        let reply = server.curl(&path).send();
        assert_eq!(reply.header("x-config-revision"), Some((index + 1).to_string().as_str()));
    }
}

#[test]
fn they_are_the_same_after_a_start_and_after_changes_by_hand() {
    let server = Server::start();
    with_revisions(&server, 6);
    let server = server.restart();
    assert_numbers(&server);
    server.bare("default", &["update-ref", "refs/heads/boot", "boot~3"]);
    let server = server.restart();
    assert_numbers(&server);
    with_revisions(&server, 4);
    assert_numbers(&server.restart());
}

#[test]
fn a_damaged_or_missing_file_is_made_again() {
    let mut server = Server::start();
    with_revisions(&server, 6);
    let whole = fs::read(server.state(FILE)).unwrap();
    let mut changed = whole.clone();
    changed[30] ^= 1;
    let [cut, long] = [whole[..100].to_vec(), [&whole[..], &[0; 4096]].concat()];
    for content in [changed, cut, long, Vec::new()] {
        fs::write(server.state(FILE), content).unwrap();
        server = server.restart();
        assert_numbers(&server);
        assert_eq!(fs::read(server.state(FILE)).unwrap(), whole);
    }
    fs::remove_file(server.state(FILE)).unwrap();
    server = server.restart();
    assert_numbers(&server);
}

//! What pull makes of changes on both sides, where it takes a closer look.

use std::fs;

use crate::fixture::{Clone, Server, succeeds};
use crate::machine::Machine;

const LINES: &str = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";

/// A machine with this file, and somebody who can change it at the server.
fn begin(path: &str, content: impl AsRef<[u8]>) -> (Server, Machine, Clone) {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    clone.push_file(path, content);
    let machine = Machine::of(&server);
    (server, machine, clone)
}

/// Moves a file at the server, in its next commit.
fn rename(clone: &Clone, from: &str, to: &str) {
    succeeds(clone.git(&["mv", from, to]));
}

#[test]
fn the_mode_is_merged_beside_the_content_of_a_binary_file() {
    let (_server, machine, clone) = begin("key", b"\0old");
    machine.chmod("key", 0o755);
    clone.push_file("key", b"\0new");
    machine.ok("pull");
    assert_eq!((machine.read("key").as_str(), machine.mode("key")), ("\0new", 0o755));
}

#[test]
fn a_file_that_was_renamed_to_the_name_of_a_new_one_leaves_its_old_name() {
    let (_server, machine, clone) = begin("old.conf", LINES);
    machine.write("new.conf", "mine\n");
    rename(&clone, "old.conf", "new.conf");
    clone.push_file("other.conf", "other\n");
    let said = machine.fails(1, "pull");
    assert!(said.contains("C    new.conf  (added here and upstream)\n"), "{said}");
    assert!(!said.contains("old.conf"), "{said}");
    machine.ok("pull --mine");
    assert_eq!((machine.read("new.conf").as_str(), machine.has("old.conf")), ("mine\n", false));
}

#[test]
fn a_file_that_was_renamed_in_two_ways_has_both_names_and_all_changes() {
    let (_server, machine, clone) = begin("old.conf", LINES);
    machine.remove("old.conf");
    machine.write("mine.conf", LINES.replace('1', "mine"));
    machine.git(".", &["add", "--all"]);
    rename(&clone, "old.conf", "theirs.conf");
    clone.push_file("theirs.conf", LINES.replace('9', "theirs"));
    machine.fails(1, "pull --manual");
    let merged = LINES.replace('1', "mine").replace('9', "theirs");
    assert_eq!(machine.read("mine.conf"), merged);
    assert_eq!(machine.read("theirs.conf"), merged);
    assert_eq!(
        machine.git(".", &["status", "--porcelain"]),
        "AU mine.conf\nDD old.conf\nUA theirs.conf\n"
    );
}

#[test]
fn a_file_that_was_renamed_here_and_deleted_upstream_is_asked_about_under_its_new_name() {
    let (_server, machine, clone) = begin("old.conf", LINES);
    fs::rename(machine.conf.join("old.conf"), machine.conf.join("new.conf")).unwrap();
    machine.git(".", &["add", "--all"]);
    fs::remove_file(clone.path.join("old.conf")).unwrap();
    clone.push_file("other.conf", "other\n");
    let said = machine.fails(1, "pull --manual");
    assert!(
        said.contains("C    new.conf  (changed here, deleted or renamed upstream)\n"),
        "{said}"
    );
    assert_eq!(machine.git(".", &["status", "--porcelain"]), "UD new.conf\n");
    machine.ok("resolve new.conf");
}

#[test]
fn an_empty_file_that_became_a_link_is_not_taken_for_another_empty_file() {
    let (_server, machine, clone) = begin("empty", "");
    clone.write("another", "");
    fs::remove_file(clone.path.join("empty")).unwrap();
    std::os::unix::fs::symlink("another", clone.path.join("empty")).unwrap();
    clone.push_file("other.conf", "other\n");
    machine.ok("pull");
    machine.assert_clean();
    assert!(machine.has("empty"));
}

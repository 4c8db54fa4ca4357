//! Lists which node has what.

use crate::fixture::Server;
use crate::machine::Machine;

#[test]
fn nodes_that_are_up_to_date_are_listed_with_success() {
    let server = Server::start();
    let (one, two) = (node(&server, "mta1"), node(&server, "mta2"));
    assert_eq!(one.ok("nodes"), "No node has asked yet.\n");
    one.ok("pull");
    two.ok("pull");
    let told = one.ok("nodes default");
    let lines: Vec<Vec<&str>> =
        told.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["NODE", "SUBCLUSTER", "REVISION", "BEHIND", "SEEN", "STATE"]);
    assert_eq!(lines[1][..4], ["mta1", "default", "1", "0"]);
    assert_eq!(lines[2][..4], ["mta2", "default", "1", "0"]);
    assert!(told.lines().skip(1).all(|line| line.ends_with(" ok")), "{told}");
    assert_eq!(one.ok("nodes").lines().count(), 5, "global, too");
}

#[test]
fn one_that_is_behind_makes_it_fail_until_it_has_pulled() {
    let server = Server::start();
    let (one, two) = (node(&server, "mta1"), node(&server, "mta2"));
    one.ok("pull");
    two.ok("pull");
    one.commit_file("new.conf", "new\n");
    one.ok("pull");
    let told = one.fails(1, "nodes default");
    assert!(told.contains("1 of 2 are behind"), "{told}");
    let late = told.lines().find(|line| line.starts_with("mta2")).unwrap();
    assert_eq!(late.split_whitespace().collect::<Vec<_>>()[2..4], ["1", "1"]);
    assert!(late.ends_with("behind"), "{late}");
    two.ok("pull");
    // The pull itself says what it has come to.
    one.ok("nodes");
}

#[test]
fn why_a_node_is_behind_is_told() {
    let server = Server::start();
    let (one, two) = (node(&server, "mta1"), node(&server, "mta2"));
    one.write("both.conf", "one\n");
    two.write("both.conf", "two\n");
    one.ok("commit --add-all -m One");
    two.fails(1, "pull");
    let told = one.fails(1, "nodes default");
    assert!(told.contains("behind: the working copy is as it was"), "{told}");
    two.ok("pull --theirs");
    assert!(!one.ok("nodes default").contains("as it was"));
}

#[test]
fn a_reload_that_failed_is_told_until_it_works() {
    let server = Server::start();
    let (one, two) = (node(&server, "mta1"), node(&server, "mta2"));
    one.commit_file("new.conf", "new\n");
    let mut pull = two.eccfg(&["pull"]);
    assert_eq!(pull.env("ECCFG_RELOAD", "echo no memory; false").status().unwrap().code(), Some(7));
    let told = one.fails(1, "nodes default");
    let late = told.lines().find(|line| line.starts_with("mta2")).unwrap();
    assert_eq!(late.split_whitespace().collect::<Vec<_>>()[2..4], ["2", "0"]);
    assert!(late.contains("not reloaded: ") && late.contains("no memory"), "{late}");
    two.ok("pull");
    one.ok("pull");
    one.ok("nodes");
}

#[test]
fn another_working_copy_is_not_the_nodes() {
    let server = Server::start();
    let machine = node(&server, "mta1");
    let other = machine.root.join("other/conf");
    machine.ok(&format!("bootstrap --wc '{}' {}", other.display(), machine.server));
    machine.ok(&format!("pull --wc '{}'", other.display()));
    assert_eq!(machine.ok("nodes"), "No node has asked yet.\n");
}

#[test]
fn a_name_that_is_none_is_not_sent_and_hinders_nothing() {
    let server = Server::start();
    let machine = node(&server, "a b");
    machine.ok("pull");
    assert_eq!(machine.ok("nodes"), "No node has asked yet.\n");
}

/// A machine with this name.
fn node(server: &Server, name: &str) -> Machine {
    let machine = Machine::of(server);
    let boot = format!("cluster_name=default\nnode_name={name}\n");
    machine.write_etc("cluster.boot", &boot);
    machine
}

//! Local changes undone.

use std::fs;

use crate::fixture::Server;
use crate::machine::Machine;

#[test]
fn changes_and_deletions_are_undone() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.commit_file("global/all.conf", "all\n");
    machine.write("default/common.conf", "changed\n");
    machine.write("global/all.conf", "changed\n");
    machine.remove("default/ecelerity.conf");
    machine.ok("delete default/eccluster.conf");
    machine.chmod("default/ecelerity-cluster.conf", 0o755);
    assert_eq!(
        machine.ok("revert default/common.conf default/ecelerity.conf"),
        "Reverted default/common.conf\nReverted default/ecelerity.conf\n"
    );
    machine.ok("revert .");
    machine.assert_clean();
    assert_eq!(machine.read("global/all.conf"), "all\n");
}

#[test]
fn a_whole_directory_comes_back_with_its_modes() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.chmod("default/common.conf", 0o600);
    machine.write("default/common.conf", "changed\n");
    machine.ok("revert default");
    assert_eq!(machine.mode("default/common.conf"), 0o600);
    fs::remove_dir_all(machine.conf.join("default")).unwrap();
    machine.ok("revert default");
    machine.assert_clean();
}

#[test]
fn what_was_never_committed_stays() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.write("default/unknown.conf", "precious\n");
    machine.write("default/added.conf", "precious\n");
    machine.git(".", &["add", "default/added.conf"]);
    machine.ok("revert default");
    assert_eq!(machine.ok("status"), "?    default/added.conf\n?    default/unknown.conf\n");
    assert_eq!(machine.ok("revert --quiet default"), "");
}

#[test]
fn a_directory_in_the_place_of_a_file_and_the_other_way_round_is_told() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.remove("default/common.conf");
    machine.write("default/common.conf/inside", "precious\n");
    let said = machine.fails(1, "revert default/common.conf");
    assert!(said.contains("default/common.conf is a directory now: move it away first"), "{said}");
    machine.assert_tidy();
    machine.remove("default/common.conf/inside");
    machine.ok("revert default/common.conf");
    machine.assert_clean();
    fs::rename(machine.conf.join("default"), machine.root.join("default")).unwrap();
    machine.write("default", "precious\n");
    let said = machine.fails(1, "revert default/common.conf");
    assert!(said.contains("default is no directory now: move it away first"), "{said}");
    assert_eq!(machine.read("default"), "precious\n");
}

#[test]
fn what_a_killed_one_left_is_no_hindrance() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.write_etc(".conf.file", "half\n");
    machine.write("default/common.conf", "changed\n");
    machine.ok("revert default/common.conf");
    machine.assert_clean();
}

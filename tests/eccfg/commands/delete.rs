//! Files and directories scheduled for deletion.

use crate::fixture::Server;
use crate::machine::Machine;

#[test]
fn it_takes_effect_at_the_next_commit_without_a_question() {
    let server = Server::start();
    let machine = Machine::of(&server);
    assert_eq!(machine.ok("delete default/common.conf"), "D    default/common.conf\n");
    assert!(!machine.has("default/common.conf"));
    assert_eq!(machine.ok("status"), "D    default/common.conf\n");
    assert_eq!(machine.git(".", &["status", "--porcelain"]), "D  default/common.conf\n");
    assert_eq!(server.revision("default"), 1);
    assert!(machine.ok("commit -m Gone").contains("Deleting       default/common.conf\n"));
    machine.assert_clean();
    assert_eq!(server.curl("/config/default/boot/default/common.conf").send().status, 404);
}

#[test]
fn a_directory_goes_with_all_that_is_in_it() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.write("n1/sub/a.conf", "a\n");
    machine.write("n1/b.conf", "b\n");
    machine.ok("commit --add-all -m Why");
    assert_eq!(machine.ok("delete n1"), "D    n1/b.conf\nD    n1/sub/a.conf\n");
    assert!(!machine.has("n1"));
    machine.ok("commit -m Gone");
    machine.assert_clean();
    machine.write("global/x/y.conf", "y\n");
    machine.ok("commit --add-all -m Global");
    assert_eq!(machine.ok("delete global/x"), "D    global/x/y.conf\n");
    machine.ok("commit -m Gone");
    machine.assert_clean();
}

#[test]
fn it_survives_a_pull_and_can_be_undone() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.ok("delete default/common.conf");
    server.git().clone_of("default").push_file("new.conf", "new\n");
    machine.ok("pull");
    assert_eq!(machine.ok("status"), "D    default/common.conf\n");
    assert_eq!(machine.ok("revert default/common.conf"), "Reverted default/common.conf\n");
    machine.assert_clean();
}

#[test]
fn what_no_revision_has_is_not_deleted_and_then_nothing_is() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.write("default/common.conf", "changed\n");
    let said = machine.fails(1, "delete default/ecelerity.conf default/common.conf");
    assert!(said.contains("default/common.conf is not deleted"), "{said}");
    assert!(said.contains("revert or remove it first"), "{said}");
    let said = machine.fails(1, "delete default");
    assert!(said.contains("default/common.conf has changes that no revision has"), "{said}");
    machine.write("default/unknown.conf", "x\n");
    let said = machine.fails(1, "delete default/unknown.conf");
    assert!(said.contains("is not under version control: remove it with rm"), "{said}");
    machine.fails(1, "delete .");
    machine.fails(1, "delete nowhere");
    assert_eq!(machine.ok("status"), "M    default/common.conf\n?    default/unknown.conf\n");
}

#[test]
fn what_lies_behind_a_link_is_not_touched() {
    let server = Server::start();
    let machine = Machine::of(&server);
    let outside = machine.root.join("outside");
    std::fs::create_dir_all(&outside).unwrap();
    std::fs::write(outside.join("common.conf"), "precious\n").unwrap();
    std::fs::remove_dir_all(machine.conf.join("default")).unwrap();
    std::os::unix::fs::symlink(&outside, machine.conf.join("default")).unwrap();
    machine.run("delete default/common.conf");
    let said = machine.fails(1, "revert default/common.conf");
    assert!(said.contains("default is no directory now: move it away first"), "{said}");
    assert_eq!(std::fs::read_to_string(outside.join("common.conf")).unwrap(), "precious\n");
    assert_eq!(std::fs::read_dir(outside).unwrap().count(), 1);
}

//! Earlier revisions, committed again.

use crate::fixture::Server;
use crate::machine::Machine;

#[test]
fn the_files_of_a_revision_are_committed_again_and_are_here() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.commit_file("default/new.conf", "1\n");
    machine.write("default/new.conf", "2\n");
    machine.write("default/other.conf", "other\n");
    machine.remove("default/common.conf");
    machine.ok("commit --add-all --delete-all -m Wrong");
    let told = machine.ok("rollback 2");
    assert!(told.contains("Committed revision 4.\n"), "{told}");
    assert!(told.contains("U    default/new.conf\n") && told.contains("D    default/other.conf\n"));
    assert_eq!(machine.read("default/new.conf"), "1\n");
    assert!(machine.has("default/common.conf") && !machine.has("default/other.conf"));
    machine.assert_clean();
    assert_eq!(machine.reloads(), 1);
    assert_eq!(
        machine.git(".", &["log", "-1", "--format=%an %s"]),
        "admin Roll back to revision 2\n"
    );
    assert_eq!(machine.ok("cat -r 3 default/new.conf"), "2\n", "no history is lost");
    let told = machine.ok("rollback r2 -m Again");
    assert!(told.contains("Nothing to commit\n"), "{told}");
    machine.ok("rollback --mess Forward 3 --quiet");
    assert_eq!(machine.git(".", &["log", "-1", "--format=%s"]), "Forward\n");
}

#[test]
fn global_can_be_rolled_back() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.commit_file("global/all.conf", "1\n");
    machine.commit_file("global/all.conf", "2\n");
    let told = machine.ok("rollback --global 2");
    assert!(told.contains("Committed revision 4 of global.\n"), "{told}");
    assert_eq!(machine.read("global/all.conf"), "1\n");
    machine.assert_clean();
}

#[test]
fn a_revision_that_only_the_server_has_can_be_meant() {
    let server = Server::start();
    let machine = Machine::of(&server);
    let clone = server.git().clone_of("default");
    clone.push_file("new.conf", "1\n");
    clone.push_file("new.conf", "2\n");
    machine.ok("rollback 2");
    assert_eq!(machine.read("new.conf"), "1\n");
    let said = machine.fails(1, "rollback 99");
    assert!(
        said.contains("there is no revision 99; the newest that this node knows is 4"),
        "{said}"
    );
    assert_eq!(server.revision("default"), 4);
}

#[test]
fn local_changes_stay_and_overlaps_are_told() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.commit_file("default/new.conf", "1\n");
    machine.commit_file("default/new.conf", "2\n");
    machine.write("default/common.conf", "mine\n");
    machine.ok("rollback 2");
    assert_eq!(machine.ok("status"), "M    default/common.conf\n");
    machine.write("default/new.conf", "mine\n");
    let said = machine.fails(1, "rollback 3");
    assert!(said.contains("Committed revision 5.") && said.contains("as it was"), "{said}");
    assert_eq!(machine.read("default/new.conf"), "mine\n");
}

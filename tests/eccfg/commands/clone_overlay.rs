//! One directory of the repository made like another.

use crate::fixture::Server;
use crate::machine::Machine;

#[test]
fn clone_makes_an_exact_copy_in_one_commit() {
    let server = Server::start();
    let machine = machine_with_nodes(&server);
    let told = machine.ok("clone n1 n2");
    assert_eq!(told, "Committed revision 3.\n");
    assert_eq!(machine.git(".", &["log", "--format=%s", "-1", "origin/boot"]), "Clone n1 to n2\n");
    machine.assert_clean();
    assert_eq!(machine.read("n2/own.conf"), "n2\n", "it comes with the next pull");
    machine.ok("pull");
    machine.assert_clean();
    assert_eq!(machine.read("n2/a.conf"), "n1\n");
    assert!(machine.has("n2/sub/b.conf") && !machine.has("n2/own.conf"));
    assert_eq!(machine.ok("clone n1 n2"), "Nothing to commit\n");
}

#[test]
fn overlay_keeps_what_only_the_destination_has() {
    let server = Server::start();
    let machine = machine_with_nodes(&server);
    machine.ok("overlay -m Why n1 n2");
    machine.ok("pull");
    assert_eq!(machine.git(".", &["log", "--format=%s", "-1"]), "Why\n");
    assert_eq!(
        (machine.read("n2/a.conf"), machine.read("n2/own.conf")),
        ("n1\n".into(), "n2\n".into())
    );
    assert!(machine.has("n2/sub/b.conf"));
}

#[test]
fn the_destination_need_not_be_there_and_paths_may_be_absolute() {
    let server = Server::start();
    let machine = machine_with_nodes(&server);
    let source = machine.conf.join("n1");
    machine.ok(&format!("clone {}/ deep/n3/", source.display()));
    machine.ok("pull");
    assert_eq!(machine.read("deep/n3/sub/b.conf"), "b\n");
}

#[test]
fn local_changes_do_not_take_part() {
    let server = Server::start();
    let machine = machine_with_nodes(&server);
    machine.write("n1/a.conf", "not committed\n");
    machine.ok("clone n1 n3");
    machine.ok("pull");
    assert_eq!(machine.read("n3/a.conf"), "n1\n");
    assert_eq!(machine.ok("status"), "M    n1/a.conf\n");
}

#[test]
fn what_cannot_be_is_refused() {
    let server = Server::start();
    let machine = machine_with_nodes(&server);
    for (line, code, why) in [
        ("clone nowhere n2", 1, "the newest revision has no directory nowhere"),
        ("clone n1/a.conf n2", 1, "has no directory n1/a.conf"),
        ("clone n1 n1", 2, "must be two directories of the same repository"),
        ("clone n1 global/n1", 2, "must be two directories of the same repository"),
        ("clone . n2", 2, "must be two directories"),
        ("clone n1 n1/below", 2, "lies in"),
        ("clone n1/sub n1", 2, "lies in"),
        ("clone n1", 2, "required"),
        ("overlay n1 n2/own.conf", 1, "cannot be made, for n2/own.conf is there"),
        ("clone n1 ../x", 2, "leads outside"),
    ] {
        let said = machine.fails(code, line);
        assert!(said.contains(why), "{line}: {said}");
    }
    assert_eq!(server.revision("default"), 2);
}

fn machine_with_nodes(server: &Server) -> Machine {
    let machine = Machine::of(server);
    machine.write("n1/a.conf", "n1\n");
    machine.write("n1/sub/b.conf", "b\n");
    machine.write("n2/a.conf", "n2\n");
    machine.write("n2/own.conf", "n2\n");
    machine.ok("commit --add-all -m Nodes");
    machine
}

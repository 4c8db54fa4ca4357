//! Files at their revisions.

use crate::fixture::Server;
use crate::machine::Machine;

#[test]
fn a_file_is_printed_at_any_revision() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.commit_file("default/new.conf", "1\n");
    machine.commit_file("default/new.conf", "2\r\n");
    machine.write("default/new.conf", "not committed\n");
    let id = machine.git(".", &["rev-parse", "HEAD~1"]);
    let id = id.trim();
    for (line, content) in [
        ("cat default/new.conf", "2\r\n"),
        ("cat -r 2 default/new.conf", "1\n"),
        ("cat default/new.conf -r 2", "1\n"),
        ("cat -rev r2 default/new.conf", "1\n"),
        (&format!("cat -r {id} default/new.conf"), "1\n"),
        (&format!("cat -r {} default/new.conf", &id[..7]), "1\n"),
        (&format!("cat -r {} default/new.conf", id.to_uppercase()), "1\n"),
    ] {
        assert_eq!(machine.ok(line), content, "{line}");
    }
    machine.remove("default/new.conf");
    machine.ok("commit --delete-all -m Gone");
    assert_eq!(machine.ok("cat -r 3 default/new.conf"), "2\r\n");
}

#[test]
fn what_is_not_there_is_told() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.commit_file("default/new.conf", "1\n");
    let said = machine.fails(1, "cat -r 1 default/new.conf");
    assert!(said.contains("there is no file default/new.conf in revision 1"), "{said}");
    let said = machine.fails(1, "cat default");
    assert!(said.contains("there is no file default in the working copy's revision"), "{said}");
    for revision in ["99", "0", "x", "1234567", "''"] {
        let said = machine.fails(1, &format!("cat -r {revision} default/new.conf"));
        assert!(said.contains("there is no revision") && said.contains("is 2"), "{said}");
    }
}

#[test]
fn files_of_global_have_revisions_of_their_own() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.commit_file("global/all.conf", "1\n");
    machine.commit_file("global/all.conf", "2\n");
    assert_eq!(machine.ok("cat -r 2 global/all.conf"), "1\n");
    assert_eq!(machine.ok("cat global/all.conf"), "2\n");
}

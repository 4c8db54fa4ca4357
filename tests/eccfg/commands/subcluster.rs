//! Subclusters at the server.

use crate::fixture::Server;
use crate::machine::Machine;

#[test]
fn they_are_made_copied_and_listed() {
    let server = Server::start();
    let machine = Machine::of(&server);
    assert_eq!(machine.ok("subcluster clusters"), "default global\n");
    assert_eq!(machine.ok("subcluster create west"), "Created west\n");
    assert_eq!(machine.ok("subcluster clusters"), "default global west\n");
    machine.commit_file("default/new.conf", "1\n");
    assert_eq!(
        machine.ok("subcluster copy --with-history default east"),
        "Copied default to east\n"
    );
    assert_eq!(server.revision("east"), 2);
    assert_eq!(machine.ok("subcluster copy default west"), "Copied default to west\n");
    assert_eq!(server.curl("/config/west/boot/default/new.conf").send().text(), "1\n");
    assert!(machine.ok("subcluster clusters").contains("east"));
    let said = machine.fails(1, "subcluster copy --with-history default west");
    assert!(said.contains("west"), "{said}");
    let said = machine.fails(1, "subcluster create west");
    assert!(said.contains("west"), "{said}");
    let said = machine.fails(1, "subcluster conflict nowhere");
    assert!(said.contains("nowhere"), "{said}");
}

#[test]
fn a_new_subcluster_can_be_bootstrapped() {
    let server = Server::start();
    let one = Machine::of(&server);
    one.ok("subcluster create west");
    let two = Machine::new(&server);
    two.bootstrap("-clustername west");
    two.assert_clean();
    two.commit_file("default/west.conf", "west\n");
    assert!(one.ok("pull").contains("default at revision 1"));
    assert!(two.ok("info").contains("/config/west/boot\n"));
}

#[test]
fn in_conflict_nothing_is_updated_or_committed() {
    let server = Server::start();
    let machine = Machine::of(&server);
    server.git().clone_of("default").push_file("new.conf", "new\n");
    machine.ok("subcluster conflict default");
    assert_eq!(machine.ok("subcluster clusters"), "!default global\n");
    let said = machine.fails(1, "pull");
    assert!(said.contains("CONFLICT"), "{said}");
    assert!(!machine.has("new.conf"));
    machine.write("default/common.conf", "changed\n");
    let said = machine.fails(1, "commit -m Why");
    assert!(said.contains("CONFLICT"), "{said}");
    machine.ok("subcluster resolve default");
    assert_eq!(machine.ok("subcluster clusters"), "default global\n");
    machine.ok("commit -m Why");
    machine.ok("pull");
    machine.assert_clean();
}

#[test]
fn the_one_server_is_the_master() {
    let server = Server::start();
    let machine = Machine::of(&server);
    let master = machine.ok("subcluster master");
    assert!(master.trim().len() > 1, "{master}");
    assert_eq!(machine.ok("subcluster master default"), master);
    assert_eq!(machine.ok("subcluster slaves").trim(), "");
    machine.ok(&format!("subcluster override default {}", master.trim()));
    machine.ok(&format!("subcluster resume default {}", master.trim()));
    let said = machine.fails(1, "subcluster override default nowhere.invalid");
    assert!(said.contains("nowhere.invalid"), "{said}");
}

#[test]
fn they_touch_no_files() {
    let server = Server::start();
    let machine = Machine::of(&server);
    let before = machine.files();
    machine.ok("subcluster create west --quiet");
    assert_eq!(machine.files(), before);
    machine.assert_clean();
}

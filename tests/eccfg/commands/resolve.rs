//! Conflicts of `pull --manual`, mended.

use crate::fixture::Server;
use crate::machine::Machine;

#[test]
fn a_mended_file_is_an_ordinary_change() {
    let pair = InConflict::new();
    let node = &pair.node;
    let said = node.fails(1, "resolve both.conf");
    assert!(said.contains("still has the markers of the conflict"), "{said}");
    assert!(node.ok("status both.conf").starts_with('C'));
    node.write("both.conf", "mended\n");
    assert_eq!(node.ok("resolve both.conf"), "Resolved conflict of both.conf\n");
    assert_eq!(node.ok("status both.conf"), "M    both.conf\n");
    assert_eq!(node.ok("resolve both.conf"), "None of these is in conflict.\n");
    node.write("new.conf", "mended\n");
    node.ok("resolve .");
    assert_eq!(
        node.ok("status"),
        "M    both.conf\nA    gone.conf\nM    left.conf\nM    new.conf\n"
    );
    node.ok("commit -m Mended");
    node.assert_clean();
    assert_eq!(pair.at_server("both.conf"), "mended\n");
    assert_eq!(pair.at_server("gone.conf"), "mine\n");
}

#[test]
fn what_a_person_removes_is_deleted() {
    let pair = InConflict::new();
    let node = &pair.node;
    for path in ["both.conf", "gone.conf", "left.conf", "new.conf"] {
        node.remove(path);
    }
    node.ok("resolve both.conf gone.conf left.conf new.conf");
    assert_eq!(node.ok("status"), "D    both.conf\nD    left.conf\nD    new.conf\n");
    node.ok("commit -m Gone");
    node.assert_clean();
}

#[test]
fn the_local_side_can_be_given_up() {
    let pair = InConflict::new();
    let node = &pair.node;
    node.ok("resolve --revert both.conf gone.conf left.conf new.conf");
    node.assert_clean();
    assert_eq!(node.read("both.conf"), "theirs\n");
    assert!(!node.has("gone.conf"));
    assert_eq!(node.ok("commit"), "Nothing to commit\n");
}

#[test]
fn revert_gives_it_up_as_well() {
    let pair = InConflict::new();
    pair.node.ok("revert .");
    pair.node.assert_clean();
    assert_eq!(pair.node.read("new.conf"), "theirs\n");
}

/// A node after `pull --manual`.
struct InConflict {
    node: Machine,
    server: Server,
}

impl InConflict {
    fn new() -> Self {
        let server = Server::start();
        let clone = server.git().clone_of("default");
        for name in ["both.conf", "gone.conf"] {
            clone.write(name, "old\n");
        }
        clone.push_file("left.conf", "old\n");
        let node = Machine::of(&server);
        clone.write("both.conf", "theirs\n");
        clone.write("left.conf", "theirs\n");
        std::fs::remove_file(clone.path.join("gone.conf")).unwrap();
        clone.push_file("new.conf", "theirs\n");
        for name in ["both.conf", "gone.conf", "new.conf"] {
            node.write(name, "mine\n");
        }
        node.remove("left.conf");
        node.fails(1, "pull --manual");
        // It was deleted here and stands again; without more ado that is what is meant.
        node.write("left.conf", "mended\n");
        Self { node, server }
    }

    fn at_server(&self, path: &str) -> String {
        self.server.curl(&format!("/config/default/boot/{path}")).send().text()
    }
}

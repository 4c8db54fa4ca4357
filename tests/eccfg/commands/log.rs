//! The revisions.

use crate::fixture::Server;
use crate::machine::Machine;

#[test]
fn each_revision_tells_who_when_why_and_what() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.commit_file("default/new.conf", "1\n");
    machine.write("default/new.conf", "2\n");
    machine.remove("default/common.conf");
    machine.ok("commit --delete-all -m 'First line\n\nMore of it'");
    let log = machine.ok("log");
    let entries: Vec<&str> = log.split(LINE).collect();
    assert_eq!(entries.len(), 5, "{log}");
    let (head, rest) = entries[1].trim_start().split_once('\n').unwrap();
    let fields: Vec<&str> = head.split(" | ").collect();
    assert_eq!((fields[0], fields[1], fields[3].len()), ("r3", "admin", 7), "{head}");
    let date = machine.git(".", &["log", "-1", "--format=%cd", "--date=iso"]);
    assert_eq!(fields[2], date.trim());
    assert_eq!(
        rest,
        "Changed paths:\n   D default/common.conf\n   M default/new.conf\n\nFirst line\n\nMore of it\n"
    );
    assert!(entries[2].contains("r2 | admin") && entries[3].contains("r1 | "), "{log}");
}

#[test]
fn they_can_be_limited_by_number_and_path() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.commit_file("default/new.conf", "1\n");
    machine.commit_file("n1/x.conf", "x\n");
    machine.commit_file("default/new.conf", "2\n");
    machine.commit_file("global/all.conf", "all\n");
    let revisions = |line: &str| -> Vec<String> {
        let log = machine.ok(line);
        let heads = log.lines().filter(|line| line.starts_with('r') && line.contains(" | "));
        heads.map(|line| line.split(' ').next().unwrap().to_owned()).collect()
    };
    assert_eq!(revisions("log"), ["r4", "r3", "r2", "r1"]);
    for line in ["log -n 2", "log -n2", "log --number 2", "log -num 2"] {
        assert_eq!(revisions(line), ["r4", "r3"], "{line}");
    }
    assert_eq!(revisions("log default/new.conf"), ["r4", "r2"]);
    assert_eq!(revisions("log -n 1 default/new.conf"), ["r4"]);
    assert_eq!(revisions("log n1"), ["r3"]);
    assert_eq!(revisions("log -n 0"), [""; 0]);
    assert!(machine.ok("log global").contains("   A global/all.conf\n"));
    machine.remove("n1/x.conf");
    machine.ok("commit --delete-all -m Gone");
    assert_eq!(revisions("log n1/x.conf"), ["r5", "r3"], "it is gone and has a history");
    let said = machine.fails(1, "log default/nwe.conf");
    assert!(said.contains("no revision knows default/nwe.conf"), "{said}");
}

#[test]
fn nothing_that_a_terminal_would_obey_is_told() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.write("default/common.conf", "1\n");
    let output = machine.eccfg(&["commit", "-m", "red \x1b[31m\r alert"]).output().unwrap();
    assert!(output.status.success());
    assert!(!machine.ok("log").contains(['\x1b', '\r']));
}

const LINE: &str = "------------------------------------------------------------------------\n";

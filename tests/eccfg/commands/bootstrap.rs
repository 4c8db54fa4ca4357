//! The first check-out.

use std::fs;

use crate::fixture::Server;
use crate::machine::Machine;

#[test]
fn every_file_is_told_and_there() {
    let server = Server::start();
    let machine = Machine::new(&server);
    let told = machine.bootstrap("");
    let files: String = machine.files().iter().map(|path| format!("A    {path}\n")).collect();
    assert!(files.contains("A    default/ecelerity.conf\n"), "{files}");
    assert!(told.starts_with(&files), "{told}");
    machine.assert_clean();
    assert_eq!(
        machine.git(".", &["log", "--format=%s"]),
        server.bare("default", &["log", "--format=%s"])
    );
    assert_eq!(machine.reloads(), 0, "nothing runs yet that could be told");
}

#[test]
fn it_happens_once() {
    let server = Server::start();
    let machine = Machine::of(&server);
    let said = machine.fails(1, &format!("bootstrap {}", machine.server));
    assert!(said.contains("there is a working copy in"), "{said}");
    assert!(said.contains("eccfg pull brings it up to date"), "{said}");
}

#[test]
fn the_subcluster_is_written_down_and_other_keys_are_kept() {
    let server = Server::start();
    server.git().clone_of("default");
    let machine = Machine::new(&server);
    machine.write_etc("cluster.boot", "# mine\nodd=1\ncluster_name=default\nnode_name=n1\n");
    machine.bootstrap("-clustername global");
    let boot = fs::read_to_string(machine.etc("cluster.boot")).unwrap();
    assert_eq!(boot, "# mine\nodd=1\ncluster_name=global\nnode_name=n1\n");
}

#[test]
fn the_subcluster_that_is_written_down_is_taken() {
    let server = Server::start();
    let machine = Machine::new(&server);
    machine.write_etc("cluster.boot", "cluster_name=global\n");
    machine.bootstrap("");
    assert!(machine.ok("info").contains("Subcluster: global\n"));
}

#[test]
fn a_single_node_writes_nothing_down() {
    let server = Server::start();
    let machine = Machine::new(&server);
    machine.bootstrap("--singlenode");
    assert!(!machine.etc("cluster.boot").exists());
    machine.assert_clean();
    machine.ok("pull");
    let said = machine.fails(2, "bootstrap --singlenode --clustername x");
    assert!(said.contains("cannot be used with"), "{said}");
}

#[test]
fn an_unknown_subcluster_changes_nothing() {
    let server = Server::start();
    let machine = Machine::new(&server);
    let line = format!(
        "bootstrap --fingerprint {} --clustername nowhere {}",
        machine.fingerprint, machine.server
    );
    let said = machine.fails(1, &line);
    assert!(said.contains("nowhere"), "{said}");
    assert!(!machine.conf.exists() && !machine.etc("cluster.boot").exists());
    machine.bootstrap("");
    machine.assert_clean();
}

#[test]
fn files_that_are_there_already_are_local_changes() {
    let server = Server::start();
    let machine = Machine::new(&server);
    machine.write("own.conf", "own\n");
    machine.bootstrap("");
    assert_eq!(machine.ok("status"), "?    own.conf\n");
    assert_eq!(machine.read("own.conf"), "own\n");
}

#[test]
fn files_that_are_there_already_and_differ_are_not_touched() {
    let server = Server::start();
    let machine = Machine::new(&server);
    machine.write("default/ecelerity.conf", "own\n");
    let line = format!("bootstrap --fingerprint {} {}", machine.fingerprint, machine.server);
    let said = machine.fails(1, &line);
    assert!(said.contains("C    default/ecelerity.conf  (added here and upstream)"), "{said}");
    assert!(said.contains("move it away, bootstrap"), "{said}");
    assert_eq!(machine.files(), ["default/ecelerity.conf"]);
    assert_eq!(machine.read("default/ecelerity.conf"), "own\n");
}

#[test]
fn quiet_says_nothing() {
    let server = Server::start();
    let machine = Machine::new(&server);
    assert_eq!(machine.bootstrap("--quiet"), "");
}

#[test]
fn a_wrong_password_a_wrong_key_and_nobody_have_exit_codes_of_their_own() {
    let server = Server::start();
    let machine = Machine::new(&server);
    let bootstrap = |with: &str, at: &str| {
        format!("bootstrap --fingerprint {} {with} {at}", machine.fingerprint)
    };
    let said = machine.fails(3, &bootstrap("-p wrong", &machine.server));
    assert!(said.contains("admin"), "{said}");
    machine.fails(4, &bootstrap("", "127.0.0.1:1"));
    let other = format!("SHA256:{}", "00".repeat(32));
    machine.fails(5, &format!("bootstrap --fingerprint {other} {}", machine.server));
    machine.fails(2, &bootstrap("", "a:b:c"));
    assert!(!machine.conf.exists());
}

#[test]
fn another_place_can_be_named() {
    let server = Server::start();
    let machine = Machine::new(&server);
    let place = machine.root.join("elsewhere/here");
    machine.bootstrap(&format!("-wc {}", place.display()));
    assert!(!machine.conf.exists());
    assert!(place.join("default/ecelerity.conf").exists());
    fs::write(place.join("default/new.conf"), "new\n").unwrap();
    let status = |option: &str| machine.ok(&format!("{option} {} status", place.display()));
    for option in ["--wc", "-wc", "--working-copy", "-work", "-w", "--w"] {
        assert_eq!(status(option), "?    default/new.conf\n", "{option}");
    }
    let said = machine.fails(1, "status");
    assert!(said.contains("there is no working copy in"), "{said}");
    assert!(said.contains("eccfg bootstrap HOST makes one"), "{said}");
}

#[test]
fn a_link_to_the_place_stays_a_link() {
    let server = Server::start();
    let machine = Machine::new(&server);
    let place = machine.root.join("disk/conf");
    fs::create_dir_all(&place).unwrap();
    fs::create_dir_all(machine.conf.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&place, &machine.conf).unwrap();
    machine.bootstrap("");
    assert!(machine.conf.is_symlink() && place.join("default").is_dir());
    machine.write("default/new.conf", "new\n");
    let typed = machine.conf.join("default/new.conf");
    assert_eq!(machine.ok(&format!("status {}", typed.display())), "?    default/new.conf\n");
}

#[test]
fn a_listed_server_that_was_never_started_is_told_how_it_becomes_a_member() {
    let server = Server::start();
    let global = server.git().clone_of("global");
    let list = "msgc_server {\n  peers = [\n    cm1.example.com = \"192.0.2.1\"\n  ]\n}\n";
    global.push_file("msgc_server.conf", list);
    for (name, is_told) in [("CM1", true), ("mta1", false)] {
        let machine = Machine::new(&server);
        machine.write_etc("cluster.boot", &format!("cluster_name=default\nnode_name={name}\n"));
        let said = machine.bootstrap("");
        assert_eq!(said.contains("its ecconfigd was never started"), is_told, "{name}: {said}");
        assert_eq!(said.contains(&format!("eccfg join {}", machine.server)), is_told, "{said}");
    }
}

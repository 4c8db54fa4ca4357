//! Several at once, on one node and on many.

use std::fs::File;
use std::io::Read;
use std::process::Stdio;

use nix::fcntl::{Flock, FlockArg};

use crate::fixture::Server;
use crate::machine::Machine;

#[test]
fn a_second_one_waits_and_says_so() {
    let server = Server::start();
    let machine = Machine::of(&server);
    server.git().clone_of("default").push_file("new.conf", "new\n");
    let held = hold(&machine);
    let mut second = machine.eccfg(&["pull"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = [0; 8];
    second.stdout.as_mut().unwrap().read_exact(&mut said).unwrap();
    assert_eq!(&said, b"Waiting ");
    assert!(!machine.has("new.conf"));
    drop(held);
    assert!(second.wait().unwrap().success());
    assert_eq!(machine.read("new.conf"), "new\n");
}

#[test]
fn an_automatic_one_gives_way() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.store_password(&server);
    server.git().clone_of("default").push_file("new.conf", "new\n");
    let held = hold(&machine);
    let told = machine.ok("pull --auto");
    assert!(told.contains("Another eccfg is at work: nothing was done."), "{told}");
    assert_eq!(machine.ok("pull --auto --quiet"), "");
    drop(held);
    machine.ok("pull --auto");
    assert!(machine.has("new.conf"));
}

#[test]
fn who_only_looks_does_not_wait() {
    let server = Server::start();
    let machine = Machine::of(&server);
    let _held = hold(&machine);
    for line in ["status", "diff", "log", "info", "cat default/common.conf", "pull"] {
        machine.ok(line);
    }
}

#[test]
fn many_nodes_commit_at_once_and_nothing_is_lost() {
    const NODES: usize = 4;
    let server = Server::start();
    let nodes: Vec<Machine> = (0..NODES).map(|_| Machine::of(&server)).collect();
    for round in 0..3 {
        for (number, node) in nodes.iter().enumerate() {
            node.write(&format!("n{number}/{round}.conf"), format!("{number} {round}\n"));
        }
        let begun: Vec<_> = nodes
            .iter()
            .map(|node| node.eccfg(&["commit", "-q", "--add-all", "-m", "Why"]).spawn().unwrap())
            .collect();
        for mut child in begun {
            assert!(child.wait().unwrap().success());
        }
    }
    assert_eq!(server.revision("default"), 1 + NODES * 3);
    for node in &nodes {
        node.ok("pull");
        node.assert_clean();
        assert_eq!(node.files(), nodes[0].files());
    }
    server.fsck("default");
}

fn hold(machine: &Machine) -> Flock<File> {
    let file = File::options().append(true).open(machine.etc(".eccfg/conf/lock")).unwrap();
    Flock::lock(file, FlockArg::LockExclusive).unwrap()
}

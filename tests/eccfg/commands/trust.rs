//! Servers that are trusted, as far as the command line goes.

use std::fs;

use crate::fixture::Server;
use crate::machine::Machine;

#[test]
fn a_key_that_is_not_the_pinned_one_is_refused_until_it_is_accepted() {
    let (first, second) = (Server::start(), Server::start());
    let machine = Machine::of(&first);
    let moved = Machine::new(&second);
    machine.write_etc("cluster.boot", &format!("cluster_name=default\nrepo={}\n", moved.server));
    let mut pull = machine.eccfg(&["pull"]);
    let output = pull.env("ECCFG_PASSWORD", &moved.password).output().unwrap();
    assert_eq!(output.status.code(), Some(5));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("eccfg trust"), "{said}");
    let wrong =
        machine.fails(5, &format!("trust --fingerprint {} {}", machine.fingerprint, moved.server));
    assert!(wrong.contains(&moved.fingerprint), "{wrong}");
    let told = machine.ok(&format!("trust --fingerprint {} {}", moved.fingerprint, moved.server));
    assert_eq!(told, format!("{} is trusted.\n", moved.server));
    let mut pull = machine.eccfg(&["pull"]);
    let output = pull.env("ECCFG_PASSWORD", &moved.password).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn an_authority_can_be_trusted() {
    let server = Server::start();
    let machine = Machine::new(&server);
    let file = server.certificate();
    machine.ok(&format!("bootstrap --ca-file {} {}", file.display(), machine.server));
    machine.assert_clean();
    let said = machine.fails(2, &format!("trust --ca-file x --fingerprint y {}", machine.server));
    assert!(said.contains("cannot be used with"), "{said}");
}

#[test]
fn nobody_is_asked_in_a_pipe_and_nothing_is_trusted() {
    let server = Server::start();
    let machine = Machine::new(&server);
    let line = format!("trust mgr.invalid:{}", server.address.port());
    machine.fails(4, &line);
    let said = machine.fails(5, &format!("bootstrap {}", server.address));
    assert!(said.contains("--fingerprint"), "{said}");
    assert!(said.contains(&machine.fingerprint), "{said}");
    assert!(!machine.conf.exists());
}

#[test]
fn on_a_terminal_the_fingerprint_is_shown_and_asked_about() {
    let server = Server::start();
    let machine = Machine::new(&server);
    let line = format!("bootstrap {}", machine.server);
    let (code, shown) = machine.answers(&line, &[("(y/n) ", "n")]);
    assert_eq!(code, Some(5), "{shown}");
    assert!(shown.contains(&machine.fingerprint) && shown.contains("(y/n)"), "{shown}");
    assert!(!machine.conf.exists());
    let (code, shown) = machine.answers(&line, &[("(y/n) ", "y")]);
    assert_eq!(code, Some(0), "{shown}");
    machine.assert_clean();
    let etc = fs::read_dir(machine.etc(".eccfg")).unwrap().count();
    assert!(etc > 0);
}

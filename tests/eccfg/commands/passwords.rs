//! Who asks, and with which password.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::fixture::{Server, text};
use crate::machine::{ECCFG, Machine};

#[test]
fn on_a_terminal_it_is_asked_for_once_and_not_shown() {
    let server = Server::start();
    let mut machine = Machine::of(&server);
    let password = std::mem::take(&mut machine.password);
    machine.write("default/common.conf", "changed\n");
    let asked = [("Password of admin: ", &*password)];
    let (code, shown) = machine.answers("commit -m Why", &asked);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("Committed revision 2.\n") && !shown.contains(&password), "{shown}");
    let (code, shown) = machine.answers("rollback 1", &asked);
    assert_eq!(code, Some(0), "{shown}");
    assert_eq!(shown.matches("Password of").count(), 1, "{shown}");
    let (code, shown) = machine.answers("pull", &[("Password of admin: ", "wrong")]);
    assert_eq!(code, Some(3), "{shown}");
}

#[test]
fn without_a_terminal_it_is_said_how_to_give_it() {
    let server = Server::start();
    let machine = Machine::of(&server);
    // A session of its own has no terminal.
    let mut command = Command::new("setsid");
    command.arg("--wait").arg(ECCFG).arg("--root").arg(&machine.root).arg("pull");
    let output = command.env("USER", "admin").env_remove("ECCFG_PASSWORD").output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let said = text(&output);
    assert!(said.contains("ECCFG_PASSWORD") && said.contains("--password-file"), "{said}");
}

#[test]
fn a_file_may_hold_it() {
    let server = Server::start();
    let mut machine = Machine::of(&server);
    let file = machine.root.join("password");
    fs::write(&file, format!("{}\nmore\n", std::mem::take(&mut machine.password))).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    machine.ok(&format!("pull --password-file {}", file.display()));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let line = format!("pull --password-file {}", file.display());
    let said = machine.warns(&line);
    assert!(said.starts_with("eccfg: others than its owner may read"), "{said}");
    assert_eq!(machine.ok(&format!("{line} --quiet")), "");
}

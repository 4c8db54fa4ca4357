//! The service account's password.

use std::os::unix::fs::PermissionsExt;

use crate::fixture::Server;
use crate::machine::Machine;

#[test]
fn it_is_taken_from_the_standard_input_and_kept_for_few_to_read() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.store_password(&server);
    let file = machine.etc(".eccfg/password");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o077, 0);
    server.git().clone_of("default").push_file("new.conf", "new\n");
    let mut command = machine.eccfg(&["pull", "--auto", "--quiet"]);
    let output = command.env_remove("ECCFG_PASSWORD").env_remove("USER").output().unwrap();
    assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty());
    assert_eq!(machine.read("new.conf"), "new\n");
}

#[test]
fn it_can_be_stored_before_the_first_bootstrap() {
    let server = Server::start();
    let machine = Machine::new(&server);
    machine.store_password(&server);
    machine.bootstrap("");
    machine.ok("pull --auto");
}

#[test]
fn on_a_terminal_it_is_not_shown() {
    let server = Server::start();
    let machine = Machine::of(&server);
    let password = server.password("ecuser");
    let (code, shown) = machine.answers("store-password", &[("Password of ecuser: ", &password)]);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("Password") && !shown.contains(&password), "{shown}");
    machine.ok("pull --auto");
}

//! `ecconfigd ping`, which scripts use.

use std::net::TcpListener;

use nix::sys::signal::Signal;

use crate::fixture::{Server, ecconfigd, fails, succeeds};

#[test]
fn a_server_that_is_well_answers() {
    let server = Server::start();
    let address = server.address.to_string();
    assert_eq!(succeeds(server.ecconfigd(&["ping", "--listen", &address], "")), "");
}

#[test]
fn a_server_that_is_away_is_told_with_its_address() {
    let mut server = Server::start();
    let address = server.address.to_string();
    server.stop();
    let output = server.ecconfigd(&["ping", "--listen", &address], "");
    assert_eq!(output.status.code(), Some(69));
    let said = fails(output);
    assert!(
        said.starts_with(&format!("ecconfigd: no answer from ecconfigd on {address}: ")),
        "{said}"
    );
}

#[test]
fn a_server_that_hangs_is_told_with_where_to_look() {
    let server = Server::start();
    server.signal(Signal::SIGSTOP);
    let address = server.address.to_string();
    let output = server.ecconfigd(&["ping", "--listen", &address], "");
    assert_eq!(output.status.code(), Some(69));
    let said = fails(output);
    let told = format!("ecconfigd: ecconfigd on {address} has not answered within 5 s");
    assert!(said.starts_with(&told) && said.contains("systemctl status"), "{said}");
}

#[test]
fn where_no_server_was_ever_started_it_says_how_to_start_one() {
    let dir = tempfile::tempdir().unwrap();
    let output = ecconfigd().args(["ping", "--root"]).arg(dir.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(69));
    let said = fails(output);
    assert!(said.contains("never been started here; start it with systemctl"), "{said}");
}

#[test]
fn an_open_port_alone_is_no_answer() {
    let server = Server::start();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let said = fails(server.ecconfigd(&["ping", "--listen", &address], ""));
    assert!(said.contains("has not answered"), "{said}");
}

#[test]
fn another_servers_certificate_is_not_taken_for_ours() {
    let (ours, other) = (Server::start(), Server::start());
    let address = other.address.to_string();
    let said = fails(ours.ecconfigd(&["ping", "--listen", &address], ""));
    assert!(said.contains("certificate"), "{said}");
}

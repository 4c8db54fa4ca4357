//! A disk on which what the server sends has no room.

use std::fs;
use std::process::Command;

use crate::fixture::{Server, private_mounts, text};

#[test]
fn a_full_disk_is_told_and_leaves_nothing_behind() {
    let Some(wrapper) = private_mounts() else { return };
    let server = Server::start();
    let mut noise = vec![0; 4 << 20];
    getrandom::fill(&mut noise).unwrap();
    server.git().clone_of("default").push_file("default/big", noise);
    let dir = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=2m small \"$1\" || exit 99; root=$1; shift
        \"$@\"; code=$?; find \"$root\" -name 'incoming-*' -o -name '*.pack' >&2; exit $code";
    let fingerprint = ecconfigd::tls::fingerprint(&server.state("apache")).unwrap().to_string();
    let output = Command::new(&wrapper[0])
        .args(&wrapper[1..])
        .args(["sh", "-c", script, "sh"])
        .arg(dir.path())
        .args([env!("CARGO_BIN_EXE_eccfg"), "--root"])
        .arg(dir.path())
        .args(["bootstrap", "-u", "admin", "--fingerprint", &fingerprint])
        .arg(server.address.to_string())
        .env("ECCFG_PASSWORD", server.password("admin"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(6), "{}", text(&output));
    let said = text(&output);
    assert!(said.contains("the disk is full: make room and try again"), "{said}");
    assert!(!said.contains("incoming-") && !said.contains(".pack"), "{said}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

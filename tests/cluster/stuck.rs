use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::fixture::{eventually, succeeds};
use crate::machines::Machines;

#[test]
fn a_leader_that_cannot_make_what_is_decided_holds_nobody_up() {
    let machines = Machines::cluster(3);
    let stuck = machines.leader();
    let repository = machines.all[stuck].root().join("var/ecconfigd/repo/default");
    let lock = repository.join("refs/heads/boot.lock");
    fs::write(&lock, "").unwrap();
    let other = machines.follower();
    succeeds(machines.push(other, "default", "some.conf", "decided\n"));
    eventually("another one leads", || machines.leader() != stuck);
    succeeds(machines.push(other, "default", "some.conf", "decided without it\n"));

    fs::remove_file(lock).unwrap();
    eventually("it has caught up", || {
        let reply = machines.curl(stuck, "/config/default/boot/some.conf").send();
        reply.text() == "decided without it\n"
    });
    machines.assert_same("default");
}

/// A follower with a change that cannot be made, as somebody holds a lock.
fn stuck_follower(machines: &Machines) -> (usize, PathBuf) {
    let stuck = machines.follower();
    let repository = machines.all[stuck].root().join("var/ecconfigd/repo/default");
    let lock = repository.join("refs/heads/boot.lock");
    fs::write(&lock, "").unwrap();
    succeeds(machines.push(machines.leader(), "default", "some.conf", "decided\n"));
    machines.all[stuck].running().wait_for_log("cannot be made on this server");
    (stuck, lock)
}

#[test]
fn one_that_is_stuck_and_has_been_told_to_reload_stops_as_soon_as_any() {
    let mut machines = Machines::cluster(3);
    let (stuck, lock) = stuck_follower(&machines);
    let server = machines.all[stuck].running();
    server.signal(Signal::SIGHUP);
    server.wait_for_log("reloading because of SIGHUP");
    let asked = Instant::now();
    machines.stop(stuck);
    assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
    fs::remove_file(lock).unwrap();
    machines.start(stuck);
    assert_eq!(machines.read(stuck, "default/boot/some.conf"), "decided\n");
    machines.assert_same("default");
}

#[test]
fn one_that_is_stuck_ends_a_reload() {
    let machines = Machines::cluster(3);
    let (stuck, lock) = stuck_follower(&machines);
    let server = machines.all[stuck].running();
    server.signal(Signal::SIGHUP);
    server.wait_for_log("accounts, certificate and repositories have been read again");
    fs::remove_file(lock).unwrap();
    assert_eq!(machines.read(stuck, "default/boot/some.conf"), "decided\n");
    machines.assert_same("default");
}

/// Nobody has it but the one that is down.
#[test]
fn objects_that_no_other_member_can_give_are_asked_for_until_one_is_back() {
    let mut machines = Machines::cluster(2);
    succeeds(machines.push(0, "default", "some.conf", "x\n"));
    machines.read(1, "default/boot/some.conf");
    machines.stop(0);
    machines.stop(1);
    let state = machines.all[1].root().join("var/ecconfigd");
    fs::remove_dir_all(state.join("repo/default")).unwrap();
    machines.start(1);
    let member = machines.all[1].running();
    member.wait_for_log("no other member could give them");
    member.wait_for_log("start the others, or put the files");
    machines.start(0);
    assert_eq!(machines.read(1, "default/boot/some.conf"), "x\n");
    machines.assert_same("default");
}

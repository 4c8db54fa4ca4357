use std::path::Path;
use std::{fs, thread};

use nix::sys::signal::Signal;

use crate::fixture::{eventually, fails, succeeds};
use crate::machines::Machines;

#[test]
fn a_leader_that_is_told_to_stop_hands_over_before_it_ends() {
    let mut machines = Machines::cluster(3);
    let leader = machines.leader();
    machines.stop(leader);
    assert!(machines.all[leader].log().contains("leads the cluster now"));
    let next = machines.leader();
    assert_ne!(next, leader);
    succeeds(machines.push(next, "default", "some.conf", "x\n"));
    machines.start(leader);
    assert_eq!(machines.read(leader, "default/boot/some.conf"), "x\n");
}

#[test]
fn each_may_be_restarted_in_turn_and_every_commit_is_kept() {
    let mut machines = Machines::cluster(3);
    for number in 0..3 {
        machines.stop(number);
        let other = (number + 1) % 3;
        succeeds(machines.push(other, "default", &format!("{number}.conf"), "x\n"));
        machines.start(number);
    }
    for number in 0..3 {
        assert_eq!(machines.read(number, &format!("default/boot/{number}.conf")), "x\n");
    }
    machines.assert_same("default");
}

#[test]
fn a_server_that_stops_does_not_wait_long_for_others_that_are_silent() {
    let mut machines = Machines::cluster(3);
    let leader = machines.leader();
    let clone = machines.git(leader).clone_of("default");
    clone.write("some.conf", "x\n");
    clone.commit("nobody answers");
    let silent: Vec<usize> = (0..3).filter(|number| *number != leader).collect();
    silent.iter().for_each(|number| machines.all[*number].running().signal(Signal::SIGSTOP));
    let objects = machines.all[leader].root().join("var/ecconfigd/repo/default/objects");
    let pushing = thread::spawn(move || clone.git(&["push"]));
    eventually("the push is here and goes no further", || {
        fs::read_dir(&objects).unwrap().flatten().any(|entry| is_received(&entry.path()))
    });
    machines.stop(leader);
    let said = fails(pushing.join().unwrap());
    silent.iter().for_each(|number| machines.all[*number].running().signal(Signal::SIGCONT));
    assert!(said.contains("this server stops"), "{said}");
}

/// Whether this is a quarantine with a pack that has its index.
fn is_received(dir: &Path) -> bool {
    let files = fs::read_dir(dir.join("pack")).into_iter().flatten().flatten();
    let name = dir.file_name().is_some_and(|name| name.to_string_lossy().starts_with("incoming-"));
    name && files.count() >= 2
}

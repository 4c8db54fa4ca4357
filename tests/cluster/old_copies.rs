use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::fixture::{eventually, fails, succeeds};
use crate::machines::Machines;

fn state(machines: &Machines, number: usize) -> PathBuf {
    machines.all[number].root().join("var/ecconfigd")
}

/// A copy of all that a member has, beside it. It must not be running.
fn copy(machines: &Machines, number: usize) -> PathBuf {
    let (from, to) = (state(machines, number), state(machines, number).with_extension("copy"));
    succeeds(Command::new("cp").arg("-a").args([&from, &to]).output().unwrap());
    to
}

fn put_back(machines: &Machines, number: usize, copy: &PathBuf) {
    fs::remove_dir_all(state(machines, number)).unwrap();
    fs::rename(copy, state(machines, number)).unwrap();
}

#[test]
fn a_backup_that_is_put_back_takes_no_part_in_losing_what_it_lacks() {
    let mut machines = Machines::cluster(3);
    let leader = machines.leader();
    let (other, third) = ((leader + 1) % 3, (leader + 2) % 3);
    machines.kill(leader);
    let backup = copy(&machines, leader);
    machines.start(leader);
    machines.wait_for_members(0..3);
    machines.kill(third);
    eventually("a commit is acknowledged by two", || {
        machines.push(other, "default", "some.conf", "acknowledged\n").status.success()
    });
    machines.read(leader, "default/boot/some.conf");
    machines.kill(leader);
    machines.kill(other);
    put_back(&machines, leader, &backup);
    machines.start(leader);
    machines.start(third);
    let said = fails(machines.push(third, "default", "some.conf", "something else\n"));
    assert!(said.contains("fewer than half"), "{said}");
    assert!(machines.all[leader].log().contains("may be an old one"));
    machines.start(other);
    for number in 0..3 {
        eventually("all have what was acknowledged", || {
            let path = "/config/default/boot/some.conf?consistent";
            let reply = machines.curl(number, path).send();
            reply.status == 200 && reply.text() == "acknowledged\n"
        });
    }
    machines.all[leader].running().wait_for_log("this server votes");
    machines.assert_same("default");
}

#[test]
fn servers_that_are_all_moved_to_other_disks_go_on_when_all_are_there() {
    let mut machines = Machines::cluster(3);
    succeeds(machines.push(0, "default", "some.conf", "moved\n"));
    for number in 0..3 {
        machines.kill(number);
        let moved = copy(&machines, number);
        put_back(&machines, number, &moved);
    }
    (0..3).for_each(|number| machines.start(number));
    eventually("commits are taken again", || {
        machines.push(1, "default", "other.conf", "after\n").status.success()
    });
    assert_eq!(machines.read(2, "default/boot/some.conf"), "moved\n");
}

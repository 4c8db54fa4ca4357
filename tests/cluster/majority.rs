use nix::sys::signal::Signal;

use crate::fixture::{eventually, fails, succeeds};
use crate::machines::Machines;

#[test]
fn when_the_leader_is_lost_the_others_go_on_and_it_catches_up_when_it_is_back() {
    let mut machines = Machines::cluster(3);
    let lost = machines.leader();
    machines.kill(lost);
    let there = machines.follower();
    let there = if there == lost { 3 - lost - machines.leader() } else { there };
    succeeds(machines.push(there, "default", "some.conf", "without it\n"));
    machines.start(lost);
    assert_eq!(machines.read(lost, "default/boot/some.conf"), "without it\n");
    machines.assert_same("default");
}

#[test]
fn a_commit_does_not_wait_for_a_leader_that_has_fallen_silent() {
    let machines = Machines::cluster(3);
    let there = machines.follower();
    let clone = machines.git(there).clone_of("default");
    clone.write("some.conf", "without it\n");
    clone.commit("without it");
    let silent = machines.all[machines.leader()].running();
    silent.signal(Signal::SIGSTOP);
    let pushed = clone.git(&["push"]);
    let log = machines.all[there].log();
    silent.signal(Signal::SIGCONT);
    succeeds(pushed);
    // Connections over which nothing comes end after a while, which is long for those who wait.
    assert!(!log.contains("has ended"), "{log}");
    machines.assert_same("default");
}

#[test]
fn without_a_majority_files_are_read_and_nothing_is_changed() {
    let mut machines = Machines::cluster(3);
    succeeds(machines.push(0, "default", "some.conf", "before\n"));
    machines.read(2, "default/boot/some.conf");
    machines.kill(0);
    machines.kill(1);
    let reply = machines.curl(2, "/config/default/boot/some.conf").send();
    assert_eq!((reply.status, reply.text()), (200, "before\n".into()));
    let said = fails(machines.push(2, "default", "some.conf", "after\n"));
    assert!(said.contains("fewer than half of the cluster's servers can be reached"), "{said}");
    let reply = machines.curl(2, "/config/default/boot/some.conf?consistent").send();
    assert_eq!(reply.status, 503, "{reply:?}");
    machines.start(0);
    eventually("commits are taken again", || {
        machines.push(2, "default", "some.conf", "with one back\n").status.success()
    });
}

#[test]
fn all_members_may_be_down_and_come_back_in_any_order() {
    let mut machines = Machines::cluster(3);
    succeeds(machines.push(0, "default", "some.conf", "kept\n"));
    (0..3).for_each(|number| machines.kill(number));
    [2, 0, 1].into_iter().for_each(|number| machines.start(number));
    for number in 0..3 {
        eventually("it reads what was acknowledged", || {
            let reply = machines.curl(number, "/config/default/boot/some.conf?consistent").send();
            reply.status == 200 && reply.text() == "kept\n"
        });
    }
    machines.assert_same("default");
}

#[test]
fn a_leader_that_is_left_alone_says_that_nothing_can_be_changed() {
    let mut machines = Machines::cluster(3);
    let leader = machines.leader();
    (0..3).filter(|number| *number != leader).for_each(|number| machines.kill(number));
    let server = machines.all[leader].server.as_mut().unwrap();
    server.wait_for("NO LEADER: nothing can be changed");
}

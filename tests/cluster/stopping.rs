use crate::fixture::succeeds;
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

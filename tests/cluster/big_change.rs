use crate::fixture::succeeds;
use crate::machines::Machines;

/// As large as a push that is not unusual: a database of addresses, say.
const SIZE: usize = 60 << 20;

#[test]
fn a_large_push_does_not_cost_the_leader_its_place() {
    let machines = Machines::cluster(3);
    let leader = machines.leader();
    let clone = machines.git(machines.follower()).clone_of("default");
    let mut content = vec![0; SIZE];
    getrandom::fill(&mut content).unwrap();
    clone.write("large.bin", &content);
    clone.commit("a large file");
    succeeds(clone.git(&["push"]));
    assert_eq!(machines.leader(), leader);
    for machine in &machines.all {
        assert!(!machine.log().contains("NO LEADER"), "{}", machine.name);
    }
    machines.assert_same("default");
}

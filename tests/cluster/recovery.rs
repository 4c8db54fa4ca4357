use crate::fixture::{fails, succeeds, text};
use crate::machines::Machines;

#[test]
fn the_members_are_listed_with_how_far_they_have_come() {
    let mut machines = Machines::cluster(3);
    let said = machines.ecconfigd(1, &["members"]);
    assert_eq!(said.status.code(), Some(0), "{}", text(&said));
    assert_eq!(text(&said).lines().filter(|line| line.contains(" behind")).count(), 3);
    machines.kill(2);
    let said = machines.ecconfigd(1, &["members"]);
    assert_eq!(said.status.code(), Some(1), "{}", text(&said));
    assert!(text(&said).contains("DOES NOT ANSWER"), "{}", text(&said));
}

#[test]
fn a_survivor_goes_on_alone_when_an_administrator_says_so() {
    let mut machines = Machines::cluster(3);
    succeeds(machines.push(0, "default", "some.conf", "kept\n"));
    machines.read(0, "default/boot/some.conf");
    let said = fails(machines.ecconfigd(0, &["recover", "--force-new-cluster"]));
    assert!(said.contains("stop it first"), "{said}");
    (0..3).for_each(|number| machines.kill(number));
    assert!(fails(machines.ecconfigd(0, &["recover"])).contains("--force-new-cluster"));
    let said = succeeds(machines.ecconfigd(0, &["recover", "--force-new-cluster"]));
    assert!(said.contains("stands alone from now on"), "{said}");
    machines.start(0);
    assert_eq!(machines.read(0, "default/boot/some.conf"), "kept\n");
    succeeds(machines.push(0, "default", "some.conf", "alone\n"));
}

#[test]
fn one_of_the_old_cluster_that_comes_back_joins_the_survivor() {
    let mut machines = Machines::cluster(3);
    (0..3).for_each(|number| machines.kill(number));
    succeeds(machines.ecconfigd(0, &["recover", "--force-new-cluster"]));
    machines.start(0);
    succeeds(machines.push(0, "default", "some.conf", "alone\n"));
    machines.start(1);
    machines.join(1);
    machines.wait_for_members([0, 1]);
    assert_eq!(machines.read(1, "default/boot/some.conf"), "alone\n");
}

use std::fs;

use crate::fixture::{eventually, fails, succeeds};
use crate::machines::Machines;

#[test]
fn a_server_that_joins_gets_what_the_others_have_and_keeps_what_it_had_aside() {
    let mut machines = Machines::alone(2);
    machines.list(&[0, 1]);
    succeeds(machines.push(0, "default", "some.conf", "the first one's\n"));
    machines.join(1);
    machines.wait_for_members([0, 1]);
    assert_eq!(machines.read(1, "default/boot/some.conf"), "the first one's\n");
    let root = machines.all[1].root();
    assert!(root.join("var/ecconfigd/repo.before-joining-1/default").is_dir());
    assert!(!machines.all[1].log().contains("this server waits"));
    machines.assert_same("default");
    machines.assert_same("global");
}

#[test]
fn one_that_is_not_listed_waits_and_serves_nothing() {
    let mut machines = Machines::alone(2);
    machines.list(&[0]);
    machines.join(1);
    machines.all[1].running().wait_for_log("this server waits to become a member of the cluster");
    let reply = machines.all[1].running().curl_anonymous("/config/").send();
    assert_eq!(reply.status, 503, "{reply:?}");
    assert!(reply.text().contains("has been let into a cluster"), "{reply:?}");
    machines.list(&[0, 1]);
    machines.wait_for_members([0, 1]);
}

#[test]
fn one_that_is_no_longer_listed_is_a_member_no_more() {
    let machines = Machines::cluster(4);
    machines.list(&[0, 1, 2]);
    machines.wait_for_members([0, 1, 2]);
    machines.list(&[0, 1, 2, 3]);
    machines.wait_for_members([0, 1, 2, 3]);
}

#[test]
fn a_member_that_has_lost_its_disk_gets_everything_again() {
    let mut machines = Machines::cluster(3);
    succeeds(machines.push(0, "default", "some.conf", "x\n"));
    machines.kill(2);
    let state = machines.all[2].root().join("var/ecconfigd");
    fs::remove_dir_all(state.join("repo")).unwrap();
    fs::remove_file(state.join("cluster/log")).unwrap();
    succeeds(machines.push(0, "default", "some.conf", "y\n"));
    machines.start(2);
    machines.wait_for_members([0, 1, 2]);
    eventually("it has everything", || {
        let reply = machines.curl(2, "/config/default/boot/some.conf?consistent").send();
        reply.status == 200 && reply.text() == "y\n"
    });
    machines.assert_same("default");
}

#[test]
fn a_member_that_has_lost_its_disk_and_is_started_twice_while_nobody_can_fill_it_is_filled_later() {
    let mut machines = Machines::cluster(3);
    succeeds(machines.push(0, "default", "some.conf", "x\n"));
    (0..3).for_each(|number| machines.kill(number));
    let state = machines.all[2].root().join("var/ecconfigd");
    fs::remove_dir_all(state.join("repo")).unwrap();
    for name in ["log", "journal-1", "journal-2"] {
        fs::remove_file(state.join("cluster").join(name)).unwrap();
    }
    machines.start(2);
    machines.stop(2);
    machines.start(2);
    machines.start(0);
    machines.start(1);
    eventually("it has everything", || {
        let reply = machines.curl(2, "/config/default/boot/some.conf").send();
        reply.status == 200 && reply.text() == "x\n"
    });
}

/// Whoever leads fills a member that has lost its disk, though it was let in when there was another
/// leader and fewer members.
#[test]
fn a_member_that_has_lost_its_disk_is_filled_by_one_that_it_never_heard_of() {
    let mut machines = Machines::cluster(3);
    let body = r#"{"node":"m2"}"#;
    for method in ["PUT", "DELETE"] {
        let reply = machines.curl(0, "/subclusters/default/override").json(method, body);
        assert_eq!(reply.status, 200, "{method}");
    }
    eventually("the member leads that came last", || machines.leader() == 2);
    machines.kill(1);
    let state = machines.all[1].root().join("var/ecconfigd");
    fs::remove_dir_all(state.join("repo")).unwrap();
    fs::remove_file(state.join("cluster/log")).unwrap();
    machines.start(1);
    machines.wait_for_members([0, 1, 2]);
    eventually("it has everything", || {
        machines.curl(1, "/config/default/boot/?consistent").send().status == 200
    });
    assert_eq!(machines.leader(), 2);
    machines.assert_same("default");
}

#[test]
fn one_that_is_a_member_and_well_does_not_join_again() {
    let machines = Machines::cluster(2);
    let said = fails(machines.ask_to_join(1));
    assert!(said.contains("m1 is a member of that cluster and answers"), "{said}");
}

#[test]
fn the_first_member_gets_everything_again_too_when_it_has_lost_its_disk() {
    let mut machines = Machines::cluster(3);
    succeeds(machines.push(0, "default", "some.conf", "x\n"));
    let state = machines.all[0].root().join("var/ecconfigd");
    eventually("it knows the others", || {
        let known = fs::read_to_string(state.join("cluster/introduction")).unwrap_or_default();
        ["m0", "m1", "m2"].iter().all(|name| known.contains(name))
    });
    machines.kill(0);
    fs::remove_dir_all(state.join("repo")).unwrap();
    fs::remove_file(state.join("cluster/log")).unwrap();
    machines.start(0);
    eventually("it has everything", || {
        let reply = machines.curl(0, "/config/default/boot/some.conf?consistent").send();
        reply.status == 200 && reply.text() == "x\n"
    });
    machines.assert_same("default");
}

use crate::fixture::{eventually, fails, succeeds};
use crate::machines::Machines;

#[test]
fn a_conflict_holds_at_every_member_and_for_one_subcluster_alone() {
    let machines = Machines::cluster(3);
    assert_eq!(machines.curl(1, "/subclusters/default/conflict").method("PUT").status, 200);
    machines.curl(2, "/subclusters?consistent").send();
    assert!(
        fails(machines.git(2).run(&["ls-remote", &machines.git(2).url("default")]))
            .contains("CONFLICT")
    );
    succeeds(machines.push(2, "global", "some.conf", "x\n"));
    assert_eq!(machines.curl(2, "/subclusters/default/conflict").method("DELETE").status, 200);
    succeeds(machines.push(0, "default", "some.conf", "x\n"));
}

#[test]
fn with_an_override_commits_go_through_that_member_or_not_at_all() {
    let mut machines = Machines::cluster(3);
    let pinned = machines.follower();
    let name = machines.all[pinned].name.clone();
    let body = format!(r#"{{"node":"{name}"}}"#);
    let other = (pinned + 1) % 3;
    assert_eq!(
        machines.curl(other, "/subclusters/default/override").json("PUT", &body).status,
        200
    );
    succeeds(machines.push(other, "default", "some.conf", "through it\n"));

    machines.kill(pinned);
    let said = fails(machines.push(other, "default", "some.conf", "not through it\n"));
    assert!(said.contains(&format!("accepted through {name} only")), "{said}");
    succeeds(machines.push(other, "global", "some.conf", "another subcluster\n"));

    machines.start(pinned);
    eventually("it is back", || {
        machines.push(other, "default", "some.conf", "it is back\n").status.success()
    });
    let reply = machines.curl(other, "/subclusters/default/override").json("DELETE", &body);
    assert_eq!(reply.status, 200);
    eventually("it leads for the moment", || machines.leader() == pinned);
}

#[test]
fn a_conflict_ends_when_every_member_has_what_the_log_says() {
    let mut machines = Machines::cluster(3);
    succeeds(machines.push(0, "default", "some.conf", "x\n"));
    machines.read(2, "default/boot/some.conf");
    assert_eq!(machines.curl(0, "/subclusters/default/conflict").method("PUT").status, 200);
    machines.all[2].running().bare("default", &["update-ref", "refs/heads/boot", "boot~1"]);
    machines.kill(1);
    let reply = machines.curl(0, "/subclusters/default/conflict").method("DELETE");
    assert_eq!(reply.status, 409, "{reply:?}");
    assert!(reply.text().contains("stays in CONFLICT") && reply.text().contains("m1"), "{reply:?}");
    machines.start(1);
    eventually("all of them agree", || {
        machines.curl(0, "/subclusters/default/conflict").method("DELETE").status == 200
    });
    machines.assert_same("default");
}

#[test]
fn the_slaves_are_those_that_answer_and_not_the_master() {
    let mut machines = Machines::cluster(3);
    let slaves = |machines: &Machines, asked: usize| {
        let reply = machines.curl(asked, "/subclusters/default/slaves").send().json();
        let names = reply["slaves"].as_array().unwrap().iter();
        let names: Vec<String> = names.map(|name| name.as_str().unwrap().to_owned()).collect();
        assert_eq!(reply["behind"].as_object().unwrap().len(), names.len());
        names
    };
    let master = machines.leader();
    let others: Vec<usize> = (0..3).filter(|number| *number != master).collect();
    let names: Vec<String> = others.iter().map(|n| machines.all[*n].name.clone()).collect();
    assert_eq!(slaves(&machines, master), names);
    machines.kill(others[0]);
    assert_eq!(slaves(&machines, others[1]), names[1..]);
}

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

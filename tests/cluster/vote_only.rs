use crate::fixture::{eventually, fails, succeeds};
use crate::machines::Machines;

/// Two that serve and a third that votes only.
fn two_and_a_vote() -> Machines {
    let mut machines = Machines::cluster(3);
    machines.stop(2);
    machines.start_with(2, &["--vote-only"]);
    machines
}

#[test]
fn one_of_two_servers_and_a_vote_may_fail() {
    let mut machines = two_and_a_vote();
    succeeds(machines.push(1, "default", "some.conf", "before\n"));
    machines.kill(0);
    eventually("commits are taken again", || {
        machines.push(1, "default", "other.conf", "after\n").status.success()
    });
    assert_eq!(machines.read(1, "default/boot/some.conf"), "before\n");
}

#[test]
fn what_one_server_and_a_vote_have_acknowledged_outlives_that_server() {
    let mut machines = two_and_a_vote();
    machines.kill(0);
    eventually("commits are taken", || {
        machines.push(1, "default", "some.conf", "acknowledged\n").status.success()
    });
    machines.kill(1);
    machines.start(0);
    eventually("the other one has it", || {
        let reply = machines.curl(0, "/config/default/boot/some.conf?consistent").send();
        reply.status == 200 && reply.text() == "acknowledged\n"
    });
    eventually("who serves leads", || {
        machines.members().iter().any(|m| m["name"] == "m0" && m["role"] == "leader")
    });
}

#[test]
fn a_server_that_votes_only_serves_nobody_and_says_so() {
    let machines = two_and_a_vote();
    for path in ["/config/default/boot/cluster.conf", "/config/", "/subclusters"] {
        let reply = machines.curl(2, path).send();
        assert_eq!(reply.status, 503, "{path}");
        assert!(reply.text().contains("serves nobody"), "{reply:?}");
    }
    let git = machines.git(2);
    fails(git.run(&["ls-remote", &git.url("default")]));
    assert_eq!(machines.curl(2, "/readyz").send().status, 503);
    assert_eq!(machines.curl(2, "/livez").send().status, 200);
    let listed = machines.ecconfigd(0, &["members"]);
    let listed = String::from_utf8(listed.stdout).unwrap();
    let line = listed.lines().find(|line| line.starts_with("m2 ")).unwrap();
    assert!(line.ends_with("serves nobody"), "{listed}");
    assert!(machines.all[2].log().contains("serves nobody"));
}

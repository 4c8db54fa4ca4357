use std::path::PathBuf;

use crate::as_member::AsMember;
use crate::fixture::{eventually, fails, succeeds, text};
use crate::machines::Machines;

/// What members ask each other, with something that each would take.
const ASKED: [(&str, &str); 12] = [
    ("/standing", "null"),
    ("/members", "null"),
    ("/admitted", "null"),
    ("/promise", "null"),
    ("/read", "null"),
    ("/propose", INTRUDER),
    ("/vote/0", "null"),
    ("/append/0", "null"),
    ("/snapshot/0", "null"),
    ("/hand-over", "\"m2\""),
    ("/objects", r#"{"subcluster":"default","wants":[],"haves":[]}"#),
    ("/put-out", "\"m0\""),
];

const INTRUDER: &str = r#"{"proposal":{"V1":{"Account":{"name":"intruder","from":null,"account":{"role":"administrator","hash":"$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"}}}}}"#;

fn root(machines: &Machines, number: usize) -> PathBuf {
    machines.all[number].root().to_owned()
}

/// A connection to `to` with the key of `number`.
fn connect(machines: &Machines, number: usize, to: usize) -> Result<AsMember, String> {
    connect_with(&root(machines, number), machines, to)
}

fn connect_with(key: &std::path::Path, machines: &Machines, to: usize) -> Result<AsMember, String> {
    AsMember::connect(key, machines.all[to].running().address, &root(machines, to))
}

/// The server `to` answers nothing to the key of `number`, and does nothing for it.
#[track_caller]
fn assert_is_out(machines: &Machines, number: usize, to: usize) {
    assert_opens_nothing(&root(machines, number), machines, to);
}

#[track_caller]
fn assert_opens_nothing(key: &std::path::Path, machines: &Machines, to: usize) {
    for (path, question) in ASKED {
        let answer = connect_with(key, machines, to).and_then(|mut it| it.ask(path, question));
        assert!(
            !matches!(&answer, Ok((status, _)) if *status != 403),
            "{path} at {to}: {answer:?}"
        );
    }
    let accounts = std::fs::read_to_string(root(machines, to).join("var/ecconfigd/accounts"));
    assert!(!accounts.unwrap().contains("intruder"), "{to}");
}

#[test]
fn a_member_taken_out_of_the_list_is_nobody_at_once_and_after_restarts() {
    let mut machines = Machines::cluster(3);
    let mut open: Vec<AsMember> = (0..2).map(|to| connect(&machines, 2, to).unwrap()).collect();
    for connection in &mut open {
        assert_eq!(connection.ask("/standing", "null").unwrap().0, 200);
    }
    machines.list(&[0, 1]);
    machines.wait_for_members([0, 1]);
    eventually("open connections are closed", || open.iter().all(AsMember::is_closed));
    (0..2).for_each(|to| assert_is_out(&machines, 2, to));

    // Somebody let it in, so it may tell that it is there.
    let (status, members) = connect(&machines, 2, 0).unwrap().ask("/came", "7").unwrap();
    assert_eq!(status, 200, "{members}");
    let said = text(&machines.ecconfigd(0, &["members"]));
    assert!(said.contains("m2 ") && said.contains("LET IN, NO MEMBER"), "{said}");

    for number in [0, 1] {
        machines.stop(number);
        machines.start(number);
        assert_is_out(&machines, 2, number);
    }
    machines.leader();
    (0..2).for_each(|to| assert_is_out(&machines, 2, to));
    let server = machines.all[2].running();
    server.wait_for_log("this server is no member of the cluster any more");
}

/// Who comes now has nothing but a snapshot of how it came that they are no members.
#[test]
fn a_member_that_comes_later_does_not_know_those_that_have_left_before() {
    let mut machines = Machines::alone(4);
    machines.list(&[0, 1, 2]);
    (1..3).for_each(|number| machines.join(number));
    machines.wait_for_members(0..3);
    machines.list(&[0, 1]);
    machines.wait_for_members([0, 1]);
    machines.list(&[0, 1, 3]);
    machines.join(3);
    machines.wait_for_members([0, 1, 3]);
    eventually("it has the membership", || {
        machines.curl(3, "/members?consistent").send().status == 200
    });
    assert_is_out(&machines, 2, 3);
    succeeds(machines.push(3, "default", "some.conf", "x\n"));
}

/// The others were introduced to it when they joined.
#[test]
fn the_member_that_led_and_let_the_others_in_is_nobody_when_it_is_taken_out() {
    let mut machines = Machines::cluster(3);
    machines.list(&[1, 2]);
    eventually("it is no member", || {
        let reply = machines.curl(1, "/members").send();
        let members = reply.json()["members"].as_array().cloned().unwrap_or_default();
        members.len() == 2 && members.iter().any(|member| member["role"] == "leader")
    });
    (1..3).for_each(|to| assert_is_out(&machines, 0, to));
    for number in [1, 2] {
        machines.stop(number);
        machines.start(number);
        assert_is_out(&machines, 0, number);
    }
    eventually("commits are taken", || {
        machines.push(1, "default", "some.conf", "x\n").status.success()
    });
}

#[test]
fn one_that_was_let_in_and_is_not_listed_may_only_announce_itself() {
    let mut machines = Machines::alone(2);
    machines.list(&[0]);
    machines.join(1);
    machines.all[1].running().wait_for_log("this server waits to become a member of the cluster");
    assert_is_out(&machines, 1, 0);
    let reply = machines.curl(0, "/members").send().json();
    assert_eq!(reply["admitted"][0]["name"], "m1", "{reply}");
    assert_eq!(reply["admitted"][0]["came"], true, "{reply}");
    assert_eq!(machines.ecconfigd(0, &["members"]).status.code(), Some(0));
}

#[test]
fn an_administrator_ends_an_admission() {
    let mut machines = Machines::alone(2);
    machines.list(&[0]);
    machines.join(1);
    let server = machines.all[0].running();
    assert_eq!(server.curl_as("ecuser", "/members/m1").method("DELETE").status, 403);
    assert_eq!(machines.curl(0, "/members/m7").method("DELETE").status, 404);
    assert_eq!(machines.curl(0, "/members/m0").method("DELETE").status, 409);
    assert_eq!(machines.curl(0, "/members/m1").method("DELETE").status, 200);
    let refused = connect(&machines, 1, 0).and_then(|mut it| it.ask("/came", "7"));
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(machines.curl(0, "/members").send().json()["admitted"].as_array().unwrap().len(), 0);
    machines.list(&[0, 1]);
    machines.join(1);
    machines.wait_for_members([0, 1]);
}

#[test]
fn a_member_is_put_out_by_a_command_though_it_is_listed() {
    let mut machines = Machines::cluster(3);
    let said = fails(machines.ecconfigd(0, &["members", "--put-out", "m7"]));
    assert!(said.contains("no server m7 has been let into this cluster"), "{said}");
    let said = succeeds(machines.ecconfigd(1, &["members", "--put-out", "m2"]));
    assert!(said.contains("m2 is put out of the cluster"), "{said}");
    machines.wait_for_members([0, 1]);
    (0..2).for_each(|to| assert_is_out(&machines, 2, to));
    let refused = connect(&machines, 2, 1).and_then(|mut it| it.ask("/came", "7"));
    assert!(refused.is_err(), "{refused:?}");
    machines.join(2);
    machines.wait_for_members(0..3);
}

#[test]
fn a_member_that_joins_with_a_new_key_has_the_old_one_no_more() {
    let mut machines = Machines::cluster(3);
    machines.stop(2);
    let certificates = root(&machines, 2).join("var/ecconfigd/apache");
    let stolen = tempfile::tempdir().unwrap();
    let theirs = stolen.path().join("var/ecconfigd/apache");
    std::fs::create_dir_all(&theirs).unwrap();
    for file in ["server.key", "server.crt"] {
        std::fs::rename(certificates.join(file), theirs.join(file)).unwrap();
    }
    machines.start(2);
    machines.join(2);
    (0..2).for_each(|to| assert_opens_nothing(stolen.path(), &machines, to));
    machines.wait_for_members(0..3);
    eventually("it has everything", || {
        machines.curl(2, "/config/default/boot/?consistent").send().status == 200
    });
    assert_opens_nothing(stolen.path(), &machines, 2);
}

/// It was away while the members changed so far that it has never heard of the one that leads now.
#[test]
fn a_member_that_comes_back_hears_a_leader_that_it_did_not_know() {
    let mut machines = Machines::alone(4);
    machines.list(&[0, 1, 2]);
    (1..3).for_each(|number| machines.join(number));
    machines.wait_for_members(0..3);
    machines.kill(2);
    machines.list(&[0, 1, 2, 3]);
    machines.join(3);
    machines.wait_for_members(0..4);
    machines.list(&[1, 2, 3]);
    eventually("the first one is no member", || {
        let reply = machines.curl(1, "/members").send();
        reply.json()["members"].as_array().is_some_and(|members| members.len() == 3)
    });
    machines.kill(0);
    let body = r#"{"node":"m3"}"#;
    for method in ["PUT", "DELETE"] {
        let reply = machines.curl(1, "/subclusters/default/override").json(method, body);
        assert_eq!(reply.status, 200, "{method}");
    }
    eventually("the newcomer leads", || machines.leader() == 3);
    succeeds(machines.push(3, "default", "some.conf", "while it was away\n"));
    machines.start(2);
    eventually("it has caught up", || {
        let reply = machines.curl(2, "/config/default/boot/some.conf?consistent").send();
        reply.status == 200 && reply.text() == "while it was away\n"
    });
    machines.kill(1);
    eventually("it votes", || {
        machines.push(3, "default", "some.conf", "with it\n").status.success()
    });
    assert_is_out(&machines, 0, 2);
}

#[test]
fn a_second_machine_with_the_name_of_a_member_that_is_well_is_not_let_in() {
    let mut machines = Machines::cluster(3);
    machines.add("m1");
    let said = fails(machines.ask_to_join(3));
    assert!(said.contains("m1 is a member of this cluster and answers"), "{said}");
    succeeds(machines.push(1, "default", "some.conf", "the first one\n"));
    machines.kill(2);
    eventually("one may be away", || {
        machines.push(1, "default", "some.conf", "goes on\n").status.success()
    });
    machines.start(2);
    eventually("it is back", || {
        let members = machines.members();
        members.len() == 3 && members.iter().all(|member| !member["standing"].is_null())
    });
    machines.kill(1);
    let said = succeeds(machines.ask_to_join(3));
    assert!(said.contains("is let into the cluster"), "{said}");
}

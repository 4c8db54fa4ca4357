use serde_json::Value;

use crate::fixture::{eventually, fails, succeeds, text};
use crate::machines::Machines;

/// Waits until the cluster takes a commit through this member.
#[track_caller]
fn assert_takes_commits(machines: &Machines, number: usize) {
    eventually("a commit is taken", || {
        machines.push(number, "default", "some.conf", "x\n").status.success()
    });
}

/// Where each member is reached, as one of them says.
fn ports(machines: &Machines, number: usize) -> Vec<u16> {
    let reply = machines.curl(number, "/members").send().json();
    let port = |member: &Value| {
        let (_, port) = member["address"].as_str().unwrap().rsplit_once(':').unwrap();
        port.parse().unwrap()
    };
    reply["members"].as_array().unwrap().iter().map(port).collect()
}

/// The ports of the list, in the order of the machines.
fn listed(places: &[(String, u16)]) -> Vec<u16> {
    places.iter().map(|(_, port)| *port).collect()
}

#[test]
fn a_list_with_two_wrong_addresses_costs_nothing_and_is_mended_by_another_commit() {
    let mut machines = Machines::cluster(3);
    let leader = machines.leader();
    let good = machines.places(&[0, 1, 2]);
    let mut bad = good.clone();
    for number in (0..3).filter(|number| *number != leader) {
        bad[number].1 = machines.new_port();
    }
    succeeds(machines.ask_to_list(leader, &bad));
    let server = machines.all[leader].running();
    for (name, port) in bad.iter().filter(|place| !good.contains(place)) {
        server.wait_for_log(&format!("{name} does not answer at 127.0.0.1:{port}"));
    }
    assert_eq!(ports(&machines, leader), listed(&good));
    let said = text(&machines.ecconfigd(leader, &["members"]));
    assert_eq!(said.matches("LISTED AT").count(), 2, "{said}");
    assert_takes_commits(&machines, leader);

    (0..3).for_each(|number| machines.kill(number));
    (0..3).for_each(|number| machines.start(number));
    assert_takes_commits(&machines, (leader + 1) % 3);
    succeeds(machines.ask_to_list((leader + 1) % 3, &good));
    eventually("nothing is said of addresses any more", || {
        !text(&machines.ecconfigd(0, &["members"])).contains("LISTED AT")
    });
    assert_eq!(ports(&machines, 0), listed(&good));
}

#[test]
fn members_that_all_move_to_where_they_are_listed_find_each_other() {
    let mut machines = Machines::cluster(3);
    let mut places = machines.places(&[0, 1, 2]);
    for place in &mut places {
        place.1 = machines.new_port();
    }
    succeeds(machines.ask_to_list(0, &places));
    for number in 0..3 {
        let path = "/config/global/boot/msgc_server.conf?consistent";
        assert!(machines.curl(number, path).send().text().contains(&places[2].1.to_string()));
    }
    (0..3).for_each(|number| machines.kill(number));
    for (number, place) in places.iter().enumerate() {
        machines.move_to(number, place.1);
        machines.start(number);
    }
    assert_takes_commits(&machines, 1);
    eventually("the new addresses are the members'", || ports(&machines, 1) == listed(&places));
}

#[test]
fn a_member_that_moves_back_to_where_it_was_is_found_while_the_list_has_it_elsewhere() {
    let mut machines = Machines::cluster(3);
    let old = machines.places(&[0, 1, 2]);
    let mut places = old.clone();
    let moves = machines.follower();
    places[moves].1 = machines.new_port();
    let through = (moves + 1) % 3;
    succeeds(machines.ask_to_list(through, &places));
    machines.kill(moves);
    machines.move_to(moves, places[moves].1);
    machines.start(moves);
    eventually("it is reached there", || ports(&machines, through) == listed(&places));

    machines.kill(moves);
    machines.move_to(moves, old[moves].1);
    machines.start(moves);
    eventually("it answers", || {
        machines.curl(through, "/members").send().json()["members"]
            .as_array()
            .unwrap()
            .iter()
            .all(|member| !member["standing"].is_null())
    });
}

/// It reaches the others, who do not know yet where it is, and may lead them.
#[test]
fn a_member_that_moves_before_it_is_listed_there_is_found_where_it_has_come_from() {
    let mut machines = Machines::cluster(3);
    let moves = machines.leader();
    machines.kill(moves);
    let port = machines.new_port();
    machines.move_to(moves, port);
    machines.start(moves);
    let (one, other) = ((moves + 1) % 3, (moves + 2) % 3);
    let body = format!(r#"{{"node":"{}"}}"#, machines.all[moves].name);
    eventually("it leads", || {
        machines.curl(one, "/subclusters/default/override").json("PUT", &body);
        machines.leader() == moves
    });
    machines.kill(other);
    assert_takes_commits(&machines, one);
    let places = machines.places(&[0, 1, 2]);
    eventually("it is listed", || machines.ask_to_list(one, &places).status.success());
    eventually("it is reached there", || ports(&machines, one) == listed(&places));
}

#[test]
fn members_that_have_moved_elsewhere_than_listed_are_found_where_an_administrator_says() {
    let mut machines = Machines::cluster(3);
    (0..3).for_each(|number| machines.kill(number));
    for number in 0..3 {
        let port = machines.new_port();
        machines.move_to(number, port);
        machines.start(number);
    }
    let places = machines.places(&[0, 1, 2]);
    let said = fails(machines.push(0, "default", "some.conf", "too early\n"));
    assert!(said.contains("fewer than half"), "{said}");
    let wrong = format!("m1=127.0.0.1:{}", places[2].1);
    let said = fails(machines.ecconfigd(0, &["members", "--at", &wrong]));
    assert!(said.contains("m1 does not answer at"), "{said}");
    let at = format!("m1=127.0.0.1:{}", places[1].1);
    let said = succeeds(machines.ecconfigd(0, &["members", "--at", &at]));
    assert!(said.contains("m1 answers at"), "{said}");
    eventually("the right list is taken", || machines.ask_to_list(0, &places).status.success());
    eventually("the new addresses are the members'", || ports(&machines, 0) == listed(&places));
    (0..3).for_each(|number| assert_takes_commits(&machines, number));
}

#[test]
fn a_list_of_one_that_is_away_takes_nobody_his_vote() {
    let mut machines = Machines::cluster(3);
    let leader = machines.leader();
    let away = (leader + 1) % 3;
    machines.kill(away);
    let good = machines.places(&[0, 1, 2]);
    succeeds(machines.ask_to_list(leader, &machines.places(&[away])));
    machines.all[leader].running().wait_for_log("of the 1 that would vote");
    assert_takes_commits(&machines, leader);
    succeeds(machines.ask_to_list(leader, &good));
    machines.start(away);
    machines.wait_for_members(0..3);
}

#[test]
fn a_list_with_two_mistyped_names_is_mended_by_another_commit() {
    let machines = Machines::cluster(3);
    let good = machines.places(&[0, 1, 2]);
    let mut bad = good.clone();
    bad[1].0 = "n1".into();
    bad[2].0 = "n2".into();
    succeeds(machines.ask_to_list(0, &bad));
    machines.wait_for_members([0]);
    eventually("the right list is taken", || machines.ask_to_list(0, &good).status.success());
    machines.wait_for_members(0..3);
    assert_takes_commits(&machines, 2);
}

#[test]
fn a_server_that_joins_where_it_is_not_listed_waits_for_the_right_address() {
    let mut machines = Machines::alone(2);
    let good = machines.places(&[0, 1]);
    let mut bad = good.clone();
    bad[1].1 = machines.new_port();
    succeeds(machines.ask_to_list(0, &bad));
    machines.join(1);
    machines.all[0]
        .running()
        .wait_for_log(&format!("m1 does not answer at 127.0.0.1:{}", bad[1].1));
    let said = text(&machines.ecconfigd(0, &["members"]));
    assert!(said.contains("has not answered at"), "{said}");
    assert_takes_commits(&machines, 0);
    succeeds(machines.ask_to_list(0, &good));
    machines.wait_for_members([0, 1]);
}

use std::fmt::Write;
use std::time::{Duration, Instant};

use crate::fixture::{eventually, run_with_input, succeeds};
use crate::load::Load;
use crate::machines::Machines;

const REVISIONS: usize = 10_000;
/// Files among which the changes are spread.
const FILES: usize = 100;
const SUBCLUSTERS: [&str; 3] = ["default", "north", "south"];
/// Acknowledged before it joins and when it has become a member.
const COMMITS: usize = 20;
/// Ten times as long as a change of leaders may take, and there is none.
const FAR_TOO_LONG: Duration = Duration::from_secs(30);

#[test]
fn a_member_that_comes_late_is_filled_while_clients_commit_and_read() {
    let mut machines = Machines::alone(4);
    make_history(&machines);
    for name in &SUBCLUSTERS[1..] {
        assert_eq!(machines.curl(0, &format!("/subclusters/{name}")).method("PUT").status, 201);
    }
    machines.list(&[0, 1, 2]);
    (1..3).for_each(|number| machines.join(number));
    machines.wait_for_members(0..3);

    let load = Load::through(&machines, &[0, 1, 2], &SUBCLUSTERS);
    load.wait_for_commits(COMMITS);
    machines.list(&[0, 1, 2, 3]);
    let from = Instant::now();
    machines.join(3);
    machines.wait_for_members(0..4);
    eventually("it has everything", || {
        machines.curl(3, "/config/default/boot/?consistent").send().status == 200
    });
    let to = Instant::now();
    load.wait_for_commits(COMMITS);
    let done = load.end();
    let meanwhile = done.between(from, to);
    let pause = done.longest_pause((from, to), |_| true);
    println!("{done}");
    println!(
        "joined within {:?}, {meanwhile} commits meanwhile, none for {pause:?} at the most",
        to - from
    );
    assert!(meanwhile > 0);
    assert!(pause < FAR_TOO_LONG, "{pause:?}");
    done.assert_nothing_lost(&machines);
    let reply = machines.curl(3, "/config/default/boot/").send();
    let revision: usize = reply.header("x-config-revision").unwrap().parse().unwrap();
    assert!(revision > REVISIONS, "{revision}");
}

/// Many revisions of `default`, pushed at once.
fn make_history(machines: &Machines) {
    let clone = machines.git(0).clone_of("default");
    let mut stream = String::new();
    for number in 0..REVISIONS {
        let from = if number == 0 { "from refs/heads/boot^0\n" } else { "" };
        let (when, file) = (1_700_000_000 + number, number % FILES);
        let content = format!("# {number}\n");
        write!(
            stream,
            "commit refs/heads/boot\ncommitter Jane <jane@example.com> {when} +0000\ndata 0\n{from}\
             M 644 inline default/{file}.conf\ndata {}\n{content}\n",
            content.len(),
        )
        .unwrap();
    }
    let mut import = clone.git.command(&clone.path);
    succeeds(run_with_input(import.args(["fast-import", "--quiet"]), &stream));
    succeeds(clone.git(&["push", "--quiet"]));
}

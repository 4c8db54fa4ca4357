use std::time::{Duration, Instant};

use crate::fixture::eventually;
use crate::load::{Done, Load};
use crate::machines::Machines;

const SUBCLUSTERS: [&str; 4] = ["default", "north", "south", "west"];
/// Acknowledged before the first restart, between two, and after the last one.
const COMMITS_BETWEEN: usize = 40;
/// Ten times what a change of leaders may take.
const FAR_TOO_LONG: Duration = Duration::from_secs(30);

#[test]
fn all_of_three_members_are_restarted_in_turn_while_clients_commit_and_read() {
    restart_all_of(3);
}

#[test]
fn all_of_five_members_are_restarted_in_turn_while_clients_commit_and_read() {
    restart_all_of(5);
}

fn restart_all_of(count: usize) {
    let mut machines = Machines::cluster(count);
    for name in &SUBCLUSTERS[1..] {
        assert_eq!(machines.curl(0, &format!("/subclusters/{name}")).method("PUT").status, 201);
    }
    let mut left: Vec<usize> = (0..count).collect();
    let load = Load::through(&machines, &left, &SUBCLUSTERS);
    let mut restarts = Vec::new();
    while !left.is_empty() {
        load.wait_for_commits(COMMITS_BETWEEN);
        let leader = machines.leader();
        let next = left.iter().position(|number| *number == leader).unwrap_or_default();
        restarts.push(Restart::of(&mut machines, &load, left.remove(next), leader));
    }
    load.wait_for_commits(COMMITS_BETWEEN);
    let done = load.end();
    println!("{done}");
    for restart in &restarts {
        restart.tell(&done);
    }
    done.assert_nothing_lost(&machines);
}

/// A member that has been stopped and started.
struct Restart {
    number: usize,
    led: bool,
    from: Instant,
    stopped: Instant,
    to: Instant,
}

impl Restart {
    /// Each leader hands over, and nobody else leads when another member is restarted.
    #[track_caller]
    fn of(machines: &mut Machines, load: &Load, number: usize, leader: usize) -> Self {
        let from = Instant::now();
        let stopped = load.without(number, || {
            machines.stop(number);
            let stopped = Instant::now();
            machines.start(number);
            stopped
        });
        let other = (number + 1) % machines.all.len();
        eventually("all members answer", || {
            machines.ecconfigd(other, &["members"]).status.success()
        });
        let to = Instant::now();
        let led = number == leader;
        let leads = match led {
            true => told_to_lead(&machines.all[number].log()),
            false => machines.all[leader].name.clone(),
        };
        assert_eq!(machines.all[machines.leader()].name, leads);
        Self { number, led, from, stopped, to }
    }

    #[track_caller]
    fn tell(&self, done: &Done) {
        let Self { number, led, from, stopped, to } = *self;
        let pause = done.longest_pause((from, to), |through| through != number);
        println!(
            "member {number}, which {}: stopped within {:?}, back after {:?}, {} commits meanwhile, \
             none for {pause:?} at the most through the others",
            if led { "led" } else { "did not lead" },
            stopped - from,
            to - from,
            done.between(from, to),
        );
        assert!(pause < FAR_TOO_LONG, "{pause:?}");
    }
}

/// To whom a leader has handed over.
#[track_caller]
fn told_to_lead(log: &str) -> String {
    let told = log.lines().rev().find_map(|line| line.strip_suffix(" leads the cluster now"));
    told.expect(log).rsplit(' ').next().unwrap().to_owned()
}

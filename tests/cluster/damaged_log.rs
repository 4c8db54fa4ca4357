//! A member whose log is damaged while it is down neither loses what was acknowledged nor stays away.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use crate::fixture::{eventually, fails, succeeds};
use crate::machines::Machines;

const PAGE: usize = 4096;

fn file(machines: &Machines, number: usize, name: &str) -> PathBuf {
    machines.all[number].root().join("var/ecconfigd/cluster").join(name)
}

/// Changes what is in a file, in its place.
fn change(path: &Path, change: impl Fn(&mut Vec<u8>)) {
    let mut content = fs::read(path).unwrap();
    change(&mut content);
    fs::write(path, content).unwrap();
}

fn zero_the_first_page(log: &Path) {
    change(log, |content| content[..PAGE].fill(0));
}

#[track_caller]
fn all_have(machines: &Machines, content: &str) {
    for number in 0..machines.all.len() {
        eventually("all have what was acknowledged", || {
            let path = "/config/default/boot/some.conf?consistent";
            let reply = machines.curl(number, path).send();
            reply.status == 200 && reply.text() == content
        });
    }
    machines.assert_same("default");
}

#[test]
fn a_bit_of_what_a_follower_wrote_last_loses_nothing() {
    let mut machines = Machines::cluster(3);
    let leader = machines.leader();
    let (other, third) = ((leader + 1) % 3, (leader + 2) % 3);
    succeeds(machines.push(leader, "default", "some.conf", "before\n"));
    machines.kill(third);
    let log = file(&machines, other, "log");
    let before = fs::read(&log).unwrap();
    succeeds(machines.push(leader, "default", "some.conf", "acknowledged\n"));
    let commit = machines.all[leader].running().bare("default", &["rev-parse", "boot"]);
    machines.kill(other);
    machines.kill(leader);
    change(&log, |content| {
        let entry = find(content, &before, commit.trim().as_bytes());
        content[entry] ^= 1;
    });
    machines.start(other);
    machines.all[other].running().wait_for_log("have been made again");
    machines.start(third);
    succeeds(machines.push(other, "default", "other.conf", "after\n"));
    machines.start(leader);
    all_have(&machines, "acknowledged\n");
}

/// Where something stands that was not there before.
fn find(content: &[u8], before: &[u8], wanted: &[u8]) -> usize {
    let mut found = content.windows(wanted.len()).enumerate().filter(|(_, text)| *text == wanted);
    found.find(|(at, text)| before.get(*at..*at + text.len()) != Some(*text)).unwrap().0
}

#[test]
fn a_member_whose_log_is_damaged_is_filled_by_the_others_and_goes_on_as_the_same() {
    let mut machines = Machines::cluster(3);
    succeeds(machines.push(0, "default", "some.conf", "acknowledged\n"));
    let damages: [&dyn Fn(&Path); 4] = [
        &zero_the_first_page,
        &|log| fs::write(log, "").unwrap(),
        &|log| fs::remove_file(log).unwrap(),
        &|log| change(log, |content| content.truncate(content.len() / 2)),
    ];
    let member = machines.follower();
    for (number, damage) in damages.into_iter().enumerate() {
        machines.kill(member);
        damage(&file(&machines, member, "log"));
        machines.start(member);
        eventually("it has been filled", || {
            machines.all[member].log().matches("this server votes").count() == number + 1
        });
        machines.wait_for_members(0..3);
        succeeds(machines.push(member, "default", "other.conf", &format!("{number}\n")));
    }
    all_have(&machines, "acknowledged\n");
}

#[test]
fn a_member_that_has_lost_all_of_its_log_comes_as_another_one() {
    let mut machines = Machines::cluster(3);
    succeeds(machines.push(0, "default", "some.conf", "acknowledged\n"));
    let member = machines.follower();
    machines.kill(member);
    ["log", "journal-1", "journal-2"]
        .iter()
        .for_each(|name| zero_the_first_page(&file(&machines, member, name)));
    ["journal-1", "journal-2"]
        .iter()
        .for_each(|name| change(&file(&machines, member, name), |content| content.fill(7)));
    machines.start(member);
    machines.all[member].running().wait_for_log("is kept in");
    machines.wait_for_members(0..3);
    all_have(&machines, "acknowledged\n");
    succeeds(machines.push(member, "default", "other.conf", "after\n"));
}

#[test]
fn one_of_two_whose_log_is_damaged_is_filled_by_the_other() {
    for leads in [false, true] {
        let mut machines = Machines::cluster(2);
        succeeds(machines.push(0, "default", "some.conf", "acknowledged\n"));
        let member = if leads { machines.leader() } else { machines.follower() };
        machines.kill(member);
        zero_the_first_page(&file(&machines, member, "log"));
        machines.start(member);
        machines.all[member].running().wait_for_log("this server votes");
        all_have(&machines, "acknowledged\n");
    }
}

#[test]
fn a_member_that_has_lost_its_log_elects_nobody_who_has_less() {
    let mut machines = Machines::cluster(3);
    let leader = machines.leader();
    let (other, third) = ((leader + 1) % 3, (leader + 2) % 3);
    machines.kill(third);
    succeeds(machines.push(leader, "default", "some.conf", "acknowledged\n"));
    machines.kill(other);
    machines.kill(leader);
    zero_the_first_page(&file(&machines, other, "log"));
    machines.start(other);
    machines.start(third);
    // Nothing of the cluster is there to be served.
    let said = fails(machines.push(third, "default", "some.conf", "something else\n"));
    assert!(said.contains("fewer than half"), "{said}");
    machines.start(leader);
    all_have(&machines, "acknowledged\n");
}

#[test]
fn a_server_that_alone_has_its_damaged_log_says_what_to_do_and_keeps_it() {
    let mut machines = Machines::alone(2);
    machines.list(&[0, 1]);
    succeeds(machines.push(0, "default", "some.conf", "acknowledged\n"));
    succeeds(machines.ask_to_join(1));
    machines.stop(0);
    let log = file(&machines, 0, "log");
    zero_the_first_page(&log);
    let damaged = fs::read(&log).unwrap();
    let said = fails(machines.ecconfigd(0, &[]));
    assert!(said.contains("no other server is known that has it"), "{said}");
    assert!(said.contains("ecconfigd recover --force-new-cluster"), "{said}");
    assert_eq!(fs::read(&log).unwrap(), damaged);
    let said = succeeds(machines.ecconfigd(0, &["recover", "--force-new-cluster"]));
    assert!(said.contains("the log is damaged"), "{said}");
    machines.start(0);
    assert_eq!(machines.read(0, "default/boot/some.conf"), "acknowledged\n");
    succeeds(machines.push(0, "default", "some.conf", "after\n"));
}

#[test]
fn a_damaged_journal_is_made_anew() {
    let mut machines = Machines::cluster(3);
    let member = machines.follower();
    machines.kill(member);
    let journal = file(&machines, member, "journal-1");
    OpenOptions::new().write(true).open(journal).unwrap().set_len(700).unwrap();
    machines.start(member);
    machines.all[member].running().wait_for_log("it is made anew from the log, which is whole");
    succeeds(machines.push(member, "default", "some.conf", "after\n"));
    all_have(&machines, "after\n");
}

//! One member's file of accounts is damaged: nobody loses his password for that, there or elsewhere.

use std::fs;
use std::path::{Path, PathBuf};

use crate::fixture::{eventually, run_with_input, succeeds};
use crate::machines::Machines;

fn file(machines: &Machines, number: usize) -> PathBuf {
    machines.all[number].root().join("var/ecconfigd/accounts")
}

type Damage = fn(&Path);

/// What may happen to the file.
const DAMAGE: &[(&str, Damage)] = &[
    ("gone", |file| fs::remove_file(file).unwrap()),
    ("empty", |file| fs::write(file, "").unwrap()),
    ("zeroed", |file| fs::write(file, [0; 4096]).unwrap()),
    ("no text", |file| fs::write(file, b"admin:\xff\xfe").unwrap()),
    ("one letter", |file| {
        let text = fs::read_to_string(file).unwrap();
        let end = text.find("\necuser:").unwrap();
        let other = if text[..end].ends_with('A') { "B" } else { "A" };
        fs::write(file, [&text[..end - 1], other, &text[end..]].concat()).unwrap();
    }),
    ("one account", |file| {
        let text = fs::read_to_string(file).unwrap();
        let kept = text.lines().filter(|line| !line.starts_with("admin:"));
        fs::write(file, kept.collect::<Vec<_>>().join("\n")).unwrap();
    }),
];

#[track_caller]
fn assert_all_let_in(machines: &Machines, what: &str) {
    for number in 0..machines.all.len() {
        let reply = machines.curl(number, "/config/").send();
        assert_eq!(reply.status, 200, "{what} at {number}: {reply:?}");
    }
}

#[test]
fn a_file_that_was_damaged_while_its_member_was_down_is_written_again() {
    let mut machines = Machines::cluster(2);
    let good = fs::read(file(&machines, 1)).unwrap();
    for (what, damage) in DAMAGE {
        machines.stop(1);
        damage(&file(&machines, 1));
        machines.start(1);
        assert_all_let_in(&machines, what);
        eventually(what, || fs::read(file(&machines, 1)).is_ok_and(|now| now == good));
    }
    let told = machines.all[1].log();
    assert_eq!(told.matches("with the accounts of the cluster").count(), DAMAGE.len(), "{told}");
    // Had anybody been told of it, these would be others.
    assert_eq!(fs::read(file(&machines, 0)).unwrap(), good);
    assert_all_let_in(&machines, "at the end");
}

#[test]
fn a_file_that_is_damaged_while_its_member_runs_is_written_again_and_nobody_is_turned_away() {
    let machines = Machines::cluster(2);
    let good = fs::read(file(&machines, 1)).unwrap();
    for (what, damage) in DAMAGE {
        damage(&file(&machines, 1));
        assert_all_let_in(&machines, what);
        eventually(what, || fs::read(file(&machines, 1)).is_ok_and(|now| now == good));
        assert_all_let_in(&machines, what);
    }
}

/// Whose password was changed since has the new one.
#[test]
fn an_old_copy_of_the_file_brings_no_old_password_back() {
    let mut machines = Machines::cluster(2);
    let passwd = |machines: &Machines, password: &str| {
        let server = machines.all[0].running();
        succeeds(server.ecconfigd(&["passwd", "jane"], password));
    };
    let lets_in = |machines: &Machines, number: usize, password: &str| {
        let server = machines.all[number].running();
        let user = format!("jane:{password}");
        server.curl_anonymous("/config/").args(["--user", &user]).send().status == 200
    };
    passwd(&machines, "first");
    eventually("it is known", || lets_in(&machines, 1, "first"));
    let old = fs::read(file(&machines, 1)).unwrap();
    passwd(&machines, "second");
    eventually("it is known", || lets_in(&machines, 1, "second"));
    machines.stop(1);
    fs::write(file(&machines, 1), &old).unwrap();
    machines.start(1);
    machines.all[1].running().wait_for_log("an old copy, and has been written again");
    for number in 0..2 {
        assert!(!lets_in(&machines, number, "first") && lets_in(&machines, number, "second"));
    }
}

#[test]
fn no_accounts_are_made_where_there_is_a_log() {
    let mut machines = Machines::cluster(2);
    machines.stop(1);
    for name in ["accounts", "initial-passwords"] {
        fs::remove_file(file(&machines, 1).with_file_name(name)).unwrap();
    }
    machines.start(1);
    assert_all_let_in(&machines, "at once");
    // But when it stood alone.
    assert_eq!(machines.all[1].log().matches("the account admin has been made").count(), 1);
    assert!(!file(&machines, 1).with_file_name("initial-passwords").exists());
}

#[test]
fn a_password_that_is_set_on_a_member_that_is_down_and_damaged_is_refused_with_advice() {
    let mut machines = Machines::cluster(2);
    machines.stop(1);
    fs::write(file(&machines, 1), "").unwrap();
    let mut command = crate::fixture::ecconfigd();
    command.arg("--root").arg(machines.all[1].root()).args(["passwd", "jane"]);
    let refused = run_with_input(&mut command, "secret\n");
    assert_eq!(refused.status.code(), Some(78), "{refused:?}");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("nothing was changed: start ecconfigd"), "{said}");
    machines.start(1);
    assert_all_let_in(&machines, "after it");
}

#[test]
fn of_two_passwords_the_one_stays_that_the_cluster_has_had_first() {
    let mut machines = Machines::cluster(3);
    machines.stop(2);
    let mut command = crate::fixture::ecconfigd();
    command.arg("--root").arg(machines.all[2].root()).args(["passwd", "jane"]);
    succeeds(run_with_input(&mut command, "late\n"));
    succeeds(machines.all[0].running().ecconfigd(&["passwd", "jane"], "first\n"));
    let lets_in = |machines: &Machines, number: usize| {
        let server = machines.all[number].running();
        server.curl_anonymous("/config/").args(["--user", "jane:first"]).send().status == 200
    };
    eventually("it is known", || lets_in(&machines, 1));
    machines.start(2);
    machines.all[2].running().wait_for_log("has been changed on another one too");
    eventually("it is known there", || lets_in(&machines, 2));
    assert!(lets_in(&machines, 0));
}

#[test]
fn a_survivor_that_goes_on_alone_has_the_accounts_of_the_cluster() {
    let mut machines = Machines::cluster(2);
    machines.stop(0);
    machines.stop(1);
    fs::write(file(&machines, 1), "").unwrap();
    succeeds(machines.ecconfigd(1, &["recover", "--force-new-cluster"]));
    machines.start(1);
    assert_eq!(machines.curl(1, "/config/").send().status, 200);
}

/// `MD5(USER:ecconfigd repo:PASSWORD)`, as htdigest(1) writes it.
fn old_line(name: &str, password: &str) -> String {
    use md5::{Digest, Md5};
    let digest = Md5::digest(format!("{name}:ecconfigd repo:{password}"));
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{name}:ecconfigd repo:{digest}\n")
}

fn lets_in(machines: &Machines, number: usize, user: &str) -> bool {
    let server = machines.all[number].running();
    server.curl_anonymous("/config/").args(["--user", user]).send().status == 200
}

#[test]
fn a_password_file_of_the_original_makes_accounts_of_a_cluster_only_if_it_was_there_before() {
    let mut machines = Machines::alone(2);
    let old = |machines: &Machines, number: usize| {
        machines.all[number].root().join("var/ecconfigd/repo/svn-auth.htdigest")
    };
    fs::write(old(&machines, 0), old_line("jane", "old") + &old_line("joe", "old")).unwrap();
    machines.list(&[0, 1]);
    machines.join(1);
    machines.wait_for_members(0..2);
    assert!(lets_in(&machines, 0, "jane:old"), "who was in it may come");
    eventually("and is known to all", || lets_in(&machines, 1, "jane:old"));

    // Who has been deleted does not come back, and nobody comes whom the cluster has never known.
    succeeds(machines.all[1].running().ecconfigd(&["users", "--delete", "jane"], ""));
    eventually("she is gone", || !lets_in(&machines, 0, "jane:old"));
    fs::write(old(&machines, 1), old_line("eve", "new") + &old_line("admin", "new")).unwrap();
    let lines = old_line("eve", "new") + &old_line("jane", "old") + &old_line("joe", "old");
    fs::write(old(&machines, 0), lines).unwrap();
    for number in 0..2 {
        machines.stop(number);
        machines.start(number);
        for user in ["eve:new", "jane:old", "admin:new"] {
            assert!(!lets_in(&machines, number, user), "{user} at {number}");
        }
    }
    assert!(lets_in(&machines, 0, "joe:old"));
    assert_all_let_in(&machines, "at the end");
}

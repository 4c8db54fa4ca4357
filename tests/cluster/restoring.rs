//! Backups of members, put back in both forms.

use std::fs;
use std::path::PathBuf;

use crate::fixture::{eventually, fails, succeeds};
use crate::machines::Machines;

fn state(machines: &Machines, number: usize) -> PathBuf {
    machines.all[number].root().join("var/ecconfigd")
}

fn backup(machines: &Machines, number: usize) -> String {
    let file = machines.all[number].root().join("backup.tar").to_str().unwrap().to_owned();
    succeeds(machines.ecconfigd(number, &["backup", &file]));
    file
}

/// Its disk is lost, and another one mounted.
fn lose(machines: &mut Machines, number: usize) {
    machines.kill(number);
    fs::remove_dir_all(state(machines, number)).unwrap();
}

#[test]
fn a_member_that_lost_its_disk_is_one_again_with_what_the_others_have() {
    let mut machines = Machines::cluster(3);
    succeeds(machines.push(0, "default", "some.conf", "before\n"));
    let lost = machines.follower();
    let other = (lost + 1) % 3;
    machines.read(lost, "default/boot/some.conf");
    let file = backup(&machines, lost);
    succeeds(machines.push(other, "default", "some.conf", "after\n"));
    lose(&mut machines, lost);
    let said = fails(machines.ecconfigd(lost, &["restore", &file]));
    assert!(said.contains("say --member if others of them live"), "{said}");
    let said =
        fails(machines.ecconfigd(lost, &["restore", "--member", "--force-new-cluster", &file]));
    assert!(said.contains("cannot be used with"), "{said}");
    succeeds(machines.ecconfigd(lost, &["restore", "--member", &file]));
    machines.start(lost);
    // The others have put its new number in the place of the old one.
    machines.all[lost].server.as_mut().unwrap().wait_for(" 3 members");
    eventually("it is filled", || {
        let reply = machines.curl(lost, "/config/default/boot/some.conf?consistent").send();
        reply.status == 200 && reply.text() == "after\n"
    });
    // It counts: with it the others can spare another one.
    machines.kill(other);
    eventually("a commit is acknowledged by two", || {
        machines.push(lost, "default", "other.conf", "by two\n").status.success()
    });
    machines.start(other);
    eventually("it has what the two have", || {
        let reply = machines.curl(other, "/config/default/boot/other.conf?consistent").send();
        reply.status == 200
    });
    machines.assert_same("default");
}

/// Its old number has promised what the new one knows nothing of.
#[test]
fn a_member_that_is_restored_has_another_number() {
    let mut machines = Machines::cluster(3);
    let lost = machines.follower();
    let file = backup(&machines, lost);
    let listing = std::process::Command::new("tar").arg("-tf").arg(&file).output();
    let listing = succeeds(listing.unwrap());
    assert!(listing.contains("ecconfigd/cluster/introduction\n"), "{listing}");
    assert!(!listing.contains("cluster/log"), "{listing}");
    lose(&mut machines, lost);
    succeeds(machines.ecconfigd(lost, &["restore", "--member", &file]));
    assert!(!state(&machines, lost).join("cluster/log").exists());
    assert!(!state(&machines, lost).join("repo").exists());
}

#[test]
fn a_backup_of_one_member_makes_no_other_one_of_the_same_key() {
    let mut machines = Machines::cluster(3);
    let file = backup(&machines, 1);
    lose(&mut machines, 2);
    let said = fails(machines.ecconfigd(2, &["restore", "--member", &file]));
    assert!(said.contains("this backup is of m1, and this server is m2"), "{said}");
    let names = fs::read_dir(state(&machines, 2)).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.collect::<Vec<_>>(), ["lock"]);
}

#[test]
fn a_cluster_that_is_lost_as_a_whole_begins_anew_from_a_backup() {
    let mut machines = Machines::cluster(3);
    succeeds(machines.push(0, "default", "some.conf", "kept\n"));
    machines.read(1, "default/boot/some.conf");
    let file = backup(&machines, 1);
    (0..3).for_each(|number| lose(&mut machines, number));
    succeeds(machines.ecconfigd(0, &["restore", "--force-new-cluster", &file]));
    (0..3).for_each(|number| machines.start(number));
    assert_eq!(machines.read(0, "default/boot/some.conf"), "kept\n");
    succeeds(machines.push(0, "default", "some.conf", "alone\n"));
    machines.join(1);
    machines.join(2);
    machines.wait_for_members(0..3);
    for number in 0..3 {
        assert_eq!(machines.read(number, "default/boot/some.conf"), "alone\n");
    }
    succeeds(machines.push(2, "default", "some.conf", "together\n"));
    machines.assert_same("default");
}

/// A copy that was made file by file while changes came in.
#[test]
fn a_torn_copy_of_a_member_gets_what_it_lacks_from_the_others() {
    let mut machines = Machines::cluster(3);
    let torn = machines.follower();
    let other = (torn + 1) % 3;
    succeeds(machines.push(other, "default", "some.conf", "before\n"));
    machines.read(torn, "default/boot/some.conf");
    let packs = state(&machines, torn).join("repo/default/objects/pack");
    let names = || fs::read_dir(&packs).unwrap().map(|entry| entry.unwrap().path());
    let before: Vec<PathBuf> = names().collect();
    succeeds(machines.push(other, "default", "some.conf", "after\n"));
    machines.read(torn, "default/boot/some.conf");
    machines.stop(torn);
    let later: Vec<PathBuf> = names().filter(|path| !before.contains(path)).collect();
    assert!(!later.is_empty());
    later.iter().for_each(|path| fs::remove_file(path).unwrap());
    machines.start(torn);
    assert!(machines.all[torn].log().contains("subcluster default lacks its newest revisions"));
    eventually("it has what the others have", || {
        let reply = machines.curl(torn, "/config/default/boot/some.conf").send();
        reply.status == 200 && reply.text() == "after\n"
    });
    machines.assert_same("default");
    let log = machines.all[torn].log();
    assert!(!log.contains("somebody has written") && !log.contains("ERROR"), "{log}");
}

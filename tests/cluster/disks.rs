//! What is acknowledged is in the logs of a majority, and what readers of a member see need not be in
//! its repository yet.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;

use crate::fixture::{eventually, succeeds};
use crate::machines::Machines;

#[test]
fn a_commit_through_a_member_whose_repository_cannot_be_written_is_acknowledged_and_stays_shown() {
    let machines = Machines::cluster(3);
    let stuck = machines.follower();
    let lock = repository(&machines, stuck).join("refs/heads/boot.lock");
    fs::write(&lock, "").unwrap();
    succeeds(machines.push(stuck, "default", "some.conf", "decided\n"));
    let shown = || machines.curl(stuck, "/config/default/boot/some.conf").send();
    assert_eq!(shown().text(), "decided\n");
    // The repository still has what was before, and is compared with the log.
    let member = machines.all[stuck].running();
    member.signal(Signal::SIGHUP);
    member.wait_for_log("repositories have been read again");
    assert_eq!(shown().text(), "decided\n");

    fs::remove_file(lock).unwrap();
    assert_eq!(machines.read(stuck, "default/boot/some.conf"), "decided\n");
    machines.assert_same("default");
}

/// The names of the newest pack's files are on its disk, but not their content, and the reference has
/// not moved.
#[test]
fn a_member_that_lost_its_power_makes_the_last_commit_again() {
    let mut machines = Machines::cluster(3);
    let member = machines.follower();
    succeeds(machines.push(member, "default", "some.conf", "before\n"));
    machines.read(member, "default/boot/some.conf");
    let before = packs(&machines, member);
    let boot = machines.all[member].running().bare("default", &["rev-parse", "boot"]);
    succeeds(machines.push(member, "default", "some.conf", "after\n"));
    machines.read(member, "default/boot/some.conf");
    machines.kill(member);

    let torn: Vec<PathBuf> = packs(&machines, member).difference(&before).cloned().collect();
    assert_eq!(torn.len(), 2, "{torn:?}");
    torn.iter().for_each(|file| tear(file));
    let reference = repository(&machines, member).join("refs/heads/boot");
    fs::write(reference, boot).unwrap();
    machines.start(member);
    eventually("it is made again", || {
        let reply = machines.curl(member, "/config/default/boot/some.conf").send();
        reply.status == 200 && reply.text() == "after\n"
    });
    machines.assert_same("default");
}

fn repository(machines: &Machines, member: usize) -> PathBuf {
    machines.all[member].root().join("var/ecconfigd/repo/default")
}

fn packs(machines: &Machines, member: usize) -> BTreeSet<PathBuf> {
    let files = fs::read_dir(repository(machines, member).join("objects/pack")).unwrap();
    files.map(|file| file.unwrap().path()).collect()
}

/// The length is there and the content is not.
fn tear(file: &Path) {
    let length = fs::metadata(file).unwrap().len();
    fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
    let file = OpenOptions::new().write(true).truncate(true).open(file).unwrap();
    file.set_len(length).unwrap();
}

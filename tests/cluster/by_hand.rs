use nix::sys::signal::Signal;

use crate::fixture::{eventually, succeeds};
use crate::machines::Machines;

#[test]
fn what_somebody_writes_into_a_members_repository_is_set_back_by_a_reload() {
    let machines = Machines::cluster(3);
    succeeds(machines.push(0, "default", "some.conf", "x\n"));
    machines.read(2, "default/boot/some.conf");
    let member = machines.all[2].running();
    member.bare("default", &["update-ref", "refs/heads/boot", "boot~1"]);
    member.bare("default", &["update-ref", "refs/heads/mine", "boot"]);
    member.signal(Signal::SIGHUP);
    member.wait_for_log("somebody has written into the repository of subcluster default");
    eventually("it is set back", || machines.read(2, "default/boot/some.conf") == "x\n");
    machines.assert_same("default");
}

#[test]
fn a_commit_is_made_on_a_member_whose_repository_somebody_has_changed() {
    let machines = Machines::cluster(3);
    succeeds(machines.push(0, "default", "some.conf", "x\n"));
    machines.read(2, "default/boot/some.conf");
    machines.all[2].running().bare("default", &["update-ref", "refs/heads/boot", "boot~1"]);
    succeeds(machines.push(0, "default", "some.conf", "y\n"));
    assert_eq!(machines.read(2, "default/boot/some.conf"), "y\n");
    machines.assert_same("default");
}

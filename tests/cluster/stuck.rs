use std::fs;

use crate::fixture::{eventually, succeeds};
use crate::machines::Machines;

#[test]
fn a_leader_that_cannot_make_what_is_decided_holds_nobody_up() {
    let machines = Machines::cluster(3);
    let stuck = machines.leader();
    let repository = machines.all[stuck].root().join("var/ecconfigd/repo/default");
    let lock = repository.join("refs/heads/boot.lock");
    fs::write(&lock, "").unwrap();
    let other = machines.follower();
    succeeds(machines.push(other, "default", "some.conf", "decided\n"));
    eventually("another one leads", || machines.leader() != stuck);
    succeeds(machines.push(other, "default", "some.conf", "decided without it\n"));

    fs::remove_file(lock).unwrap();
    eventually("it has caught up", || {
        let reply = machines.curl(stuck, "/config/default/boot/some.conf").send();
        reply.text() == "decided without it\n"
    });
    machines.assert_same("default");
}

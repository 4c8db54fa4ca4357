//! A member's repository is damaged: it is mended with what the others have.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;

use crate::fixture::{eventually, succeeds};
use crate::machines::Machines;

type Damage = fn(&Path);

/// What may happen to a repository.
const DAMAGE: &[(&str, Damage)] = &[
    ("boot is empty", |repository| fs::write(repository.join("refs/heads/boot"), "").unwrap()),
    ("boot has another digit", |repository| {
        let boot = repository.join("refs/heads/boot");
        let id = fs::read_to_string(&boot).unwrap();
        let digit = if &id[5..6] == "0" { "1" } else { "0" };
        fs::write(&boot, [&id[..5], digit, &id[6..]].concat()).unwrap();
    }),
    ("boot is gone", |repository| fs::remove_file(repository.join("refs/heads/boot")).unwrap()),
    ("boot is zeros", |repository| {
        fs::write(repository.join("refs/heads/boot"), [0; 41]).unwrap();
    }),
    ("packed-refs is garbage", |repository| {
        let text = "# pack-refs with: peeled\ngarbage\n";
        fs::write(repository.join("packed-refs"), text).unwrap();
    }),
    ("HEAD is gone", |repository| fs::remove_file(repository.join("HEAD")).unwrap()),
    ("HEAD is empty", |repository| fs::write(repository.join("HEAD"), "").unwrap()),
    ("config is gone", |repository| fs::remove_file(repository.join("config")).unwrap()),
    ("config is zeros", |repository| fs::write(repository.join("config"), [0; 99]).unwrap()),
    ("refs is gone", |repository| remove(&repository.join("refs"))),
    ("the orders are garbage", |repository| {
        fs::write(repository.join("ecconfigd-orders.json"), "{").unwrap();
    }),
    ("the note of a change is garbage", |repository| {
        fs::write(repository.join("ecconfigd-entry.json"), "{").unwrap();
    }),
    ("a pack is gone", |repository| fs::remove_file(newest(repository, "pack")).unwrap()),
    ("an index is gone", |repository| fs::remove_file(newest(repository, "idx")).unwrap()),
    ("a pack has another bit", |repository| flip(&newest(repository, "pack"))),
    ("an index has another bit", |repository| flip(&newest(repository, "idx"))),
    ("a pack is cut off", |repository| {
        let pack = newest(repository, "pack");
        let content = fs::read(&pack).unwrap();
        write(&pack, &content[..content.len() / 2]);
    }),
    ("the packs are gone", |repository| {
        remove(&repository.join("objects/pack"));
    }),
    ("the objects are gone", |repository| {
        remove(&repository.join("objects"));
    }),
    ("all is gone", |repository| remove(repository)),
];

fn repository(machines: &Machines, number: usize) -> PathBuf {
    machines.all[number].root().join("var/ecconfigd/repo/default")
}

fn newest(repository: &Path, ending: &str) -> PathBuf {
    let files = fs::read_dir(repository.join("objects/pack")).unwrap();
    let files = files.map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|found| found == ending));
    files.max_by_key(|path| fs::metadata(path).unwrap().modified().unwrap()).unwrap()
}

fn flip(file: &Path) {
    let mut content = fs::read(file).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 4;
    write(file, &content);
}

/// At one moment: a server that runs may be writing there.
fn remove(dir: &Path) {
    let away = dir.with_added_extension("away");
    fs::rename(dir, &away).unwrap();
    fs::remove_dir_all(away).unwrap();
}

/// Another file of that name: this one may have other names.
fn write(file: &Path, content: &[u8]) {
    fs::remove_file(file).unwrap();
    fs::write(file, content).unwrap();
}

#[track_caller]
fn has(machines: &Machines, number: usize, content: &str, what: &str) {
    eventually(what, || {
        let reply = machines.curl(number, "/config/default/boot/some.conf").send();
        // Nothing else at any moment, but for a while nothing.
        assert!(reply.status == 503 || reply.status == 200, "{what}: {reply:?}");
        reply.status == 200 && reply.text() == content
    });
}

#[test]
fn a_repository_that_was_damaged_while_its_member_was_down_is_mended_at_the_start() {
    let mut machines = Machines::cluster(2);
    succeeds(machines.push(0, "default", "some.conf", "x\n"));
    machines.read(1, "default/boot/some.conf");
    for (what, damage) in DAMAGE {
        machines.stop(1);
        damage(&repository(&machines, 1));
        machines.start(1);
        has(&machines, 1, "x\n", what);
        eventually(what, || !is_damaged(&machines, 1));
    }
    machines.assert_same("default");
}

/// git's word.
fn is_damaged(machines: &Machines, number: usize) -> bool {
    let mut git = std::process::Command::new("git");
    git.args(["-c", "safe.directory=*", "-C"]).arg(repository(machines, number));
    let checked = git.args(["fsck", "--full", "--strict", "--no-dangling"]).output().unwrap();
    !checked.status.success()
}

#[test]
fn a_change_is_made_on_a_repository_that_has_been_damaged_while_its_member_runs() {
    let machines = Machines::cluster(3);
    succeeds(machines.push(0, "default", "some.conf", "first\n"));
    let follower = machines.follower();
    let other = machines.leader();
    for (number, (what, damage)) in DAMAGE.iter().enumerate() {
        machines.read(follower, "default/boot/some.conf");
        damage(&repository(&machines, follower));
        let content = format!("{number}\n");
        succeeds(machines.push(other, "default", "some.conf", &content));
        eventually(what, || {
            let path = "/config/default/boot/some.conf?consistent";
            machines.curl(follower, path).send().text() == content
        });
        // What did not stand in the way of the change is found by a reload.
        machines.all[follower].running().signal(Signal::SIGHUP);
        eventually(what, || !is_damaged(&machines, follower));
    }
    machines.assert_same("default");
}

#[test]
fn a_reload_mends_packs_that_rot_and_says_so() {
    let machines = Machines::cluster(2);
    succeeds(machines.push(0, "default", "some.conf", "x\n"));
    machines.read(1, "default/boot/some.conf");
    flip(&newest(&repository(&machines, 1), "pack"));
    let member = machines.all[1].running();
    member.signal(Signal::SIGHUP);
    member.wait_for_log("and has been mended with what m0 has");
    assert!(member.log().contains("was damaged (objects/pack/pack-"), "{}", member.log());
    assert!(repository(&machines, 1).join("ecconfigd-damaged").is_dir());
    has(&machines, 1, "x\n", "it is mended");
    machines.assert_same("default");
}

/// Whoever reads it meets it first.
#[test]
fn a_file_whose_bits_rot_is_never_served_and_is_there_again_soon() {
    let machines = Machines::cluster(2);
    // It does not get smaller, so that the middle of its pack is it.
    let letters: Vec<u8> =
        (0..300_000).map(|_| b'a' + (getrandom::u32().unwrap() % 26) as u8).collect();
    let content = String::from_utf8(letters).unwrap();
    succeeds(machines.push(0, "default", "big.conf", &content));
    assert_eq!(machines.read(0, "default/boot/big.conf"), content);
    let commit = machines.all[0].running().bare("default", &["rev-parse", "boot"]);
    let path = format!("/config/default/boot/big.conf?r={}", commit.trim());
    machines.curl(1, "/subclusters?consistent").send();
    // In place, as a disk does.
    let pack = newest(&repository(&machines, 1), "pack");
    let middle = fs::metadata(&pack).unwrap().len() / 2;
    let mut file = fs::File::options().write(true).open(&pack).unwrap();
    file.seek(SeekFrom::Start(middle)).unwrap();
    file.write_all(&[0; 16]).unwrap();
    let reply = machines.curl(1, &path).send();
    assert_eq!(reply.status, 503, "{:?}", reply.headers);
    assert!(reply.header("retry-after").is_some(), "{:?}", reply.headers);
    machines.all[1].running().wait_for_log("and has been mended with what m0 has");
    eventually("it is there again", || {
        let reply = machines.curl(1, &path).send();
        assert!(reply.status == 503 || reply.text() == content);
        reply.status == 200
    });
    machines.assert_same("default");
}

//! A working copy in a place, or beside things, that a person would not expect there.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::fixture::{Server, private_mounts, text};
use crate::machine::{ECCFG, Machine};

#[test]
fn a_mount_point_is_refused_with_the_next_step() {
    let Some(wrapper) = private_mounts() else { return };
    let server = Server::start();
    let machine = Machine::of(&server);
    server.git().clone_of("default").push_file("new.conf", "new\n");
    let script = "mount --bind \"$1\" \"$1\" || exit 99; exec \"$2\" --root \"$3\" pull -u admin";
    let output = Command::new(&wrapper[0])
        .args(&wrapper[1..])
        .args(["sh", "-c", script, "sh"])
        .args([machine.conf.as_path(), ECCFG.as_ref(), &machine.root])
        .env("ECCFG_PASSWORD", &machine.password)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("mount the directory above it instead"), "{}", text(&output));
    machine.ok("pull");
}

#[test]
fn a_link_to_nowhere_is_told() {
    let server = Server::start();
    let machine = Machine::new(&server);
    fs::create_dir_all(machine.conf.parent().unwrap()).unwrap();
    symlink("nowhere", &machine.conf).unwrap();
    let bootstrap = format!("bootstrap --fingerprint {} {}", machine.fingerprint, machine.server);
    assert!(machine.fails(1, &bootstrap).contains("make that directory, or remove the link"));
    assert!(machine.conf.is_symlink());
}

#[test]
fn locks_that_a_killed_git_left_are_in_nobodys_way() {
    let server = Server::start();
    let machine = Machine::of(&server);
    for part in ["subcluster.git", "global.git"] {
        let repository = machine.etc(".eccfg/conf").join(part);
        for lock in ["worktrees/a/index.lock", "worktrees/a/HEAD.lock", "config.lock"] {
            File::create(repository.join(lock)).unwrap();
        }
        File::create(repository.join("refs/remotes/origin/boot.lock")).unwrap();
    }
    server.git().clone_of("default").push_file("new.conf", "new\n");
    machine.ok("pull");
    machine.write("new.conf", "newer\n");
    assert!(machine.ok("commit -m Why").contains("Committed revision"));
}

#[test]
fn something_else_in_the_place_of_global_is_told_and_stays() {
    let server = Server::start();
    for link in [true, false] {
        let machine = Machine::of(&server);
        let global = machine.conf.join("global");
        fs::rename(&global, machine.root.join("mine")).unwrap();
        match link {
            true => symlink(machine.root.join("mine"), &global).unwrap(),
            false => fs::write(&global, "a file\n").unwrap(),
        }
        server.git().clone_of("default").push_file("new.conf", "new\n");
        assert!(machine.fails(1, "pull").contains("global is no directory, but the files of"));
        assert_eq!(global.is_symlink(), link);
        assert_eq!(global.is_file(), !link);
    }
}

#[test]
fn of_two_who_bootstrap_at_once_one_does_and_the_other_says_so() {
    let server = Server::start();
    let machine = Machine::new(&server);
    let words = ["bootstrap", "--fingerprint", &machine.fingerprint, &machine.server];
    let start = || {
        machine
            .eccfg(&words)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap()
    };
    let outputs = [start(), start()].map(|child| child.wait_with_output().unwrap());
    let done = outputs.iter().filter(|output| output.status.success()).count();
    let said = outputs.each_ref().map(text).join("\n");
    assert_eq!(done, 1, "{said}");
    assert!(said.contains("there is a working copy in"), "{said}");
    assert_eq!(machine.ok("status"), "");
}

#[test]
fn a_repository_without_its_objects_is_told_to_be_damaged_and_the_next_update_mends_it() {
    let server = Server::start();
    let machine = Machine::of(&server);
    let pack = machine.etc(".eccfg/conf/subcluster.git/objects/pack");
    fs::remove_dir_all(&pack).unwrap();
    fs::create_dir(&pack).unwrap();
    for command in ["status", "diff", "log", "commit -m Why"] {
        let said = machine.fails(6, command);
        assert!(said.contains("damaged") && said.contains("run eccfg bootstrap again"), "{said}");
    }
    server.git().clone_of("default").push_file("new.conf", "new\n");
    machine.ok("pull");
    assert_eq!(machine.ok("status"), "");
}

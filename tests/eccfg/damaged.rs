//! Working copies that somebody has damaged by hand, and files that are no configuration.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixListener;
use std::path::Path;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::fixture::Server;
use crate::machine::Machine;

/// What somebody did to the directory `etc`, how, and what pull says of it.
type Damage = (&'static str, fn(&Path), &'static str);

const DAMAGES: [Damage; 6] = [
    (".git is gone", |etc| fs::remove_file(etc.join("conf/.git")).unwrap(), "eccfg bootstrap"),
    (
        ".git says something else",
        |etc| fs::write(etc.join("conf/.git"), "gitdir: /nowhere\n").unwrap(),
        "move it away",
    ),
    (
        "all repositories are gone",
        |etc| fs::remove_dir_all(etc.join(".eccfg/conf")).unwrap(),
        "eccfg bootstrap",
    ),
    (
        "one repository is gone",
        |etc| fs::remove_dir_all(etc.join(".eccfg/conf/subcluster.git")).unwrap(),
        "eccfg bootstrap",
    ),
    (
        "nobody knows what was checked out",
        |etc| {
            for generation in ["a", "b"] {
                let kept = etc.join(".eccfg/conf/subcluster.git/worktrees").join(generation);
                let _ = fs::remove_dir_all(kept);
            }
        },
        "eccfg bootstrap",
    ),
    (
        "the trusted keys are garbage",
        |etc| fs::write(etc.join(".eccfg/trust"), "garbage\n").unwrap(),
        "eccfg trust",
    ),
];

#[test]
fn each_damage_is_told_with_the_next_step_and_nothing_is_changed() {
    let server = Server::start();
    for (what, damage, step) in DAMAGES {
        let machine = Machine::of(&server);
        machine.write("default/common.conf", "mine\n");
        let before = machine.files();
        damage(&machine.etc(""));
        let output = machine.run("pull");
        let said = crate::fixture::fails(output);
        assert!(said.contains(step), "{what}: {said}");
        assert!(!said.contains("panicked"), "{what}: {said}");
        assert_eq!(machine.files(), before, "{what}");
        assert_eq!(machine.read("default/common.conf"), "mine\n", "{what}");
    }
}

#[test]
fn an_index_that_is_garbage_is_made_anew() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.write("default/common.conf", "mine\n");
    for generation in ["a", "b"] {
        let index =
            machine.etc(".eccfg/conf/subcluster.git/worktrees").join(generation).join("index");
        if index.exists() {
            fs::write(index, "garbage").unwrap();
        }
    }
    assert!(machine.ok("status").contains("M    default/common.conf"));
    server.git().clone_of("default").push_file("new.conf", "new\n");
    machine.ok("pull");
    assert_eq!(machine.ok("status"), "M    default/common.conf\n");
}

#[test]
fn a_working_copy_that_lost_its_git_file_can_be_bootstrapped_over_itself() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.write("own.txt", "not under version control\n");
    fs::remove_file(machine.conf.join(".git")).unwrap();
    machine.bootstrap("");
    assert_eq!(machine.ok("status"), "?    own.txt\n");
    assert_eq!(machine.git(".", &["diff", "HEAD"]), "");
}

#[test]
fn pipes_and_sockets_survive_and_are_never_read() {
    let server = Server::start();
    let machine = Machine::of(&server);
    mkfifo(&machine.conf.join("pipe"), Mode::S_IRWXU).unwrap();
    let _socket = UnixListener::bind(machine.conf.join("socket")).unwrap();
    assert_eq!(machine.ok("status"), "");
    machine.commit_file("new.conf", "new\n");
    server.git().clone_of("default").push_file("other.conf", "other\n");
    machine.ok("pull");
    let kind = |name| machine.conf.join(name).symlink_metadata().unwrap().file_type();
    assert!(kind("pipe").is_fifo() && kind("socket").is_socket());
    server.git().clone_of("default").push_file("pipe", "a file\n");
    assert!(machine.fails(1, "pull").contains("pipe is neither a file nor a link"));
    assert!(kind("pipe").is_fifo());
}

#[test]
fn a_name_that_is_not_utf8_stays_here_and_is_refused_in_words() {
    let server = Server::start();
    let machine = Machine::of(&server);
    let name = machine.conf.join(OsStr::from_bytes(b"caf\xe9.conf"));
    fs::write(&name, "latin 1\n").unwrap();
    assert!(machine.ok("status").starts_with("?    caf"));
    let said = machine.fails(1, "commit --add-all -m Why");
    assert!(said.contains("caf") && said.contains("name"), "{said}");
    server.git().clone_of("default").push_file("new.conf", "new\n");
    machine.ok("pull");
    assert_eq!(fs::read(&name).unwrap(), b"latin 1\n");
}

//! Disks that are full or cannot be written. Only root can mount a disk for a test, and where that
//! cannot be done these tests are skipped.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use nix::sched::{CloneFlags, unshare};
use nix::sys::statvfs::statvfs;

use crate::fixture::{Options, Server, succeeds, text};

const KB: u64 = 1 << 10;

#[test]
fn an_atomic_push_to_a_full_disk_changes_all_or_nothing() {
    on_a_small_disk(|server| {
        let clone = server.git().clone_of("default");
        let mut refused = 0;
        for pages in (0..30).step_by(6).chain(32..44) {
            clone.commit("Another");
            let before = refs(&server);
            fill(&server, pages * 4 * KB);
            let names = (0..6).map(|n| format!("boot:refs/heads/{pages}/{n}"));
            let names: Vec<String> = names.chain(["boot".into()]).collect();
            let mut command = clone.git.command(&clone.path);
            let output =
                command.args(["push", "--atomic", "origin"]).args(&names).output().unwrap();
            let after = refs(&server);
            match output.status.success() {
                true => assert_eq!(after.lines().count(), before.lines().count() + 6),
                false => {
                    refused += 1;
                    assert_eq!(after, before, "{pages}: {}", text(&output));
                    let said = text(&output);
                    assert!(said.contains("the server's disk is full"), "{pages}: {said}");
                }
            }
            make_room(&server);
            assert_tidy(&server, &format!("{pages} pages"));
        }
        assert!((1..17).contains(&refused), "{refused} were refused");
        // What readers see is what is on the disk.
        let all = refs(&server);
        assert_eq!(refs(&server.restart()), all);
    });
}

#[test]
fn a_server_starts_on_a_full_disk_and_serves() {
    on_a_small_disk(|server| {
        let commit = server.git().clone_of("default").push_file("default/a.conf", "a\n");
        fill(&server, 0);
        let server = server.restart();
        assert_eq!(server.git().clone_of("default").rev("HEAD"), commit);
        make_room(&server);
        server.git().clone_of("default").push_file("default/a.conf", "b\n");
    });
}

/// A server whose root is a disk that is gone with the test, whatever happens to it: nobody else
/// sees it.
fn on_a_small_disk(test: fn(Server)) {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: only root can mount a disk");
        return;
    }
    let alone = thread::spawn(move || {
        if unshare(CloneFlags::CLONE_NEWNS).is_err() {
            eprintln!("skipped: there are no private mounts here");
            return;
        }
        run("mount", &["--make-rprivate", "/"]);
        let prepare = |root: &Path| {
            fs::create_dir(root).unwrap();
            run("mount", &["-t", "tmpfs", "-o", "size=16m", "tmpfs", path(root)]);
        };
        test(Server::with(Options { prepare: Some(prepare), ..Options::default() }));
    });
    if let Err(panic) = alone.join() {
        std::panic::resume_unwind(panic);
    }
}

fn run(program: &str, arguments: &[&str]) {
    succeeds(Command::new(program).args(arguments).output().unwrap());
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Leaves so many bytes on the disk.
fn fill(server: &Server, left: u64) {
    let disk = statvfs(&server.root).unwrap();
    let free = disk.blocks_available() * disk.fragment_size();
    fs::write(server.root.join("filler"), vec![1; (free - left) as usize]).unwrap();
}

fn make_room(server: &Server) {
    fs::remove_file(server.root.join("filler")).unwrap();
}

fn refs(server: &Server) -> String {
    let git = server.git();
    succeeds(git.run(&["ls-remote", &git.url("default")]))
}

/// The repository is whole, and nothing of what failed has been left.
#[track_caller]
fn assert_tidy(server: &Server, what: &str) {
    server.fsck("default");
    let mut dirs = vec![server.repository("default"), server.state("tmp")];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let found = entry.unwrap().path();
            let name = found.file_name().unwrap().to_str().unwrap();
            let is_left = name.starts_with("incoming-")
                || name.ends_with(".lock")
                || name.ends_with(".json")
                || name.starts_with(".tmp");
            assert!(!is_left, "{what}: {} has been left", found.display());
            if found.is_dir() {
                dirs.push(found);
            }
        }
    }
}

//! Disks that are full or cannot be written. Only root can mount a disk for a test, and where that
//! cannot be done these tests are skipped.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use nix::sched::{CloneFlags, unshare};
use nix::sys::statvfs::statvfs;

use crate::fixture::post::{lines, post, request_type};
use crate::fixture::{
    Options, Server, ecconfigd, eventually, fails, succeeds, tells_no_path, text,
};

const KB: u64 = 1 << 10;
/// Of a disk.
const SIZE: usize = 16 << 20;

/// How much is left on the disk, and how large the file is that is pushed. There is no room for the
/// bytes on their way in, for the pack and its index, for the reference, or only just enough.
const PUSHES: [(u64, usize); 12] = [
    (0, 10),
    (4 * KB, 10),
    (8 * KB, 10),
    (12 * KB, 10),
    (16 * KB, 10),
    (24 * KB, 10),
    (0, 400_000),
    (100 * KB, 400_000),
    (300 * KB, 400_000),
    (450 * KB, 400_000),
    (796 * KB, 400_000),
    (2000 * KB, 400_000),
];

#[test]
fn a_push_to_a_full_disk_is_refused_in_words_and_works_when_there_is_room() {
    on_a_small_disk(|server| {
        let server = &server;
        let clone = server.git().clone_of("default");
        let mut refused = 0;
        for (left, size) in PUSHES {
            let what = format!("{size} bytes when {left} are left");
            clone.write("noise", noise(size));
            let commit = clone.commit("Noise");
            let (before, logged) = (head(server), server.log().len());
            fill(server, left);
            let output = clone.git(&["push"]);
            let said = text(&output);
            tells_no_path(&server.root, said.as_bytes());
            let is_readable =
                server.curl("/config/default/boot/default/ecelerity.conf").send().status == 200;
            assert!(is_readable, "{what}");
            if output.status.success() {
                assert_eq!(head(server), commit, "{what}");
                assert_eq!(errors(&server.log()[logged..]), "", "{what}");
            } else {
                refused += 1;
                assert!(
                    said.contains("the server's disk is full: nothing was changed"),
                    "{what}: {said}"
                );
                assert_eq!(head(server), before, "{what}");
                let errors = errors(&server.log()[logged..]);
                assert!(errors.contains("the disk is full"), "{what}: {errors}");
                assert_eq!(errors.lines().count(), 1, "{what}: {errors}");
            }
            make_room(server);
            assert_tidy(server, &what);
            succeeds(clone.git(&["push", "--quiet"]));
            assert_eq!(head(server), commit, "{what}");
        }
        assert!((4..PUSHES.len()).contains(&refused), "{refused} were refused");
        succeeds(server.git().clone_of("default").git(&["fsck", "--full", "--strict"]));
    });
}

#[test]
fn a_client_that_wants_no_report_is_told_of_a_full_disk_by_the_status() {
    on_a_small_disk(|server| {
        let command = format!("{} {} refs/heads/x", "0".repeat(40), "1".repeat(40));
        let without_report = [lines([command], "0000"), noise(400_000)].concat();
        let no_request = noise(400_000);
        fill(&server, 0);
        for (service, body) in [
            ("receive-pack", &without_report),
            ("receive-pack", &no_request),
            ("upload-pack", &no_request),
        ] {
            let curl = server.curl(&format!("/config/default/git-{service}"));
            let reply = post(curl, &request_type(service), body);
            assert_eq!(reply.status, 507, "{service}: {reply:?}");
            assert!(reply.text().contains("the server's disk is full"), "{reply:?}");
        }
    });
}

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

#[test]
fn a_start_on_a_disk_without_room_or_that_cannot_be_written_says_what_to_mend() {
    const EX_CANTCREAT: i32 = 73;
    on_a_small_disk(|mut server| {
        let start = |root: &Path| {
            let mut command = ecconfigd();
            command.args(["--listen", "127.0.0.1:0", "--root"]).arg(root);
            let output = command.output().unwrap();
            assert_eq!(output.status.code(), Some(EX_CANTCREAT), "{}", text(&output));
            text(&output)
        };
        for left in [0, 16 * KB, 32 * KB, 64 * KB] {
            fill(&server, left);
            let said = start(&server.root.join(left.to_string()));
            assert!(said.contains("make room"), "{left}: {said}");
            assert_eq!(said.lines().count(), 1, "{left}: {said}");
            make_room(&server);
        }
        server.stop();
        run("mount", &["-o", "remount,ro", path(&server.root)]);
        let said = start(&server.root);
        assert!(said.contains("mount it for writing") && said.lines().count() == 1, "{said}");
    });
}

#[test]
fn a_disk_that_cannot_be_written_is_told_of_and_what_is_there_is_served() {
    on_a_small_disk(|server| {
        let server = &server;
        let (clone, other) = (server.git().clone_of("default"), server.git().clone_of("default"));
        let before = head(server);
        let dirs = ["repo", "tmp"].map(|dir| server.state(dir));
        for dir in &dirs {
            run("mount", &["--bind", path(dir), path(dir)]);
            run("mount", &["-o", "remount,bind,ro", path(dir)]);
        }
        for size in [10, 400_000] {
            clone.write("noise", noise(size));
            clone.commit("Noise");
            let logged = server.log().len();
            let said = fails(clone.git(&["push"]));
            assert!(said.contains("the server's disk cannot be written"), "{size}: {said}");
            tells_no_path(&server.root, said.as_bytes());
            let errors = errors(&server.log()[logged..]);
            assert!(errors.contains("it is mounted read-only"), "{size}: {errors}");
            assert_eq!(errors.lines().count(), 1, "{size}: {errors}");
        }
        let said = fails(other.git(&["push", "origin", "boot:topic"]));
        assert!(said.contains("the server's disk cannot be written"), "{said}");
        assert_eq!(head(server), before);
        assert_eq!(server.git().clone_of("default").rev("HEAD"), before);
        for dir in &dirs {
            run("umount", &[path(dir)]);
        }
        succeeds(clone.git(&["push", "--quiet"]));
        assert_eq!(head(server), clone.rev("HEAD"));
        assert_tidy(server, "read-only");
    });
}

#[test]
fn a_backup_that_does_not_fit_leaves_the_one_before_and_a_full_disk_can_be_backed_up() {
    const EX_CANTCREAT: i32 = 73;
    on_a_small_disk(|server| {
        server.git().clone_of("default").push_file("noise", noise(400_000));
        let file = server.root.join("backup.tar");
        let backup = |file: &Path| server.ecconfigd(&["backup", path(file)], "");
        succeeds(backup(&file));
        let before = fs::read(&file).unwrap();
        for left in [0, 4 * KB, 100 * KB, 400 * KB] {
            fill(&server, left);
            let output = backup(&file);
            let said = text(&output);
            assert_eq!(output.status.code(), Some(EX_CANTCREAT), "{left}: {said}");
            assert!(said.contains("make room") && said.lines().count() == 1, "{left}: {said}");
            let elsewhere = tempfile::tempdir().unwrap();
            let kept = elsewhere.path().join("backup.tar");
            succeeds(backup(&kept));
            succeeds(server.ecconfigd(&["verify", path(&kept)], ""));
            make_room(&server);
            assert_eq!(fs::read(&file).unwrap(), before, "{left}");
            let names = fs::read_dir(&server.root).unwrap().map(|e| e.unwrap().file_name());
            assert!(names.into_iter().all(|name| !name.to_str().unwrap().contains(".new-")));
        }
    });
}

#[test]
fn a_backup_is_not_restored_by_halves_onto_a_disk_without_room() {
    const EX_CANTCREAT: i32 = 73;
    on_a_small_disk(|mut server| {
        let commit = server.git().clone_of("default").push_file("noise", noise(400_000));
        let elsewhere = tempfile::tempdir().unwrap();
        let file = elsewhere.path().join("backup.tar");
        succeeds(server.ecconfigd(&["backup", path(&file)], ""));
        server.stop();
        fs::rename(server.state(""), server.root.join("old")).unwrap();
        for left in [4 * KB, 16 * KB, 64 * KB, 200 * KB, 420 * KB] {
            fill(&server, left);
            let output = server.ecconfigd(&["restore", path(&file)], "");
            let said = text(&output);
            assert_eq!(output.status.code(), Some(EX_CANTCREAT), "{left}: {said}");
            assert!(said.contains("make room") && said.lines().count() == 1, "{left}: {said}");
            make_room(&server);
            let left_over = fs::read_dir(server.state("")).unwrap();
            let left_over: Vec<_> = left_over.map(|entry| entry.unwrap().file_name()).collect();
            assert!(left_over.iter().all(|name| name == "lock"), "{left}: {left_over:?}");
        }
        succeeds(server.ecconfigd(&["restore", path(&file)], ""));
        let server = server.start_again(Options::default());
        assert_eq!(head(&server), commit);
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
            let size = format!("size={SIZE}");
            run("mount", &["-t", "tmpfs", "-o", &size, "tmpfs", path(root)]);
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

/// Leaves so many bytes on the disk. The server may look after its packs meanwhile, so what is free
/// at one moment says nothing about the next.
fn fill(server: &Server, left: u64) {
    let mut filler = File::create(server.root.join("filler")).unwrap();
    let full = filler.write_all(&vec![1; SIZE]).unwrap_err();
    assert_eq!(full.kind(), ErrorKind::StorageFull, "{full}");
    filler.set_len(filler.metadata().unwrap().len() - left).unwrap();
}

/// A child of another test that has not become its program yet may hold the file open, so it may
/// take a moment.
fn make_room(server: &Server) {
    let filler = server.root.join("filler");
    let half = fs::metadata(&filler).unwrap().len() / 2;
    let before = free(server);
    fs::remove_file(&filler).unwrap();
    eventually("there is room", || free(server) > before + half);
}

fn free(server: &Server) -> u64 {
    let disk = statvfs(&server.root).unwrap();
    disk.blocks_available() * disk.fragment_size()
}

fn noise(size: usize) -> Vec<u8> {
    let mut noise = vec![0; size];
    getrandom::fill(&mut noise).unwrap();
    noise
}

fn head(server: &Server) -> String {
    let reply = server.curl("/config/default/boot/").send();
    reply.header("x-config-commit").unwrap().to_owned()
}

fn refs(server: &Server) -> String {
    let git = server.git();
    succeeds(git.run(&["ls-remote", &git.url("default")]))
}

fn errors(log: &str) -> String {
    log.lines().filter(|line| line.contains("ERROR")).collect::<Vec<_>>().join("\n")
}

/// The repository is whole, and nothing of what failed has been left. Directories of a push that
/// succeeded are cleared away after its answer.
#[track_caller]
fn assert_tidy(server: &Server, what: &str) {
    server.fsck("default");
    eventually(&format!("nothing is left: {what}"), || {
        left(server.repository("default")) + left(server.state("tmp")) == 0
    });
}

fn left(dir: PathBuf) -> usize {
    let Ok(entries) = fs::read_dir(&dir) else { return 0 };
    let left = entries.map(|entry| {
        let found = entry.unwrap().path();
        let name = found.file_name().unwrap().to_str().unwrap();
        let is_left = name.starts_with("incoming-")
            || name.ends_with(".lock")
            || name.ends_with(".json")
            || name.starts_with(".tmp");
        usize::from(is_left) + left(found)
    });
    left.sum()
}

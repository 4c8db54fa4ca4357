//! Packs become few by themselves, and nobody notices: neither who pushes and clones meanwhile, nor
//! who kills the server, nor who runs `git repack`.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::fixture::{Clone, Options, Random, Server, eventually, setting, succeeds};

const ROUNDS: u64 = 12;
/// More pushes than packs are left alone.
const PUSHES: usize = 40;

fn packs(server: &Server) -> usize {
    let entries = fs::read_dir(server.repository("default").join("objects/pack")).unwrap();
    let is_pack = |path: &std::path::PathBuf| path.extension().is_some_and(|e| e == "pack");
    entries.map(|entry| entry.unwrap().path()).filter(is_pack).count()
}

fn push(clone: &Clone, count: usize) {
    for number in 0..count {
        clone.push_file(&format!("default/{}.conf", number % 7), number.to_string());
    }
}

/// Others stop when this goes, also in a panic.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn unfinished(server: &Server) -> usize {
    let entries = fs::read_dir(server.repository("default").join("ecconfigd-cache")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().starts_with(".new-")).count()
}

fn objects(server: &Server) -> BTreeSet<String> {
    let arguments = ["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"];
    server.bare("default", &arguments).lines().map(str::to_owned).collect()
}

#[test]
fn many_pushes_leave_few_packs_and_every_object() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    push(&clone, PUSHES);
    succeeds(clone.git(&["push", "--quiet", "origin", "HEAD~3:refs/heads/gone"]));
    let before = objects(&server);
    succeeds(clone.git(&["push", "--quiet", "origin", ":refs/heads/gone"]));
    push(&clone, PUSHES);
    eventually("there are few packs", || packs(&server) <= 12);
    assert!(objects(&server).is_superset(&before));
    server.fsck("default");
    server.assert_tidy("default");
    assert_eq!(server.git().clone_of("default").rev("HEAD"), clone.rev("HEAD"));
}

#[test]
fn readers_and_writers_and_a_repack_by_hand_go_on_meanwhile() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    let done = AtomicBool::new(false);
    let is_done = || done.load(Ordering::Relaxed);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done() {
                let whole = server.git().clone_with("default", &["--mirror"]);
                succeeds(whole.git(&["fsck", "--full", "--strict"]));
                server.git().clone_with("default", &["--depth", "2"]);
            }
        });
        scope.spawn(|| {
            while !is_done() {
                // What `git gc` does to packs; it would also lock branches now and then.
                server.bare("default", &["repack", "-A", "-d", "-q"]);
                thread::sleep(Duration::from_millis(300));
            }
        });
        let _stop = Stop(&done);
        push(&clone, PUSHES);
    });
    server.fsck("default");
    assert_eq!(server.git().clone_of("default").rev("HEAD"), clone.rev("HEAD"));
}

#[test]
fn a_server_killed_while_packs_become_one_loses_nothing() {
    let mut random = Random::new();
    let mut server = Server::start();
    let mut clone = server.git().clone_of("default");
    push(&clone, 13);
    let mut left = 0;
    for _ in 0..setting("ROUNDS").unwrap_or(ROUNDS) {
        let before = objects(&server);
        thread::scope(|scope| {
            let pushing = scope.spawn(|| {
                for number in 0.. {
                    clone.write("default/a.conf", format!("{number} {}", clone.rev("HEAD")));
                    clone.commit("Change");
                    if !clone.git(&["push", "--quiet"]).status.success() {
                        break;
                    }
                }
            });
            // There is nothing to wait for: this is the moment that nobody chose.
            thread::sleep(Duration::from_millis(300).mul_f64(1.0 + random.fraction()));
            server.kill();
            pushing.join().unwrap();
        });
        left += unfinished(&server);
        server = server.start_again(Options::default());
        server.assert_tidy("default");
        server.fsck("default");
        assert!(objects(&server).is_superset(&before));
        clone = server.git().clone_of("default");
    }
    println!("kills left {left} unfinished files");
}

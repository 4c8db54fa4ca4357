//! Fetches are answered from segments that are kept. What clients get must be what a pack made for
//! them would hold, and must not depend on what lies in the cache.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::thread;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::fixture::{
    Clone, Options, Random, Server, all_gits, eventually, run_with_input, succeeds,
};

const DIR: &str = "repo/default/ecconfigd-cache";

fn segments(server: &Server, kind: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(server.state(DIR)) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    let is_kind = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(kind);
    paths.filter(is_kind).collect()
}

/// All objects of a repository, reachable or not.
fn objects(clone: &Clone) -> BTreeSet<String> {
    let format = "--batch-check=%(objectname)";
    let list = succeeds(clone.git(&["cat-file", "--batch-all-objects", format]));
    list.lines().map(str::to_owned).collect()
}

/// The objects that a repository's references reach.
fn reached(clone: &Clone) -> BTreeSet<String> {
    let list = succeeds(clone.git(&["rev-list", "--objects", "--no-object-names", "--all"]));
    list.lines().map(str::to_owned).collect()
}

/// Nothing came that was not wanted.
#[track_caller]
fn exact(clone: &Clone) {
    let (came, wanted) = (objects(clone), reached(clone));
    let more: Vec<String> = came.difference(&wanted).map(|id| described(clone, id)).collect();
    assert!(more.is_empty(), "more came than was wanted: {more:#?}");
}

fn described(clone: &Clone, id: &str) -> String {
    format!("{id}: {}", succeeds(clone.git(&["cat-file", "-p", id])))
}

/// Brings a mirror up to date.
#[track_caller]
fn update(mirror: &Clone, server: &Server) {
    let url = server.git().url("default");
    succeeds(mirror.git(&["fetch", "--quiet", "--prune", &url, "+refs/*:refs/*"]));
}

#[track_caller]
fn check(clone: &Clone, server: &Server) {
    succeeds(clone.git(&["fsck", "--full", "--strict", "--no-dangling"]));
    exact(clone);
    let refs = |text: String| -> BTreeSet<String> { text.lines().map(str::to_owned).collect() };
    let format = "--format=%(objectname) %(refname)";
    let there = refs(server.bare("default", &["for-each-ref", format]));
    assert_eq!(refs(succeeds(clone.git(&["for-each-ref", format]))), there);
}

/// One of so many numbers, from 0.
fn below(random: &mut Random, end: usize) -> usize {
    ((random.fraction() * end as f64) as usize).min(end - 1)
}

/// One change as people make them, drawn by lot.
fn change(random: &mut Random, writer: &Clone, number: usize) {
    let git = |arguments: &[&str]| _ = succeeds(writer.git(arguments));
    let file = format!("default/{}/{}.conf", below(random, 3), below(random, 4));
    match below(random, 9) {
        0 => git(&["push", "--quiet", "origin", &format!("HEAD:refs/heads/b{number}")]),
        1 => git(&["push", "--quiet", "origin", &format!("HEAD~:refs/tags/light{number}")]),
        2 => {
            let name = format!("v{number}");
            git(&["tag", "--annotate", "--message", "A tag", &name]);
            git(&["push", "--quiet", "origin", &name]);
        }
        3 => {
            git(&["checkout", "--quiet", "-B", "side", "HEAD~"]);
            writer.write(&format!("default/side/{number}.conf"), "side");
            writer.commit("A side");
            git(&["push", "--quiet", "--force", "origin", "side"]);
            git(&["checkout", "--quiet", "boot"]);
            git(&["merge", "--quiet", "--no-edit", "side"]);
            git(&["push", "--quiet", "origin", "boot"]);
        }
        4 => {
            git(&["push", "--quiet", "origin", "HEAD:refs/heads/gone"]);
            git(&["push", "--quiet", "origin", ":refs/heads/gone"]);
        }
        5 => {
            writer.write(&file, "again and again");
            writer.commit("Two at once");
            writer.push_file("default/second.conf", number.to_string());
        }
        6 => {
            git(&["push", "--quiet", "origin", "HEAD:refs/heads/running"]);
        }
        // Few contents, so that many changes come back to what was before.
        _ => _ = writer.push_file(&file, below(random, 3).to_string()),
    }
}

#[test]
fn clones_and_updates_of_random_histories_hold_exactly_what_is_wanted() {
    follow(&mut Random::new());
}

/// Follows a random history with mirrors that are brought up to date now and then.
fn follow(random: &mut Random) {
    let server = Server::start();
    let writer = server.git().clone_of("default");
    writer.push_file("default/second.conf", "first");
    let mut mirrors = vec![server.git().clone_with("default", &["--mirror"])];
    for number in 0..25 {
        change(random, &writer, number);
        if below(random, 3) == 0 {
            mirrors.push(server.git().clone_with("default", &["--mirror"]));
        }
        let index = below(random, mirrors.len());
        update(&mirrors[index], &server);
    }
    assert!(segments(&server, "update-").len() > 5, "no segments have been made");
    for program in all_gits() {
        for version in ["0", "1", "2"] {
            let git = server.git().program(&program).option(&format!("protocol.version={version}"));
            check(&git.clone_with("default", &["--mirror"]), &server);
            let single = git.clone_with("default", &["--bare", "--single-branch"]);
            exact(&single);
        }
    }
    for mirror in &mirrors {
        update(mirror, &server);
        succeeds(mirror.git(&["fsck", "--full", "--strict", "--no-dangling"]));
        let whole = objects(&server.git().clone_with("default", &["--mirror"]));
        assert!(objects(mirror).is_superset(&whole));
    }
}

/// With the same commits one wanted a tag that another had, and got the other's answer.
#[test]
fn a_history_in_which_some_lack_tags_that_others_have() {
    const SEED: u64 = 1_795_392_920;
    follow(&mut Random::from(SEED));
}

#[test]
fn damaged_and_missing_segments_are_made_again() {
    let mut server = Server::start();
    let writer = server.git().clone_of("default");
    let old = server.git().clone_with("default", &["--mirror"]);
    for number in 0..4 {
        writer.push_file("default/a.conf", number.to_string());
    }
    eventually("there are segments", || segments(&server, "update-").len() == 4);
    let base = segments(&server, "base-");
    assert_eq!(base.len(), 1, "{base:?}");
    for damage in 0..4 {
        server.stop();
        for path in [segments(&server, "base-"), segments(&server, "update-")].concat() {
            let mut bytes = fs::read(&path).unwrap();
            let length = bytes.len();
            match damage {
                0 => bytes[60] ^= 1,
                1 => bytes[length - 1] ^= 1,
                2 => bytes.truncate(length / 2),
                _ => bytes.clear(),
            }
            fs::write(&path, bytes).unwrap();
        }
        server = server.start_again(Options::default());
        check(&server.git().clone_with("default", &["--mirror"]), &server);
        let updated = old.copy();
        update(&updated, &server);
        check(&updated, &server);
    }
    let server = server.restart();
    fs::remove_dir_all(server.state(DIR)).unwrap();
    check(&server.git().clone_with("default", &["--mirror"]), &server);
    update(&old, &server);
    check(&old, &server);
}

#[test]
fn segments_stay_true_when_the_repository_is_rewritten_by_hand() {
    let server = Server::start();
    let writer = server.git().clone_of("default");
    let old = server.git().clone_with("default", &["--mirror"]);
    for number in 0..3 {
        writer.push_file("default/a.conf", number.to_string());
    }
    succeeds(writer.git(&["push", "--quiet", "origin", "HEAD:refs/heads/topic"]));
    check(&server.git().clone_with("default", &["--mirror"]), &server);
    succeeds(writer.git(&["push", "--quiet", "origin", ":refs/heads/topic"]));
    server.bare("default", &["update-ref", "refs/heads/boot", "boot~2"]);
    server.bare("default", &["reflog", "expire", "--expire=now", "--all"]);
    server.bare("default", &["gc", "--quiet", "--prune=now"]);
    let server = server.restart();
    assert_eq!(server.revision("default"), 2);
    check(&server.git().clone_with("default", &["--mirror"]), &server);
    update(&old, &server);
    check(&old, &server);
    let again = server.git().clone_of("default");
    again.push_file("default/a.conf", "another history");
    check(&server.git().clone_with("default", &["--mirror"]), &server);
}

#[test]
fn a_pushed_pack_that_is_exact_is_sent_on_as_it_is() {
    let server = Server::start();
    let writer = server.git().clone_of("default");
    let text: String = (0..20_000).map(|number| format!("line {number}\n")).collect();
    writer.push_file("default/large.conf", &text);
    writer.push_file("default/large.conf", format!("{text}one more\n"));
    eventually("there are segments", || segments(&server, "update-").len() == 2);
    let mut lengths: Vec<u64> =
        segments(&server, "update-").iter().map(|path| fs::metadata(path).unwrap().len()).collect();
    lengths.sort_unstable();
    assert!(lengths[0] < 1500 && lengths[1] > 20_000, "{lengths:?}");
}

#[test]
fn old_segments_and_bases_are_not_kept_for_ever() {
    let server = Server::start();
    let writer = server.git().clone_of("default");
    for number in 0..6 {
        writer.push_file("default/a.conf", number.to_string());
        succeeds(writer.git(&["push", "--quiet", "--force", "origin", "HEAD:refs/heads/other"]));
        succeeds(writer.git(&["push", "--quiet", "origin", ":refs/heads/other"]));
        let branch = format!("HEAD:refs/heads/branch{number}");
        succeeds(writer.git(&["commit", "--quiet", "--allow-empty", "--message", "x"]));
        succeeds(writer.git(&["push", "--quiet", "origin", &branch]));
        succeeds(writer.git(&["reset", "--quiet", "--hard", "origin/boot"]));
        server.git().clone_with("default", &["--mirror"]);
        succeeds(writer.git(&[
            "push",
            "--quiet",
            "origin",
            &format!(":refs/heads/branch{number}"),
        ]));
    }
    assert!(segments(&server, "base-").len() <= 3);
}

#[test]
fn who_waits_for_a_pack_that_another_is_given_holds_up_nobody_else() {
    let mut server = Server::start();
    server.stop();
    let blob = server.bare("default", &["hash-object", "-w", "HEAD"]);
    let tree = run_with_input(
        server.git().command(&server.repository("default")).arg("mktree"),
        format!("100644 blob {}\theld.conf\n", blob.trim()),
    );
    let tree = succeeds(tree);
    let commit = server.bare("default", &["commit-tree", "-m", "Held", tree.trim()]);
    server.bare("default", &["update-ref", "refs/heads/held", commit.trim()]);
    // Whoever reads this object waits until somebody writes into the pipe.
    let (object, aside, pipe) =
        (server.object("default", blob.trim()), server.state("aside"), server.state("pipe"));
    fs::rename(&object, &aside).unwrap();
    mkfifo(&pipe, Mode::S_IRWXU).unwrap();
    fs::hard_link(&pipe, &object).unwrap();
    let server = server.start_again(Options::default());

    let git = server.git();
    let dir = tempfile::tempdir().unwrap();
    let clone = |branch: &str, name: String| {
        let (url, path) = (git.url("default"), dir.path().join(name));
        let path = path.to_str().unwrap();
        git.run(&["clone", "--quiet", "--bare", "--single-branch", "--branch", branch, &url, path])
    };
    thread::scope(|scope| {
        let clone = &clone;
        let held: Vec<_> =
            (0..8).map(|n| scope.spawn(move || clone("held", format!("held{n}")))).collect();
        let others: Vec<_> = (0..5).map(|n| clone("boot", format!("boot{n}"))).collect();
        fs::rename(&aside, &object).unwrap();
        eventually("all have their answers", || {
            // Lets go whoever has opened the pipe by now, and is nothing where nobody has.
            let flags = nix::libc::O_NONBLOCK;
            drop(fs::File::options().write(true).custom_flags(flags).open(&pipe));
            held.iter().all(thread::ScopedJoinHandle::is_finished)
        });
        others.into_iter().for_each(|other| _ = succeeds(other));
        let held = held.into_iter().map(|clone| clone.join().unwrap());
        let failed = held.filter(|clone| !clone.status.success()).count();
        assert!(failed <= 1, "more failed than the one who read the pipe: {failed}");
    });
}

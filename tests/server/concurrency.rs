//! Many at once: nothing that was acknowledged is lost, nothing happens twice.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;

use crate::fixture::{Clone, Server, succeeds};

/// Pushers to one branch, all at once.
const PUSHERS: usize = 200;
/// As many of those who came too late fetch, rebase and push again, and so often.
const TRYING_AGAIN: usize = 40;
const TRIES: usize = 3;
/// As many of them at a time: if all tried at once, one of them would win again.
const AT_A_TIME: usize = 4;
/// Pushers with a branch of their own, and readers meanwhile.
const BRANCHES: usize = 20;
const READERS: usize = 2;

#[test]
fn each_of_many_pushers_to_one_branch_is_acknowledged_or_refused() {
    let server = Server::start();
    let late = Mutex::new(Vec::new());
    let first = all_at_once(&server, PUSHERS, |clone, number| {
        let is_acknowledged = push(&clone, "boot");
        if !is_acknowledged {
            late.lock().unwrap().push((number, clone));
        }
        is_acknowledged
    });
    let mut acknowledged: Vec<usize> = (0..PUSHERS).filter(|&number| first[number]).collect();
    late.lock().unwrap().truncate(TRYING_AGAIN);
    acknowledged.extend(try_again(&late));
    acknowledged.sort_unstable();
    let races = server.log().matches("refused: fetch first").count();
    println!("{} of {PUSHERS} pushers acknowledged, {races} lost a race", acknowledged.len());
    assert!(acknowledged.len() > AT_A_TIME && races > 0);

    let mut committed = numbers(&server, "boot");
    committed.sort_unstable();
    assert_eq!(committed, acknowledged);
    assert_eq!(server.revision("default"), acknowledged.len() + 1);
    server.assert_tidy("default");
    server.fsck("default");
}

#[test]
fn pushers_to_branches_of_their_own_do_not_hinder_each_other_nor_readers() {
    let server = Server::start();
    let all_pushed = AtomicBool::new(false);
    let results = thread::scope(|scope| {
        for _ in 0..READERS {
            scope.spawn(|| read_until(&server, &all_pushed));
        }
        let results = all_at_once(&server, BRANCHES, |clone, number| {
            push(&clone, &format!("boot:refs/heads/topic/{number}"))
        });
        all_pushed.store(true, Ordering::Relaxed);
        results
    });
    assert_eq!(results, [true; BRANCHES]);
    for number in 0..BRANCHES {
        assert_eq!(numbers(&server, &format!("topic/{number}")), [number]);
    }
    assert_eq!(server.revision("default"), 1);
    server.assert_tidy("default");
    server.fsck("default");
}

/// Lets them fetch, rebase and push, and returns who came through.
fn try_again(late: &Mutex<Vec<(usize, Clone)>>) -> Vec<usize> {
    let take = || late.lock().unwrap().pop();
    let run = || {
        let mut acknowledged = Vec::new();
        while let Some((number, clone)) = take() {
            let is_acknowledged = (0..TRIES).any(|_| {
                succeeds(clone.git(&["pull", "--quiet", "--rebase"]));
                push(&clone, "boot")
            });
            acknowledged.extend(is_acknowledged.then_some(number));
        }
        acknowledged
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(run)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

/// Clones again and again: each time all is whole, and nothing is gone that was there before.
fn read_until(server: &Server, is_done: &AtomicBool) {
    let mut seen = BTreeSet::new();
    while !is_done.load(Ordering::Relaxed) {
        let clone = server.git().clone_of("default");
        succeeds(clone.git(&["fsck", "--full", "--strict"]));
        let refs = succeeds(clone.git(&["for-each-ref", "refs/remotes"]));
        let refs: BTreeSet<String> = refs.lines().map(str::to_owned).collect();
        assert!(refs.is_superset(&seen), "{seen:?} {refs:?}");
        seen = refs;
    }
}

/// Gives each pusher a clone with a commit, which has the pusher's number as its subject, and starts
/// all of them in the same moment.
fn all_at_once(
    server: &Server,
    pushers: usize,
    push: impl Fn(Clone, usize) -> bool + Sync,
) -> Vec<bool> {
    let template = server.git().clone_of("default");
    let start = Barrier::new(pushers);
    let run = |number: usize| {
        let clone = template.copy();
        clone.write(&format!("default/{number}.conf"), format!("# {number}\n"));
        clone.commit(&number.to_string());
        start.wait();
        push(clone, number)
    };
    thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = (0..pushers).map(|number| scope.spawn(move || run(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn push(clone: &Clone, refspec: &str) -> bool {
    let output = clone.git(&["push", "--quiet", "origin", refspec]);
    output.status.success()
}

/// The pushers whose commits a branch has, as often as it has them.
fn numbers(server: &Server, branch: &str) -> Vec<usize> {
    let log = server.bare("default", &["log", "--format=%s", branch]);
    log.lines().filter_map(|subject| subject.parse().ok()).collect()
}

//! Histories that come back to what was before, as every revert makes them: the same tree stands in
//! several places, and each client must still get all that is below it.

use std::collections::BTreeSet;
use std::fs;

use crate::fixture::{Clone, Server, all_gits, succeeds};

/// Two directories in the states that these letters name; `-` lets one be away.
const STATES: &str = "aa ab aa bb ab -b aa a- bb aa ab aa";

#[test]
fn clones_and_updates_are_whole_with_each_protocol() {
    let server = Server::start();
    let clone = with_history(&server);
    let commits = succeeds(clone.git(&["rev-list", "--topo-order", "HEAD"]));
    let commits: Vec<&str> = commits.lines().collect();
    for program in all_gits() {
        for version in ["0", "2"] {
            let git = server.git().program(&program).option(&format!("protocol.version={version}"));
            let whole = git.clone_of("default");
            assert_eq!(objects(&whole, "HEAD"), objects(&clone, "HEAD"));
            check(&whole);
            for (index, commit) in commits.iter().enumerate().skip(1).step_by(3) {
                let old = git.clone_with("default", &["--depth", &(index + 1).to_string()]);
                check(&old);
                succeeds(old.git(&["fetch", "--quiet", "--unshallow"]));
                check(&old);
                let old = git.clone_of("global");
                succeeds(old.git(&["fetch", "--quiet", &server.git().url("default"), commit]));
                succeeds(old.git(&["fetch", "--quiet", &server.git().url("default"), "boot"]));
                check(&old);
            }
        }
    }
}

fn with_history(server: &Server) -> Clone {
    let clone = server.git().clone_of("default");
    for state in STATES.split(' ') {
        for (directory, state) in ["one", "two"].iter().zip(state.chars()) {
            let path = clone.path.join(directory);
            let _ = fs::remove_dir_all(&path);
            if state != '-' {
                clone.write(&format!("{directory}/{state}/deep"), format!("{directory} {state}\n"));
                clone.write(&format!("{directory}/same/deep/file"), format!("{directory}\n"));
            }
        }
        succeeds(clone.git(&["add", "--all"]));
        succeeds(clone.git(&["commit", "--quiet", "--allow-empty", "--message", state]));
    }
    succeeds(clone.git(&["push", "--quiet"]));
    clone
}

#[track_caller]
fn check(clone: &Clone) {
    succeeds(clone.git(&["fsck", "--full", "--strict", "--no-dangling"]));
}

fn objects(clone: &Clone, of: &str) -> BTreeSet<String> {
    let list = succeeds(clone.git(&["rev-list", "--objects", "--no-object-names", of]));
    list.lines().map(str::to_owned).collect()
}

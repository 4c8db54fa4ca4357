//! Clones that leave objects out and fetch them when they are needed.

use std::collections::BTreeSet;

use crate::fixture::{Clone, Server, fails, succeeds};

const SMALL: &str = "# small\n";
/// Bytes of the larger file.
const LARGE: usize = 4096;

#[test]
fn a_filter_leaves_out_what_git_would_leave_out() {
    let server = server_with_two_revisions();
    for filter in ["blob:none", "blob:limit=0", "blob:limit=4k", "blob:limit=4097", "tree:0"] {
        let kept = kept_by_git(&server, filter);
        let option = format!("--filter={filter}");
        for git in server.gits(&["0", "2"]) {
            let clone = git.clone_with("default", &[&option, "--no-checkout"]);
            assert_eq!(objects(&clone), kept, "{filter}");
        }
    }
}

#[test]
fn what_was_left_out_comes_when_it_is_checked_out() {
    let server = server_with_two_revisions();
    for filter in ["--filter=blob:none", "--filter=blob:limit=1k", "--filter=tree:0"] {
        for git in server.gits(&["0", "2"]) {
            let clone = git.clone_with("default", &[filter]);
            assert_eq!(clone.read("default/large.conf").len(), LARGE);
            assert_eq!(succeeds(clone.git(&["show", "boot~1:default/small.conf"])), SMALL);
            succeeds(clone.git(&["fsck", "--full", "--strict"]));
        }
    }
}

#[test]
fn only_what_is_checked_out_comes() {
    let server = server_with_two_revisions();
    for git in server.gits(&["0", "2"]) {
        let clone = git.clone_with("default", &["--filter=blob:none"]);
        let whole = server.git().clone_of("default");
        let old = whole.rev("boot~1:default/small.conf");
        let missing: Vec<String> = objects(&whole).difference(&objects(&clone)).cloned().collect();
        assert_eq!(missing, [old]);
    }
}

#[test]
fn a_partial_clone_follows_and_pushes() {
    let server = server_with_two_revisions();
    for filter in ["--filter=blob:none", "--filter=tree:0"] {
        for git in server.gits(&["0", "2"]) {
            let clone = git.clone_with("default", &[filter]);
            let new = format!("# {:?}\n", clone.path);
            let commit = server.git().clone_of("default").push_file("default/theirs.conf", &new);
            succeeds(clone.git(&["pull", "--quiet", "--ff-only"]));
            assert_eq!((clone.rev("HEAD"), clone.read("default/theirs.conf")), (commit, new));
            clone.push_file("default/mine.conf", format!("# {:?}\n", clone.path));
        }
    }
    server.fsck("default");
}

#[test]
fn a_clone_can_be_partial_and_shallow() {
    let server = server_with_two_revisions();
    for git in server.gits(&["0", "2"]) {
        let clone = git.clone_with("default", &["--depth=1", "--filter=blob:none"]);
        assert_eq!(clone.read("default/large.conf").len(), LARGE);
        succeeds(clone.git(&["fetch", "--quiet", "--unshallow"]));
        assert_eq!(succeeds(clone.git(&["show", "boot~1:default/small.conf"])), SMALL);
    }
}

#[test]
fn an_unknown_filter_is_refused_with_its_name() {
    let server = Server::start();
    for git in server.gits(&["0", "2"]) {
        for filter in ["tree:1", "object:type=blob", "sparse:oid=boot"] {
            let url = git.url("default");
            let option = format!("--filter={filter}");
            let said = fails(git.run(&["clone", "--quiet", &option, &url]));
            let expected = format!("the filter \"{filter}\" is not supported by this server");
            assert!(said.contains(&expected), "{said}");
        }
    }
}

/// `default/small.conf`, changed in the second one, and `default/large.conf`.
fn server_with_two_revisions() -> Server {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    clone.write("default/small.conf", SMALL);
    clone.write("default/large.conf", "#".repeat(LARGE));
    clone.commit("First");
    clone.write("default/small.conf", "# changed\n");
    clone.commit("Second");
    succeeds(clone.git(&["push", "--quiet"]));
    server
}

/// The objects of the bare repository that pass the filter.
fn kept_by_git(server: &Server, filter: &str) -> BTreeSet<String> {
    let filter = format!("--filter={filter}");
    let list = ["rev-list", "--objects", "--no-object-names", "--all", &filter];
    server.bare("default", &list).lines().map(str::to_owned).collect()
}

/// The objects that are there, without fetching any.
fn objects(clone: &Clone) -> BTreeSet<String> {
    let list = ["cat-file", "--batch-check=%(objectname)", "--batch-all-objects", "--unordered"];
    succeeds(clone.git(&list)).lines().map(str::to_owned).collect()
}

//! Cut histories. The measure is git itself: the same commands, given to git for the bare repository
//! on the disk, must lead to the same history.

use std::collections::BTreeSet;
use std::fs;
use std::process::Output;

use crate::fixture::{Clone, Git, Server, fails, run_with_input, succeeds};

/// Commits on the first branch of the history that these tests cut.
const COMMITS: u64 = 8;
/// The day of the first commit; each further one is a day younger.
const FIRST_DAY: u64 = 1_600_000_000;
const DAY: u64 = 86_400;

#[test]
fn a_clone_is_as_deep_as_it_was_asked_to_be() {
    let server = server_with_history();
    for depth in ["--depth=1", "--depth=2", "--depth=4", "--depth=5", "--depth=100"] {
        compare(&server, &[depth], &[]);
    }
}

#[test]
fn a_clone_is_cut_on_all_branches_and_at_tags() {
    let server = server_with_history();
    compare(&server, &["--depth=2", "--no-single-branch"], &[]);
    compare(&server, &["--depth=1", "--branch=v4"], &[]);
    compare(&server, &["--depth=3", "--branch=side"], &[]);
}

#[test]
fn a_clone_is_cut_by_date() {
    let server = server_with_history();
    for day in [1, 3, 4, COMMITS] {
        compare(&server, &[&since(day), "--no-single-branch"], &[]);
    }
}

#[test]
fn a_clone_is_cut_at_a_tag_or_a_branch() {
    let server = server_with_history();
    compare(&server, &["--shallow-exclude=v4"], &[]);
    compare(&server, &["--shallow-exclude=side"], &[]);
    compare(&server, &["--shallow-exclude=v2", "--shallow-exclude=side"], &[]);
    compare(&server, &["--shallow-exclude=v2", &since(4)], &[]);
}

#[test]
fn a_cut_history_can_be_made_deeper() {
    let server = server_with_history();
    compare(&server, &["--depth=1"], &[&["--deepen=1"], &["--deepen=2"], &["--deepen=100"]]);
    compare(&server, &["--depth=1"], &[&["--depth=3"], &["--depth=6"], &["--depth=100"]]);
    compare(&server, &["--depth=2"], &[&["--unshallow"]]);
    compare(&server, &["--depth=1"], &[&[&since(4)], &["--shallow-exclude=v2"], &["--unshallow"]]);
    compare(&server, &["--depth=2", "--no-single-branch"], &[&["--deepen=1"], &["--unshallow"]]);
}

#[test]
fn a_history_can_be_made_less_deep() {
    let server = server_with_history();
    compare(&server, &["--depth=6"], &[&["--depth=2"], &["--depth=4"]]);
    compare(&server, &[], &[&["--depth=2"], &["--unshallow"]]);
    compare(&server, &[], &[&["--shallow-exclude=v4"]]);
}

#[test]
fn an_unshallowed_clone_has_all_that_a_whole_one_has() {
    let server = server_with_history();
    for git in server.gits(&["0", "2"]) {
        let (cut, whole) = (git.clone_with("default", &["--depth=1"]), git.clone_of("default"));
        assert_ne!(history(&cut), history(&whole));
        succeeds(cut.git(&["fetch", "--quiet", "--unshallow"]));
        let boot = |clone: &Clone| succeeds(clone.git(&["rev-list", "--objects", "origin/boot"]));
        assert_eq!(boot(&cut), boot(&whole));
        assert!(!cut.path.join(".git/shallow").exists());
    }
}

#[test]
fn a_shallow_clone_fetches_what_is_new() {
    let server = server_with_history();
    let mut gits = vec![on_disk(&server)];
    gits.extend(server.gits(&["0", "2"]));
    let clones: Vec<Clone> =
        gits.iter().map(|git| clone_without_tags(git, &["--depth=2"])).collect();
    let writer = server.git().clone_of("default");
    let fetch_and_compare = |options: &[&str]| {
        clones.iter().for_each(|clone| fetch(clone, options));
        let measure = history(&clones[0]);
        clones.iter().for_each(|clone| assert_eq!(history(clone), measure));
    };
    writer.push_file("default/a.conf", "# new\n");
    fetch_and_compare(&[]);
    // Begins below the cut, so that more is missing than the new commits.
    succeeds(writer.git(&["checkout", "--quiet", "-b", "old", "v2"]));
    writer.commit("On an old one");
    succeeds(writer.git(&["checkout", "--quiet", "boot"]));
    succeeds(writer.git(&["merge", "--quiet", "--no-ff", "--no-edit", "old"]));
    succeeds(writer.git(&["push", "--quiet"]));
    fetch_and_compare(&[]);
    fetch_and_compare(&["--deepen=1"]);
    clones.iter().for_each(|clone| _ = succeeds(clone.git(&["fsck", "--full", "--strict"])));
}

#[test]
fn a_push_from_a_shallow_clone_is_whole() {
    let server = server_with_history();
    for (number, git) in server.gits(&["0", "2"]).into_iter().enumerate() {
        let clone = git.clone_with("default", &["--depth=1"]);
        let commit = clone.push_file("default/a.conf", format!("# {number}\n"));
        server.fsck("default");
        assert_eq!(git.clone_of("default").rev("origin/boot"), commit);
    }
}

#[test]
fn a_cut_that_leaves_nothing_is_refused_in_gits_own_words() {
    let server = server_with_history();
    for git in server.gits(&["0", "2"]) {
        let said = fails(try_clone(&git, &since(1000)));
        assert!(said.contains("no commits selected for shallow requests"), "{said}");
        let said = fails(try_clone(&git, "--shallow-exclude=nowhere"));
        assert!(said.contains("deepen-not is not a ref: nowhere"), "{said}");
    }
}

/// Does the same with the server, in each way, and with git alone, and compares after each step.
#[track_caller]
fn compare(server: &Server, clone: &[&str], fetches: &[&[&str]]) {
    let measure = steps(&on_disk(server), clone, fetches);
    for git in server.gits(&["0", "2"]) {
        assert_eq!(steps(&git, clone, fetches), measure, "{clone:?} {fetches:?}");
    }
}

/// The bare repository itself, served by git.
fn on_disk(server: &Server) -> Git {
    server.git().at(format!("file://{}", server.state("repo").display()))
}

/// The history after a clone and after each fetch.
#[track_caller]
fn steps(git: &Git, options: &[&str], fetches: &[&[&str]]) -> Vec<History> {
    let clone = clone_without_tags(git, options);
    let mut histories = vec![history(&clone)];
    for options in fetches {
        fetch(&clone, options);
        histories.push(history(&clone));
    }
    succeeds(clone.git(&["fsck", "--full", "--strict"]));
    histories
}

/// Which tags git follows by itself, and so from where it counts, depends on the transport.
#[track_caller]
fn clone_without_tags(git: &Git, options: &[&str]) -> Clone {
    git.clone_with("default", &[&["--no-tags"], options].concat())
}

#[track_caller]
fn fetch(clone: &Clone, options: &[&str]) {
    succeeds(clone.git(&[&["fetch", "--quiet"], options].concat()));
}

#[derive(Debug, PartialEq)]
struct History {
    refs: String,
    /// With their parents, as far as they are there.
    commits: String,
    /// Where it is cut.
    ends: BTreeSet<String>,
}

#[track_caller]
fn history(clone: &Clone) -> History {
    let ends = fs::read_to_string(clone.path.join(".git/shallow")).unwrap_or_default();
    History {
        refs: succeeds(clone.git(&["for-each-ref"])),
        commits: succeeds(clone.git(&["rev-list", "--all", "--parents", "--topo-order"])),
        ends: ends.lines().map(str::to_owned).collect(),
    }
}

/// Eight commits, tags at each second one, the branch `side` from the second, merged into the sixth.
fn server_with_history() -> Server {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    let mut stream = commit("boot", 1, "from refs/heads/boot^0\n");
    for day in 2..=COMMITS {
        if day == 6 {
            stream += &commit("side", 4, "from :2\n");
            stream += &commit("side", 5, "");
        }
        stream += &commit("boot", day, if day == 6 { "merge refs/heads/side\n" } else { "" });
        if day % 2 == 0 {
            stream += &format!("tag v{day}\nfrom :{day}\ntagger {}data 0\n", who(day));
        }
    }
    let mut import = clone.git.command(&clone.path);
    succeeds(run_with_input(import.args(["fast-import", "--quiet"]), &stream));
    succeeds(clone.git(&["push", "--quiet", "origin", "boot", "side", "--tags"]));
    server
}

/// A commit in the language of git-fast-import(1).
fn commit(branch: &str, day: u64, parents: &str) -> String {
    let mark = if branch == "boot" { format!("mark :{day}\n") } else { String::new() };
    let file = format!("# {day}\n");
    format!(
        "commit refs/heads/{branch}\n{mark}committer {}data 0\n{parents}\
         M 644 inline default/{branch}.conf\ndata {}\n{file}\n",
        who(day),
        file.len(),
    )
}

fn who(day: u64) -> String {
    format!("Jane <jane@example.com> {} +0000\n", FIRST_DAY + day * DAY)
}

fn since(day: u64) -> String {
    format!("--shallow-since={}", FIRST_DAY + day * DAY)
}

fn try_clone(git: &Git, option: &str) -> Output {
    let dir = tempfile::tempdir().unwrap();
    git.run_in(dir.path(), &["clone", "--quiet", option, &git.url("default"), "clone"])
}

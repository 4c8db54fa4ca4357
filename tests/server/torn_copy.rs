//! A copy of the files that was made while pushes came in has references that are newer than its
//! packs. A server that is started upon it begins with the newest revision that is whole, and says
//! what it lacks.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::fixture::{Clone, Options, Server, succeeds, text};

#[test]
fn a_copy_whose_newest_references_lead_nowhere_starts_with_the_newest_whole_revision() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    let whole = clone.push_file("default/a.conf", "whole\n");
    succeeds(clone.git(&["push", "--quiet", "origin", "boot:running", "boot:topic/one"]));
    let (server, lost) = put_back_torn(server, "var/ecconfigd/repo/default/objects", &clone);
    let warning = warning(&server, "refs/heads/boot");
    let told = format!("refs/heads/boot is set back to revision 2, commit {whole}");
    assert!(warning.contains(&told), "{warning}");
    let newest_first = [&lost[2], &lost[1], &lost[0]].map(|id| id.as_str()).join(", ");
    assert!(warning.contains(&format!("newest first: {newest_first};")), "{warning}");
    for name in ["running", "topic/one"] {
        self::warning(&server, &format!("refs/heads/{name}"));
    }
    assert!(!server.log().contains("ERROR"), "{}", server.log());
    assert_eq!(server.revision("default"), 2);
    server.fsck("default");
    let clone = server.git().clone_of("default");
    assert_eq!(clone.rev("HEAD"), whole);
    assert_eq!(clone.rev("origin/running"), whole);
    clone.push_file("default/a.conf", "after\n");
    succeeds(clone.git(&["push", "--quiet", "origin", "boot:running"]));
    let logged = server.log().len();
    let server = server.restart();
    assert_eq!(server.revision("default"), 3);
    assert!(!server.log()[logged..].contains("lacks"), "{}", server.log());
}

/// The list of the revisions is a file of its own, which may have been copied without the logs.
#[test]
fn the_newest_whole_revision_is_found_without_the_logs_of_the_references() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    let whole = clone.push_file("default/a.conf", "whole\n");
    succeeds(clone.git(&["push", "--quiet", "origin", "boot:running", "boot:topic/one"]));
    let objects = "var/ecconfigd/repo/default/objects";
    let (server, _) = put_back_torn_without(server, objects, &clone, &["logs"]);
    warning(&server, "refs/heads/boot");
    assert_eq!(server.git().clone_of("default").rev("HEAD"), whole);
}

/// What is in a damaged pack may be mended; and what nobody may read only has the wrong owner.
#[test]
fn nothing_is_set_back_while_a_pack_is_damaged() {
    let mut server = Server::start();
    let clone = server.git().clone_of("default");
    server.stop();
    let packs = server.repository("default").join("objects/pack");
    for entry in fs::read_dir(&packs).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().unwrap() == "pack" {
            let length = fs::metadata(&path).unwrap().len();
            fs::remove_file(&path).unwrap();
            fs::write(&path, vec![0; length as usize]).unwrap();
        }
    }
    let boot = server.repository("default").join("refs/heads/boot");
    let server = server.start_again(Options::default());
    assert_eq!(server.curl("/config/default/boot/").send().status, 503);
    assert_eq!(fs::read_to_string(boot).unwrap().trim(), clone.rev("HEAD"));
}

fn put_back_torn(server: Server, first: &str, clone: &Clone) -> (Server, Vec<String>) {
    put_back_torn_without(server, first, clone, &[])
}

/// Starts upon a copy in which `first` was copied before three pushes, and the rest after them.
/// Returns the commits that it lacks.
fn put_back_torn_without(
    mut server: Server,
    first: &str,
    clone: &Clone,
    excluded: &[&str],
) -> (Server, Vec<String>) {
    let archive = server.root.join("copy.tar");
    tar(&server.root, &["-cf", "copy.tar", first]);
    let mut lost = Vec::new();
    for number in 0..3 {
        lost.push(clone.push_file("default/a.conf", format!("{number}\n")));
        succeeds(clone.git(&["push", "--quiet", "origin", "boot:running", "boot:topic/one"]));
    }
    let exclude: Vec<String> =
        excluded.iter().chain(&[first]).map(|path| format!("--exclude={path}")).collect();
    let mut arguments = vec!["-rf", "copy.tar"];
    arguments.extend(exclude.iter().map(String::as_str));
    arguments.push("var/ecconfigd");
    tar(&server.root, &arguments);
    server.stop();
    fs::remove_dir_all(server.root.join("var")).unwrap();
    tar(&server.root, &["-xf", "copy.tar"]);
    fs::remove_file(archive).unwrap();
    (server.start_again(Options::default()), lost)
}

/// It ends with 1 where something has changed meanwhile.
fn tar(root: &Path, arguments: &[&str]) {
    let output = Command::new("tar").args(arguments).current_dir(root).output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", text(&output));
}

#[track_caller]
fn warning(server: &Server, reference: &str) -> String {
    let log = server.log();
    let told = format!("{reference} is set back to ");
    let line = log.lines().find(|line| line.contains(&told) && line.contains("WARN"));
    line.unwrap_or_else(|| panic!("nothing is told of {reference}: {log}")).to_owned()
}

//! What a purge of the package deletes is what the server makes, and no more.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::fixture::{Server, succeeds};

/// Deletes what packaging/lib/made lists, and returns what it tells of.
fn purge(server: &Server) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/lib/made");
    let shell = "set -e; . \"$1\"; delete_state \"$2\"";
    let state = server.root.join("var/ecconfigd");
    succeeds(Command::new("sh").args(["-c", shell, "sh", script]).arg(state).output().unwrap())
}

fn used() -> Server {
    let mut server = Server::start();
    server.git().clone_of("default").push_file("default/a.conf", "a\n");
    assert_eq!(server.curl("/subclusters/west").method("PUT").status, 201);
    succeeds(server.ecconfigd(&["passwd", "jane"], "secret\n"));
    assert!(server.stop().success());
    server
}

#[test]
fn nothing_is_left_of_what_the_server_has_made() {
    let server = used();
    assert_eq!(purge(&server), "");
    let left = fs::read_dir(server.root.join("var/ecconfigd")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_others_have_put_there_stays_and_is_told_of() {
    let server = used();
    let state = server.root.join("var/ecconfigd");
    let copy = |to: &str| {
        let (from, to) = (state.join("repo/default"), state.join(to));
        succeeds(Command::new("cp").arg("-a").arg(from).arg(to).output().unwrap());
    };
    copy("repo/east");
    copy("repo/default.old");
    let files = ["repo/default/refs/heads/notes", "repo/svn/format", "repo/todo", "cluster/plan"];
    for file in files {
        let file = state.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "5\n").unwrap();
    }
    std::os::unix::fs::symlink(state.join("repo/east"), state.join("repo.before-joining-1"))
        .unwrap();
    let told = purge(&server);
    let expected = [
        "repo/east",
        "repo/default.old",
        "repo/default/refs/heads/notes",
        "repo/svn",
        "repo/todo",
        "cluster/plan",
        "repo.before-joining-1",
    ];
    for path in expected {
        assert!(fs::symlink_metadata(state.join(path)).is_ok(), "{path}: {told}");
        let line = format!("left: {}, since", state.join(path).display());
        assert!(told.contains(&line), "{path}: {told}");
    }
    assert_eq!(told.lines().count(), expected.len(), "{told}");
    let whole = |path: &Path| path.join("HEAD").is_file() && path.join("objects/pack").is_dir();
    assert!(whole(&state.join("repo/east")));
}

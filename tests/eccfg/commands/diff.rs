//! The local changes, as git shows them.

use std::os::unix::fs::symlink;

use crate::fixture::Server;
use crate::machine::Machine;

#[test]
fn it_is_what_git_shows() {
    let server = Server::start();
    let machine = Machine::of(&server);
    assert_eq!(machine.ok("diff"), "");
    machine.write("default/common.conf", "changed\n");
    machine.write("default/eccluster.conf", [0, 1, 2, 0]);
    machine.remove("default/ecelerity.conf");
    machine.chmod("default/ecelerity-cluster.conf", 0o755);
    machine.write("default/unknown.conf", "unknown\n");
    symlink("nowhere", machine.conf.join("link")).unwrap();
    machine.git(".", &["add", "--intent-to-add", "link"]);
    let shown = machine.ok("diff");
    assert_eq!(shown, machine.git(".", &["diff", "HEAD"]));
    assert!(shown.contains("old mode 100644\nnew mode 100755\n"), "{shown}");
    assert!(shown.contains("deleted file mode 100644"), "{shown}");
    assert!(shown.contains("Binary files a/default/eccluster.conf"), "{shown}");
    let only = machine.ok("diff default/common.conf");
    assert_eq!(only, machine.git(".", &["diff", "HEAD", "--", "default/common.conf"]));
}

#[test]
fn files_of_global_are_shown_with_their_whole_path() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.commit_file("global/all.conf", "one\n");
    machine.write("global/all.conf", "two\n");
    let shown = machine.ok("diff");
    assert!(shown.starts_with("diff --git a/global/all.conf b/global/all.conf\n"), "{shown}");
    assert!(
        shown.ends_with("--- a/global/all.conf\n+++ b/global/all.conf\n@@ -1 +1 @@\n-one\n+two\n"),
        "{shown}"
    );
}

#[test]
fn to_look_writes_nothing() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.write("default/common.conf", "changed\n");
    let count = || machine.git(".", &["count-objects", "-v"]);
    let before = count();
    for line in ["diff", "status", "log", "info", "cat default/common.conf"] {
        assert!(!machine.ok(line).is_empty());
        assert_eq!(count(), before, "{line}");
    }
}

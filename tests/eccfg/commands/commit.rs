//! Commits of the local changes.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use crate::fixture::Server;
use crate::machine::Machine;

#[test]
fn nothing_changed_is_nothing_to_commit() {
    let server = Server::start();
    let machine = Machine::of(&server);
    assert_eq!(machine.ok("commit"), "Nothing to commit\n");
    assert_eq!(machine.ok("commit --quiet"), "");
    assert_eq!(server.revision("default"), 1);
}

#[test]
fn what_is_sent_is_told() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.write("default/ecelerity.conf", "changed\n");
    machine.write("default/new.conf", "new\n");
    machine.remove("default/common.conf");
    assert_eq!(
        machine.ok("commit --add-all --delete-all -m Why"),
        "Deleting       default/common.conf\n\
         Sending        default/ecelerity.conf\n\
         Adding         default/new.conf\n\
         Transmitting file data.\n\
         Committed revision 2.\n"
    );
    machine.assert_clean();
    assert_eq!(machine.git(".", &["log", "-1", "--format=%an %s"]), "admin Why\n");
    assert_eq!(server.bare("default", &["log", "-1", "--format=%an %s", "boot"]), "admin Why\n");
    assert_eq!(server.curl("/config/default/boot/default/new.conf").send().text(), "new\n");
    assert_eq!(machine.reloads(), 0, "a commit does not reload");
}

#[test]
fn quiet_commits_without_a_word() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.write("default/ecelerity.conf", "changed\n");
    assert_eq!(machine.ok("commit --quiet -m Why"), "");
    assert_eq!(server.revision("default"), 2);
}

#[test]
fn a_commit_needs_a_reason() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.write("default/ecelerity.conf", "changed\n");
    for line in ["commit", "commit -m ''", "commit -m ' '"] {
        let said = machine.fails(2, line);
        assert!(said.contains("give it with --message TEXT"), "{said}");
    }
    assert_eq!(server.revision("default"), 1);
}

#[test]
fn in_a_pipe_unknown_and_missing_files_are_left_and_told() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.write("default/new.conf", "new\n");
    machine.remove("default/common.conf");
    let said = machine.warns("commit -m Why");
    assert!(said.contains("default/new.conf is left out: --add-all would take it"), "{said}");
    assert!(said.contains("default/common.conf is left out: --delete-all would"), "{said}");
    assert_eq!(server.revision("default"), 1);
    assert_eq!(machine.ok("commit --quiet -m Why"), "");
}

#[test]
fn on_a_terminal_each_is_asked_about_and_a_new_directory_once() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.write("n1/a.conf", "a\n");
    machine.write("n1/b/c.conf", "c\n");
    machine.write("other.conf", "no\n");
    machine.remove("default/common.conf");
    let answers = [
        ("Delete default/common.conf? (y/n) ", "y"),
        ("Add n1? (y/n) ", "y"),
        ("Add other.conf? (y/n) ", "n"),
        ("Why? ", "A reason"),
    ];
    let (code, shown) = machine.answers("commit", &answers);
    assert_eq!(code, Some(0), "{shown}");
    assert_eq!(shown.matches("(y/n)").count(), 3, "{shown}");
    assert_eq!(machine.ok("status"), "?    other.conf\n");
    assert_eq!(machine.git(".", &["log", "-1", "--format=%s"]), "A reason\n");
    assert!(machine.git(".", &["ls-files"]).contains("n1/b/c.conf"));
}

#[test]
fn the_subcluster_and_global_are_told_separately() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.write("default/ecelerity.conf", "changed\n");
    machine.write("global/all.conf", "all\n");
    assert_eq!(
        machine.ok("commit --add-all -m Both"),
        "Sending        default/ecelerity.conf\n\
         Transmitting file data.\n\
         Committed revision 2.\n\
         Adding         global/all.conf\n\
         Transmitting file data.\n\
         Committed revision 2 of global.\n"
    );
    machine.assert_clean();
    assert_eq!(server.curl("/config/global/boot/all.conf").send().text(), "all\n");
    assert_eq!(machine.git("global", &["log", "-1", "--format=%s"]), "Both\n");
}

#[test]
fn others_changes_to_other_files_do_not_hinder() {
    let server = Server::start();
    let (one, two) = (Machine::of(&server), Machine::of(&server));
    one.commit_file("default/one.conf", "one\n");
    two.write("default/two.conf", "two\n");
    let told = two.ok("commit --add-all -m Two");
    assert!(told.contains("Committed revision 3.\nOthers have committed as well"), "{told}");
    assert!(two.ok("info").contains("\nRevision: 1\n"));
    two.assert_clean();
    assert!(!two.has("default/one.conf"), "theirs come with the next pull");
    assert_eq!(two.ok("commit -m Again"), "Nothing to commit\n");
    two.commit_file("default/two.conf", "two again\n");
    two.assert_clean();
    assert_eq!(server.revision("default"), 4);
    let told = two.ok("pull");
    assert!(told.contains("A    default/one.conf\n"), "{told}");
    assert!(!told.contains("two.conf"), "{told}");
    two.assert_clean();
    one.ok("pull");
    assert_eq!(one.read("default/two.conf"), "two again\n");
    one.assert_clean();
    server.fsck("default");
}

#[test]
fn others_changes_to_the_same_files_are_listed_and_nothing_is_sent() {
    let server = Server::start();
    let (one, two) = (Machine::of(&server), Machine::of(&server));
    one.write("default/common.conf", "one\n");
    one.write("default/ecelerity.conf", "one\n");
    one.ok("commit -m One");
    two.write("default/common.conf", "two\n");
    two.remove("default/ecelerity.conf");
    two.write("default/eccluster.conf", "fits\n");
    let said = two.fails(1, "commit --delete-all -m Two");
    assert!(said.contains("default/common.conf, default/ecelerity.conf"), "{said}");
    assert!(!said.contains("eccluster.conf") && said.contains("eccfg pull"), "{said}");
    assert_eq!(server.revision("default"), 2);
    assert_eq!(
        two.ok("status"),
        "M    default/common.conf\nM    default/eccluster.conf\n!    default/ecelerity.conf\n"
    );
}

#[test]
fn what_others_committed_alike_is_no_conflict() {
    let server = Server::start();
    let (one, two) = (Machine::of(&server), Machine::of(&server));
    one.commit_file("default/common.conf", "same\n");
    two.write("default/common.conf", "same\n");
    let told = two.ok("commit -m Two");
    assert!(told.contains("the server has these changes already"), "{told}");
    two.assert_clean();
    assert_eq!(server.revision("default"), 2);
    two.ok("pull");
    two.assert_clean();
}

#[test]
fn every_byte_is_kept() {
    let server = Server::start();
    let (one, two) = (Machine::of(&server), Machine::of(&server));
    one.write("bytes/crlf.conf", "a\r\nb\r\n");
    one.write("bytes/empty.conf", "");
    one.write("bytes/binary", [0, 159, 146, 150, 13, 10, 0]);
    one.write("bytes/no newline", "x");
    one.write("bytes/$Id$ é.conf", "$Id$\n");
    one.write("bytes/run.sh", "#!/bin/sh\n");
    one.chmod("bytes/run.sh", 0o755);
    symlink("../default/nowhere", one.conf.join("bytes/link")).unwrap();
    one.ok("commit --add-all -m Bytes");
    one.assert_clean();
    two.ok("pull");
    two.assert_clean();
    for name in ["crlf.conf", "empty.conf", "binary", "no newline", "$Id$ é.conf", "run.sh"] {
        let read =
            |machine: &Machine| std::fs::read(machine.conf.join("bytes").join(name)).unwrap();
        assert_eq!(read(&one), read(&two), "{name}");
    }
    assert_eq!(two.mode("bytes/run.sh") & 0o111, 0o111);
    let link = std::fs::read_link(two.conf.join("bytes/link")).unwrap();
    assert_eq!(link.to_str(), Some("../default/nowhere"));
}

#[test]
fn the_right_to_execute_is_a_change() {
    let server = Server::start();
    let (one, two) = (Machine::of(&server), Machine::of(&server));
    one.commit_file("run.sh", "#!/bin/sh\n");
    two.ok("pull");
    two.chmod("run.sh", 0o600);
    assert_eq!(two.ok("status"), "", "who may read is no change");
    one.chmod("run.sh", 0o755);
    assert_eq!(one.ok("status"), "M    run.sh\n");
    one.ok("commit -m Run");
    one.assert_clean();
    two.ok("pull");
    assert_eq!(two.mode("run.sh"), 0o700, "only who may read may execute");
}

#[test]
fn a_file_becomes_a_directory_and_back_and_a_link() {
    let server = Server::start();
    let (one, two) = (Machine::of(&server), Machine::of(&server));
    one.commit_file("thing", "file\n");
    two.ok("pull");
    one.remove("thing");
    one.write("thing/inside", "inside\n");
    assert_eq!(one.ok("status"), "!    thing\n?    thing/inside\n");
    one.ok("commit --add-all --delete-all -m Directory");
    one.assert_clean();
    two.ok("pull");
    two.assert_clean();
    assert_eq!(two.read("thing/inside"), "inside\n");
    std::fs::remove_dir_all(one.conf.join("thing")).unwrap();
    one.write("thing", "file again\n");
    one.ok("commit --add-all --delete-all -m File");
    one.assert_clean();
    two.ok("pull");
    two.assert_clean();
    assert_eq!(two.read("thing"), "file again\n");
    one.remove("thing");
    symlink("default", one.conf.join("thing")).unwrap();
    assert_eq!(one.ok("status"), "M    thing\n");
    one.ok("commit -m Link");
    one.assert_clean();
    two.ok("pull");
    two.assert_clean();
    assert!(two.conf.join("thing").is_symlink());
}

#[test]
fn a_name_that_no_node_could_hold_is_told() {
    let server = Server::start();
    let machine = Machine::of(&server);
    let name = std::ffi::OsStr::from_bytes(b"bad-\xff.conf");
    std::fs::write(machine.conf.join(name), "x\n").unwrap();
    assert_eq!(machine.ok("status"), "?    bad-\u{fffd}.conf\n");
    let said = machine.fails(1, "commit --add-all -m Bad");
    assert!(said.contains("bad-\u{fffd}.conf") && said.contains("UTF-8"), "{said}");
    server.git().clone_of("default").push_file("new.conf", "new\n");
    machine.ok("pull");
    assert!(machine.conf.join(name).exists());
}

#[test]
fn ignored_files_are_neither_told_nor_sent() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.write(".gitignore", "*.swp\n/private/\n");
    machine.write("default/.x.swp", "swap\n");
    machine.write("private/key", "key\n");
    assert_eq!(machine.ok("status"), "?    .gitignore\n");
    machine.ok("commit --add-all -m Ignore");
    machine.assert_clean();
    server.git().clone_of("default").push_file("new.conf", "new\n");
    machine.ok("pull");
    assert_eq!(
        (machine.read("default/.x.swp"), machine.read("private/key")),
        ("swap\n".into(), "key\n".into())
    );
    machine.assert_clean();
}

#[test]
fn a_reader_and_the_service_may_not_commit() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.write("default/ecelerity.conf", "changed\n");
    let password = server.password("ecuser");
    let said = machine.fails(1, &format!("-u ecuser -p {password} commit -m Why"));
    assert!(said.contains("this account may write the branch running only"), "{said}");
    assert_eq!(machine.ok("status"), "M    default/ecelerity.conf\n");
    let said = machine.fails(3, "-p wrong commit -m Why");
    assert!(said.contains("admin"), "{said}");
}

#[test]
fn what_git_has_staged_is_committed_too() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.write("default/new.conf", "new\n");
    machine.write("default/common.conf", "changed\n");
    machine.git(".", &["add", "default/new.conf", "default/common.conf"]);
    machine.git(".", &["rm", "--quiet", "default/eccluster.conf"]);
    assert_eq!(
        machine.ok("status"),
        "M    default/common.conf\nD    default/eccluster.conf\nA    default/new.conf\n"
    );
    machine.ok("commit -m Staged");
    machine.assert_clean();
}

#[test]
fn what_was_committed_with_git_is_a_local_change() {
    let server = Server::start();
    let (one, two) = (Machine::of(&server), Machine::of(&server));
    two.write("default/common.conf", "changed\n");
    two.git(".", &["commit", "--quiet", "--all", "-m", "By hand"]);
    two.git(".", &["switch", "--quiet", "-c", "topic"]);
    assert_eq!(two.ok("status"), "M    default/common.conf\n");
    one.commit_file("new.conf", "new\n");
    two.ok("pull");
    assert_eq!(two.read("default/common.conf"), "changed\n");
    assert_eq!(two.ok("status"), "M    default/common.conf\n");
    two.ok("commit -m 'As it should be'");
    two.assert_clean();
    one.ok("pull");
    assert_eq!(one.read("default/common.conf"), "changed\n");
}

#[test]
fn what_is_refused_of_one_repository_does_not_undo_the_other() {
    let server = Server::start();
    let (one, two) = (Machine::of(&server), Machine::of(&server));
    one.commit_file("global/all.conf", "one\n");
    two.write("default/common.conf", "two\n");
    two.write("global/all.conf", "two\n");
    let said = two.fails(1, "commit --add-all -m Both");
    assert!(said.contains("Committed revision 2.\n") && said.contains("global/all.conf"), "{said}");
    assert_eq!(two.ok("status"), "?    global/all.conf\n");
    assert_eq!(server.revision("default"), 2);
}

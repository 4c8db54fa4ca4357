//! A letter and the path for each local change.

use crate::fixture::Server;
use crate::machine::Machine;

#[test]
fn every_kind_of_change_has_its_letter() {
    let server = Server::start();
    let machine = Machine::of(&server);
    assert_eq!(machine.ok("status"), "");
    machine.write("default/common.conf", "changed\n");
    machine.write("default/unknown.conf", "unknown\n");
    machine.write("default/added.conf", "added\n");
    machine.git(".", &["add", "default/added.conf"]);
    machine.remove("default/eccluster.conf");
    machine.ok("delete default/ecelerity.conf");
    machine.write("global/all.conf", "all\n");
    let all = "A    default/added.conf\n\
               M    default/common.conf\n\
               !    default/eccluster.conf\n\
               D    default/ecelerity.conf\n\
               ?    default/unknown.conf\n\
               ?    global/all.conf\n";
    assert_eq!(machine.ok("status"), all);
    assert_eq!(machine.ok("status --quiet"), all, "it is what was asked for");
    assert_eq!(machine.ok("status global"), "?    global/all.conf\n");
    assert_eq!(
        machine.ok("status default/common.conf default/eccluster.conf"),
        "M    default/common.conf\n!    default/eccluster.conf\n"
    );
    assert_eq!(machine.ok("status default/ecelerity-cluster.conf"), "");
}

#[test]
fn paths_are_of_the_working_copy_wherever_one_stands() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.write("default/common.conf", "changed\n");
    let changed = "M    default/common.conf\n";
    for (typed, here) in [
        ("default/common.conf", "/"),
        ("./default/../default/common.conf", "/"),
        ("common.conf", machine.conf.join("default").to_str().unwrap()),
        ("default", machine.conf.to_str().unwrap()),
        (machine.conf.join("default").to_str().unwrap(), "/"),
    ] {
        let output = machine.eccfg(&["status", typed]).current_dir(here).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), changed, "{typed} in {here}");
    }
    for outside in ["/etc/passwd", "../cluster.boot", "default/../../x", ".git/HEAD", "global/.git"]
    {
        let said = machine.fails(2, &format!("status {outside}"));
        assert!(said.contains("leads outside of the working copy"), "{said}");
    }
}

#[test]
fn a_path_that_is_nowhere_is_told() {
    let server = Server::start();
    let machine = Machine::of(&server);
    for command in ["status", "diff", "revert", "resolve"] {
        let said = machine.fails(1, &format!("{command} default/comon.conf"));
        assert!(said.contains("there is no default/comon.conf"), "{said}");
    }
}

#[test]
fn a_file_that_was_rewritten_alike_is_unchanged() {
    let server = Server::start();
    let machine = Machine::of(&server);
    let content = machine.read("default/common.conf");
    machine.write("default/common.conf", "other\n");
    machine.write("default/common.conf", content);
    machine.assert_clean();
}

#[test]
fn a_change_of_the_same_size_at_the_same_time_is_seen() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.commit_file("x.conf", "aaaa\n");
    machine.write("x.conf", "bbbb\n");
    assert_eq!(machine.ok("status"), "M    x.conf\n");
    server.git().clone_of("default").push_file("other.conf", "new\n");
    machine.ok("pull");
    machine.write("x.conf", "cccc\n");
    assert_eq!(machine.ok("status"), "M    x.conf\n");
}

#[test]
fn control_characters_in_names_do_not_reach_the_terminal() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.write("bad\u{1b}[2J\nname", "x\n");
    assert_eq!(machine.ok("status"), "?    bad\u{fffd}[2J\u{fffd}name\n");
}

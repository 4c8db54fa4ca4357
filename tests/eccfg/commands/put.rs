//! Single files and the running configuration put into the repository.

use std::fs;

use crate::fixture::{Server, succeeds, text};
use crate::machine::Machine;

#[test]
fn a_file_is_put_if_and_only_if_it_differs() {
    let server = Server::start();
    let machine = Machine::of(&server);
    let source = machine.root.join("source.conf");
    fs::write(&source, "1\r\n").unwrap();
    let put = |to: &str| machine.ok(&format!("put {} {to}", source.display()));
    assert_eq!(put("n1/x.conf"), "Committed revision 2.\n");
    assert_eq!(put("n1/x.conf"), "Nothing to commit\n");
    assert_eq!(server.curl("/config/default/boot/n1/x.conf").send().text(), "1\r\n");
    assert!(!machine.has("n1/x.conf"), "it comes with the next pull");
    fs::write(&source, "2\n").unwrap();
    assert_eq!(put("-m Why n1/x.conf --quiet"), "");
    machine.ok("pull");
    assert_eq!(machine.read("n1/x.conf"), "2\n");
    assert_eq!(machine.git(".", &["log", "--format=%s"]).lines().next(), Some("Why"));
    assert_eq!(put("global/all.conf"), "Committed revision 2 of global.\n");
    machine.assert_clean();
}

#[test]
fn a_file_put_over_a_link_is_a_file() {
    let server = Server::start();
    let machine = Machine::of(&server);
    std::os::unix::fs::symlink("default", machine.conf.join("link")).unwrap();
    machine.ok("commit --add-all -m Link");
    let source = machine.root.join("source.conf");
    fs::write(&source, "text\n").unwrap();
    machine.ok(&format!("put {} link", source.display()));
    machine.ok("pull");
    assert_eq!(machine.read("link"), "text\n");
    assert!(!machine.conf.join("link").is_symlink());
}

#[test]
fn what_cannot_be_put_is_refused() {
    let server = Server::start();
    let machine = Machine::of(&server);
    for (line, code, why) in [
        ("put /nowhere/x n1/x.conf", 6, "/nowhere/x: No such file"),
        ("put /etc/passwd", 2, "where is /etc/passwd to be put?"),
        ("put /etc/passwd default", 1, "default cannot be made, for default/"),
        ("put /etc/passwd /etc/x", 2, "leads outside"),
        ("put /etc/passwd .", 2, "name the file"),
        ("put /etc/passwd global", 2, "name the file"),
    ] {
        let said = machine.fails(code, line);
        assert!(said.contains(why), "{line}: {said}");
    }
    assert_eq!(server.revision("default"), 1);
}

#[test]
fn the_running_configuration_is_saved_if_it_changed() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.write_etc("cluster.boot", "cluster_name=default\nnode_name=mta1\n");
    let put =
        |what: &str| machine.ok(&format!("put running --running-command 'echo {what}' -u admin"));
    assert!(put("one").starts_with("Committed "));
    assert_eq!(put("one"), "Nothing to commit\n");
    assert!(put("two").starts_with("Committed "));
    assert_eq!(server.bare("default", &["show", "running:mta1/running.conf"]), "two\n");
    assert_eq!(server.bare("default", &["rev-list", "--count", "running"]), "2\n");
    assert_eq!(server.revision("default"), 1, "the live configuration has nothing to do with it");
    machine.assert_clean();
}

#[test]
fn each_node_has_its_own() {
    let server = Server::start();
    for name in ["mta1", "mta2"] {
        let machine = Machine::of(&server);
        machine.write_etc("cluster.boot", &format!("cluster_name=default\nnode_name={name}\n"));
        machine.ok("put running --running-command 'echo x' -u admin");
    }
    let files = server.bare("default", &["ls-tree", "-r", "--name-only", "running"]);
    assert_eq!(files, "mta1/running.conf\nmta2/running.conf\n");
}

#[test]
fn unattended_it_asks_as_the_service() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.store_password(&server);
    let mut command = machine.eccfg(&["put", "running", "--running-command", "echo x", "--quiet"]);
    let output = command.env_remove("ECCFG_PASSWORD").env_remove("USER").output().unwrap();
    assert_eq!(succeeds(output), "");
    assert_eq!(server.bare("default", &["log", "--format=%an", "running"]), "ecuser\n");
}

#[test]
fn a_mail_server_that_does_not_answer_saves_nothing() {
    let server = Server::start();
    let machine = Machine::of(&server);
    for (command, why) in [
        ("echo not running >&2; exit 1", "not running"),
        ("true", "it said nothing"),
        ("echo half; exit 1", "half"),
    ] {
        let output = machine
            .eccfg(&["put", "running", "-u", "admin", "--running-command", command])
            .output();
        let said = text(&output.unwrap());
        assert!(
            said.contains("the running configuration was not saved") && said.contains(why),
            "{said}"
        );
    }
    let said = machine.fails(1, "put running -u admin");
    assert!(said.contains("ec_console /tmp/2025 config show"), "{said}");
    assert_eq!(server.bare("default", &["branch", "--list", "running"]), "");
}

#[test]
fn the_running_command_stands_in_the_file_environment() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.write_etc("environment", "ECCFG_RUNNING='echo configured'\n");
    machine.write_etc("cluster.boot", "cluster_name=default\nnode_name=mta1\n");
    machine.ok("put running -u admin");
    assert_eq!(server.bare("default", &["show", "running:mta1/running.conf"]), "configured\n");
}

#[test]
fn the_command_has_no_terminal_where_it_could_type_for_root() {
    let server = Server::start();
    let machine = Machine::of(&server);
    machine.write_etc("cluster.boot", "cluster_name=default\nnode_name=mta1\n");
    let command = "cut -d ' ' -f 7 /proc/self/stat";
    let line = format!("put running -u admin --running-command \"{command}\"");
    let (code, shown) = machine.answers(&line, &[]);
    assert_eq!(code, Some(0), "{shown}");
    assert_eq!(server.bare("default", &["show", "running:mta1/running.conf"]), "0\n");
}

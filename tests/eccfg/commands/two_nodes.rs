//! A day of two nodes, as the manual's chapter tells it.

use crate::fixture::Server;
use crate::machine::Machine;

#[test]
fn two_nodes_share_a_configuration() {
    let server = Server::start();
    let (boot, two) = (Machine::new(&server), Machine::new(&server));
    for (node, name) in [(&boot, "boot"), (&two, "two")] {
        node.write_etc("cluster.boot", &format!("cluster_name=default\nnode_name={name}\n"));
        assert!(node.bootstrap("-u admin").contains("A    default/ecelerity.conf\n"));
    }

    // An edit is committed on one node and comes to the other.
    let before = boot.read("default/ecelerity.conf");
    boot.write("default/ecelerity.conf", format!("# Edited.\n{before}"));
    assert_eq!(boot.ok("status"), "M    default/ecelerity.conf\n");
    assert!(boot.ok("diff").contains("\n+# Edited.\n"));
    let told = boot.ok("commit --message 'Edit it'");
    assert!(told.starts_with("Sending        default/ecelerity.conf\n"), "{told}");
    assert!(told.ends_with("Transmitting file data.\nCommitted revision 2.\n"), "{told}");
    assert!(two.ok("pull").starts_with("U    default/ecelerity.conf\n"));
    assert_eq!(two.read("default/ecelerity.conf"), boot.read("default/ecelerity.conf"));
    assert_eq!(two.reloads(), 1);

    // A node's own directory, and global.
    boot.write("boot/ecelerity.conf", "# Of the node boot.\n");
    boot.write("global/msgc_server.conf", "# Of all.\n");
    let told = boot.ok("commit --add-all -m 'Own and all'");
    assert!(told.contains("Committed revision 3.\n"), "{told}");
    assert!(told.contains("Committed revision 2 of global.\n"), "{told}");
    two.ok("pull");
    assert_eq!(two.read("global/msgc_server.conf"), "# Of all.\n");

    // Both edit the same line: three ways to end it.
    for (round, way) in ["--mine", "--theirs", "--manual"].into_iter().enumerate() {
        let line = |who: &str| format!("# {who} {round}\n{before}");
        boot.write("default/ecelerity.conf", line("boot"));
        boot.ok("commit -m 'By boot'");
        two.write("default/ecelerity.conf", line("two"));
        let said = two.fails(1, "commit -m 'By two'");
        assert!(said.contains("newer changes to the same files: default/ecelerity.conf"), "{said}");
        let said = two.fails(1, "pull");
        assert!(said.contains("C    default/ecelerity.conf"), "{said}");
        assert_eq!(two.read("default/ecelerity.conf"), line("two"), "nothing was changed");
        match way {
            "--mine" => {
                two.ok("pull --mine");
                assert_eq!(two.read("default/ecelerity.conf"), line("two"));
                two.ok("commit -m 'Of two'");
            }
            "--theirs" => {
                two.ok("pull --theirs");
                assert_eq!(two.read("default/ecelerity.conf"), line("boot"));
            }
            _ => {
                two.fails(1, "pull --manual");
                assert!(two.read("default/ecelerity.conf").starts_with("<<<<<<< local\n# two 2\n"));
                two.write("default/ecelerity.conf", line("both"));
                two.ok("resolve default/ecelerity.conf");
                two.ok("commit -m 'Of both'");
            }
        }
        two.assert_clean();
        boot.ok("pull");
        boot.assert_clean();
        assert_eq!(boot.read("default/ecelerity.conf"), two.read("default/ecelerity.conf"));
    }

    // Changes that nobody wants.
    two.write("default/common.conf", "wrong\n");
    two.ok("delete default/eccluster.conf");
    two.ok("revert default/common.conf default/eccluster.conf");
    two.assert_clean();

    // The second node gets what the first has, then the first one's on top of its own.
    two.ok("clone boot two");
    two.ok("pull");
    assert_eq!(two.read("two/ecelerity.conf"), "# Of the node boot.\n");
    two.commit_file("two/own.conf", "own\n");
    boot.ok("pull");
    boot.commit_file("boot/more.conf", "more\n");
    two.ok("overlay boot two");
    two.ok("pull");
    assert_eq!(
        (two.read("two/own.conf"), two.read("two/more.conf")),
        ("own\n".into(), "more\n".into())
    );

    // The running configurations are kept beside.
    for (node, name) in [(&boot, "boot"), (&two, "two")] {
        node.ok(&format!("put running -u admin --running-command 'echo {name}'"));
        let kept = server.bare("default", &["show", &format!("running:{name}/running.conf")]);
        assert_eq!(kept, format!("{name}\n"));
        node.ok("pull");
        node.assert_clean();
    }
    assert_eq!(boot.files(), two.files());
    for subcluster in ["default", "global"] {
        server.fsck(subcluster);
        server.assert_tidy(subcluster);
    }
}

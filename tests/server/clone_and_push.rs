//! What everybody does every day, with every git, protocol version and version of HTTP.

use crate::fixture::{Git, Server, all_gits, fails, succeeds};

/// Every way in which git may speak to this server.
fn every_way(server: &Server) -> Vec<Git> {
    let mut ways = Vec::new();
    for program in all_gits() {
        for protocol in ["0", "1", "2"] {
            for http in ["HTTP/1.1", "HTTP/2"] {
                let git = server.git().program(&program);
                let git = git.option(&format!("protocol.version={protocol}"));
                ways.push(git.option(&format!("http.version={http}")));
            }
        }
    }
    ways
}

#[test]
fn each_git_clones_pushes_and_fetches_in_each_way() {
    let server = Server::start();
    for (number, git) in every_way(&server).into_iter().enumerate() {
        let (one, other) = (git.clone_of("default"), git.clone_of("default.git"));
        assert!(one.read("default/ecelerity.conf").starts_with('#'));
        let commit = one.push_file("default/ecelerity.conf", format!("# {number}\n"));
        succeeds(other.git(&["pull", "--quiet", "--ff-only"]));
        assert_eq!(other.rev("HEAD"), commit);
        succeeds(other.git(&["fsck", "--full", "--strict"]));
        let refs = succeeds(git.run(&["ls-remote", &git.url("default")]));
        assert!(refs.contains(&format!("{commit}\trefs/heads/boot")), "{refs}");
    }
    server.fsck("default");
}

#[test]
fn a_push_tells_the_revision_it_became() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    clone.write("default/ecelerity.conf", "# two\n");
    clone.commit("Second");
    let output = clone.git(&["push"]);
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("remote: Committed revision 2."));
    assert!(server.log().contains("admin committed revision 2 of default from 127.0.0.1"));
}

#[test]
fn the_one_who_comes_second_is_told_in_gits_own_words() {
    let server = Server::start();
    let (one, other) = (server.git().clone_of("default"), server.git().clone_of("default"));
    one.push_file("default/a.conf", "a\n");
    other.write("default/b.conf", "b\n");
    other.commit("Too late");
    let said = fails(other.git(&["push"]));
    assert!(said.contains("[rejected]") && said.contains("(fetch first)"), "{said}");
    succeeds(other.git(&["pull", "--quiet", "--rebase"]));
    succeeds(other.git(&["push", "--quiet"]));
}

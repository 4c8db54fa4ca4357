//! The password file of the original is honoured, and needed less with each login.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use md5::{Digest, Md5};

use crate::fixture::{Git, Options, Reply, Server, eventually, fails, succeeds};

const REALM: &str = "ecconfigd repo";

#[test]
fn passwords_of_the_original_work_and_none_are_made_beside_them() {
    let server = migrated();
    for account in ["admin", "ecuser", "jane"] {
        assert_eq!(login(&server, account, "wrong").status, 401);
        assert_eq!(login(&server, account, "secret").status, 200);
        assert_eq!(login(&server, account, "secret").status, 200);
    }
    assert!(!server.state("initial-passwords").exists());
}

#[test]
fn names_have_their_roles() {
    let server = migrated();
    let git = |account| {
        let url = format!("https://{account}:secret@{}/config", server.address);
        Git::new(url, server.certificate())
    };
    git("admin").clone_of("default").push_file("default/a.conf", "a\n");
    let service = git("ecuser").clone_of("default");
    succeeds(service.git(&["push", "origin", "HEAD:running"]));
    fails(service.git(&["push", "origin", "HEAD:topic"]));
    fails(git("jane").clone_of("default").git(&["push", "origin", "HEAD:running"]));
}

#[test]
fn the_first_good_login_upgrades_a_password_to_argon2id() {
    let mut server = migrated();
    let accounts =
        |server: &Server| fs::read_to_string(server.state("accounts")).unwrap_or_default();
    assert_eq!(login(&server, "admin", "wrong").status, 401);
    assert_eq!(accounts(&server), "");
    assert_eq!(login(&server, "admin", "secret").status, 200);
    let text = accounts(&server);
    assert!(text.contains("\nadmin:administrator:$argon2id$"), "{text}");
    assert!(!text.contains("ecuser"), "{text}");

    // It no longer depends on the old file.
    fs::remove_file(server.state("repo/svn-auth.htdigest")).unwrap();
    server = server.restart();
    assert_eq!(login(&server, "admin", "secret").status, 200);
}

#[test]
fn users_tells_whose_password_is_still_in_the_old_file() {
    let server = migrated();
    assert_eq!(login(&server, "admin", "secret").status, 200);
    let listed = succeeds(server.ecconfigd(&["users"], ""));
    let old: Vec<&str> = listed.lines().filter(|line| line.contains("svn-auth.htdigest")).collect();
    assert!(
        old.len() == 2 && old[0].starts_with("ecuser") && old[1].starts_with("jane"),
        "{listed}"
    );
    assert!(old[0].contains("service") && old[1].contains("reader"), "{listed}");
}

#[test]
fn a_password_that_was_set_here_goes_before_that_of_the_old_file() {
    let server = migrated();
    succeeds(server.ecconfigd(&["passwd", "admin"], "new"));
    assert_eq!(login(&server, "admin", "new").status, 200);
    assert_eq!(login(&server, "admin", "secret").status, 401);
    let listed = succeeds(server.ecconfigd(&["users"], ""));
    assert!(listed.contains("administrator\n"), "{listed}");
}

#[test]
fn lines_of_other_realms_and_forms_are_passed_over() {
    let server = Server::with(Options {
        prepare: Some(|root| {
            let other = line("admin", "another realm", "secret");
            write(
                root,
                &format!(
                    "# A comment\n\n{other}{}nonsense:{REALM}:\n",
                    line("jane", REALM, "secret")
                ),
            );
        }),
        ..Options::default()
    });
    assert_eq!(login(&server, "admin", "secret").status, 401);
    assert_eq!(login(&server, "nonsense", "").status, 401);
    assert_eq!(login(&server, "jane", "secret").status, 200);
    assert_eq!(server.curl("/config/").send().status, 200, "one was made for admin");
}

#[test]
fn the_old_file_is_never_written() {
    let mut server = migrated();
    let facts = |server: &Server| {
        let path = server.state("repo/svn-auth.htdigest");
        let metadata = fs::metadata(&path).unwrap();
        (metadata.ino(), metadata.mtime(), metadata.mtime_nsec(), fs::read(path).unwrap())
    };
    let before = facts(&server);
    assert_eq!(login(&server, "admin", "secret").status, 200);
    succeeds(server.ecconfigd(&["passwd", "jane"], "new"));
    server = server.restart();
    assert_eq!(login(&server, "ecuser", "secret").status, 200);
    assert!(facts(&server) == before);
}

#[test]
fn a_change_of_the_old_file_is_noticed() {
    let server = migrated();
    let path = server.state("repo/svn-auth.htdigest");
    fs::write(&path, line("zoe", REALM, "other")).unwrap();
    assert_eq!(login(&server, "zoe", "other").status, 200);
    eventually("jane is gone", || login(&server, "jane", "secret").status == 401);
}

#[test]
fn an_upgrade_does_not_log_the_password() {
    let server = migrated();
    assert_eq!(login(&server, "admin", "secret").status, 200);
    let log = server.log();
    assert!(log.contains("the password of admin is now kept as an argon2id hash"), "{log}");
    assert!(!log.contains("secret"), "{log}");
}

/// A server that finds the original's file with the password `secret` for three names.
fn migrated() -> Server {
    let prepare: Option<fn(&Path)> = Some(|root| {
        let lines = ["admin", "ecuser", "jane"].map(|name| line(name, REALM, "secret"));
        write(root, &lines.concat());
    });
    Server::with(Options { prepare, ..Options::default() })
}

fn write(root: &Path, text: &str) {
    let dir = root.join("var/ecconfigd/repo");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("svn-auth.htdigest"), text).unwrap();
}

/// As htdigest(1) of Apache writes it.
fn line(name: &str, realm: &str, password: &str) -> String {
    let digest = Md5::digest(format!("{name}:{realm}:{password}"));
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{name}:{realm}:{digest}\n")
}

fn login(server: &Server, name: &str, password: &str) -> Reply {
    server.curl_anonymous("/config/").args(["--user", &format!("{name}:{password}")]).send()
}

//! Accounts, set and listed beside the running server.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{ExitStatus, Output};
use std::time::Instant;

use argon2::{Argon2, PasswordHasher};

use crate::fixture::{BINARY, Reply, Server, answers_unseen, eventually, fails, succeeds, text};

#[test]
fn a_new_account_works_as_soon_as_it_is_made() {
    let server = Server::start();
    for name in ["jane", "joe", "x"] {
        assert_eq!(login(&server, name, "secret").status, 401);
        succeeds(passwd(&server, &[name], "secret\n"));
        assert_eq!(login(&server, name, "secret").status, 200);
    }
}

#[test]
fn a_new_password_works_at_once_and_the_old_one_no_longer() {
    let server = Server::start();
    let mut old = server.password("admin");
    for new in ["first", "second", "third"] {
        assert_eq!(login(&server, "admin", &old).status, 200);
        succeeds(passwd(&server, &["admin"], new));
        assert_eq!(login(&server, "admin", new).status, 200);
        eventually("the old password is refused", || login(&server, "admin", &old).status == 401);
        old = new.into();
    }
}

#[test]
fn the_first_line_of_the_standard_input_is_the_password() {
    let server = Server::start();
    for (input, password) in [
        ("secret", "secret"),
        ("secret\n", "secret"),
        ("secret\r\n", "secret"),
        ("two words \n", "two words "),
        ("first\nsecond\n", "first"),
        ("paß:wörd\n", "paß:wörd"),
    ] {
        let said = succeeds(passwd(&server, &["jane"], input));
        assert_eq!(said, "The password of jane has been set.\n");
        assert_eq!(login(&server, "jane", password).status, 200, "{input:?}");
    }
}

#[test]
fn on_a_terminal_it_asks_twice_and_shows_nothing_of_it() {
    let server = Server::start();
    let (status, shown) = passwd_on_terminal(&server, ["secret\n", "secret\n"]);
    assert!(status.success() && shown.contains("The password of jane has been set."), "{shown}");
    assert!(!shown.contains("secret"), "{shown}");
    assert_eq!(login(&server, "jane", "secret").status, 200);

    let (status, shown) = passwd_on_terminal(&server, ["other\n", "another\n"]);
    assert!(!status.success() && shown.contains("differ: nothing was changed"), "{shown}");
    assert_eq!(login(&server, "jane", "secret").status, 200);
}

#[test]
fn names_and_passwords_that_cannot_be_are_refused_and_nothing_changes() {
    let server = Server::start();
    let before = fs::read(server.state("accounts")).unwrap();
    let (long_name, long_password) = ("n".repeat(65), "p".repeat(1025));
    for (name, password, why) in [
        ("", "secret", "cannot be an account's name"),
        ("two words", "secret", "cannot be an account's name"),
        ("a:b", "secret", "cannot be an account's name"),
        ("two\nlines", "secret", "cannot be an account's name"),
        ("jäne", "secret", "cannot be an account's name"),
        (&long_name, "secret", "64 at the most"),
        ("jane", "", "between 1 and 1024 bytes"),
        ("jane", "tab\tbed", "no control characters"),
        ("jane", &long_password, "between 1 and 1024 bytes"),
    ] {
        let output = passwd(&server, &["--", name], password);
        assert_eq!(output.status.code(), Some(64), "{}", text(&output));
        let said = fails(output);
        assert!(said.contains(why) && said.lines().count() == 1, "{name:?}: {said}");
    }
    assert_eq!(fs::read(server.state("accounts")).unwrap(), before);
}

#[test]
fn the_longest_name_and_password_work() {
    let server = Server::start();
    let (name, password) = ("n".repeat(64), "p".repeat(1024));
    succeeds(passwd(&server, &[&name], &password));
    assert_eq!(login(&server, &name, &password).status, 200);
    assert_eq!(login(&server, &name, &format!("{password}p")).status, 401);
}

#[test]
fn users_lists_names_and_roles() {
    let server = Server::start();
    succeeds(passwd(&server, &["jane"], "secret"));
    succeeds(passwd(&server, &["zoe", "--role", "administrator"], "secret"));
    let listed = succeeds(server.ecconfigd(&["users"], ""));
    let words: Vec<Vec<&str>> =
        listed.lines().map(|line| line.split_whitespace().collect()).collect();
    let expected = [
        ["admin", "administrator"],
        ["ecuser", "service"],
        ["jane", "reader"],
        ["zoe", "administrator"],
    ];
    assert_eq!(words, expected);
}

#[test]
fn a_deleted_account_is_refused_at_once() {
    let server = Server::start();
    succeeds(passwd(&server, &["jane"], "secret"));
    assert_eq!(login(&server, "jane", "secret").status, 200);
    succeeds(server.ecconfigd(&["users", "--delete", "jane"], ""));
    eventually("she is refused", || login(&server, "jane", "secret").status == 401);
    assert!(!succeeds(server.ecconfigd(&["users"], "")).contains("jane"));

    let again = server.ecconfigd(&["users", "--delete", "jane"], "");
    assert_eq!(again.status.code(), Some(64));
    assert!(text(&again).contains("there is no account jane, and nothing was changed"));
}

#[test]
fn the_last_administrator_cannot_be_deleted() {
    let server = Server::start();
    let refused = server.ecconfigd(&["users", "--delete", "admin"], "");
    assert_eq!(refused.status.code(), Some(64));
    assert!(text(&refused).contains("admin is the only administrator, and nothing was changed"));
    succeeds(passwd(&server, &["zoe", "--role", "administrator"], "secret"));
    succeeds(server.ecconfigd(&["users", "--delete", "admin"], ""));
}

#[test]
fn an_account_of_the_original_file_is_not_deleted_while_its_line_is_there() {
    let server = Server::start();
    succeeds(passwd(&server, &["jane"], "secret"));
    let old = server.root.join("var/ecconfigd/repo/svn-auth.htdigest");
    fs::write(&old, format!("jane:ecconfigd repo:{}\n", "0".repeat(32))).unwrap();
    let refused = server.ecconfigd(&["users", "--delete", "jane"], "");
    assert!(text(&refused).contains("take its line out of that file first"), "{refused:?}");
    fs::remove_file(&old).unwrap();
    succeeds(server.ecconfigd(&["users", "--delete", "jane"], ""));
}

#[test]
fn a_role_changes_with_the_password_or_stays() {
    let server = Server::start();
    let jane = server.git().at(format!("https://jane:secret@{}/config", server.address));
    succeeds(passwd(&server, &["jane", "--role=administrator"], "secret"));
    let clone = jane.clone_of("default");
    clone.push_file("default/a.conf", "administrator\n");

    succeeds(passwd(&server, &["jane"], "secret"));
    clone.push_file("default/a.conf", "administrator still\n");

    succeeds(passwd(&server, &["jane", "--role", "reader"], "secret"));
    clone.commit("Not allowed");
    eventually("a reader cannot push", || {
        text(&clone.git(&["push", "--quiet"])).contains("error: 403")
    });
}

#[test]
fn a_reader_reads_all_and_writes_nothing() {
    let server = Server::start();
    succeeds(passwd(&server, &["jane", "--role", "reader"], "secret"));
    let git = server.git().at(format!("https://jane:secret@{}/config", server.address));
    for subcluster in ["default", "global"] {
        let clone = git.clone_of(subcluster);
        clone.commit("Not allowed");
        for branch in ["boot", "running", "topic"] {
            let said = fails(clone.git(&["push", "origin", &format!("HEAD:{branch}")]));
            assert!(said.contains("403"), "{said}");
        }
    }
    let reply = server
        .curl_anonymous("/config/default/git-receive-pack")
        .args(["--user", "jane:secret", "--data", "0000"])
        .header("content-type: application/x-git-receive-pack-request")
        .send();
    assert_eq!(reply.status, 403, "{reply:?}");
    assert!(reply.text().contains("may only read"), "{reply:?}");
}

#[test]
fn a_service_reads_all_and_writes_running_alone() {
    let server = Server::start();
    let git = server.git().at(server.url_as("ecuser", "/config"));
    for subcluster in ["default", "global"] {
        let clone = git.clone_of(subcluster);
        let boot = clone.rev("HEAD");
        clone.commit("Running configuration");
        succeeds(clone.git(&["push", "origin", "HEAD:running"]));
        for target in ["boot", "topic", "refs/tags/v1"] {
            let said = fails(clone.git(&["push", "origin", &format!("HEAD:{target}")]));
            assert!(said.contains("this account may write the branch running only"), "{said}");
        }
        fails(clone.git(&["push", "origin", ":running"]));
        assert_eq!(server.git().clone_of(subcluster).rev("HEAD"), boot);
    }
}

#[test]
fn a_password_that_was_right_before_costs_no_hash() {
    const REQUESTS: u32 = 200;
    let server = Server::start();
    assert_eq!(server.curl("/config/").send().status, 200);
    let path = format!("/config/?[1-{REQUESTS}]");
    let curl = server.curl(&path).args(["--no-include", "--write-out", "%{http_code}\n"]);
    let begun = Instant::now();
    let output = curl.args(["--output", "/dev/null"]).command().output().unwrap();
    let all = begun.elapsed();
    let text = succeeds(output);
    assert_eq!(text.lines().filter(|line| *line == "200").count(), REQUESTS as usize);
    let one_hash = time_of_a_hash();
    assert!(all < one_hash * REQUESTS / 2, "{all:?} for {REQUESTS}, one hash takes {one_hash:?}");
}

#[test]
fn a_wrong_password_is_not_let_in_by_a_right_one_before() {
    let server = Server::start();
    assert_eq!(server.curl("/config/").send().status, 200);
    assert_eq!(login(&server, "admin", "wrong").status, 401);
    assert_eq!(login(&server, "ecuser", &server.password("admin")).status, 401);
    assert_eq!(login(&server, "Admin", &server.password("admin")).status, 401);
    assert_eq!(login(&server, "admin", "").status, 401);
}

#[test]
fn a_bad_line_keeps_the_accounts_that_were_known_and_is_told() {
    let server = Server::start();
    let good = fs::read_to_string(server.state("accounts")).unwrap();
    fs::write(server.state("accounts"), format!("{good}jane:king:x\n")).unwrap();
    server.wait_for_log("accounts line 4: expected NAME:ROLE:HASH");
    assert_eq!(server.curl("/config/").send().status, 200);
    let said = fails(passwd(&server, &["jane"], "secret"));
    assert!(said.contains("line 4"), "{said}");

    fs::write(server.state("accounts"), good).unwrap();
    succeeds(passwd(&server, &["jane"], "secret"));
    assert_eq!(login(&server, "jane", "secret").status, 200);
}

#[test]
fn many_at_once_do_not_undo_each_others_work() {
    const PEOPLE: usize = 12;
    let server = Server::start();
    std::thread::scope(|scope| {
        for number in 0..PEOPLE {
            let server = &server;
            scope.spawn(move || succeeds(passwd(server, &[&format!("jane{number}")], "secret")));
        }
    });
    let listed = succeeds(server.ecconfigd(&["users"], ""));
    assert_eq!(listed.lines().filter(|line| line.starts_with("jane")).count(), PEOPLE);
    assert_eq!(login(&server, "jane7", "secret").status, 200);
}

#[test]
fn passwd_follows_no_link_that_the_service_may_have_laid() {
    let server = Server::start();
    for name in ["accounts.lock", "accounts.new"] {
        let (link, target) = (server.state(name), server.root.join("precious"));
        fs::write(&target, "precious").unwrap();
        let _ = fs::remove_file(&link);
        symlink(&target, &link).unwrap();
        let _ = passwd(&server, &["jane"], "secret");
        assert_eq!(fs::read_to_string(&target).unwrap(), "precious", "{name}");
        let _ = fs::remove_file(&link);
    }
}

fn passwd(server: &Server, arguments: &[&str], input: &str) -> Output {
    server.ecconfigd(&[&["passwd"], arguments].concat(), input)
}

/// Gives these answers, each after its question, and returns all that was shown.
fn passwd_on_terminal(server: &Server, answers: [&str; 2]) -> (ExitStatus, String) {
    let command = format!("{BINARY} passwd jane --root {}", server.root.display());
    let questions = ["New password of jane: ", "The same again: "];
    answers_unseen(&command, &[(questions[0], answers[0]), (questions[1], answers[1])])
}

fn login(server: &Server, name: &str, password: &str) -> Reply {
    server.curl_anonymous("/config/").args(["--user", &format!("{name}:{password}")]).send()
}

fn time_of_a_hash() -> std::time::Duration {
    let begun = Instant::now();
    Argon2::default().hash_password(b"secret").unwrap();
    begun.elapsed()
}

//! What is logged at which level, and what never is.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use nix::sys::signal::Signal;

use crate::fixture::{
    BINARY, Options, Server, ecconfigd, fails, on_terminal, run_with_input, succeeds,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const ERRORS: [&str; 1] = ["the repository of subcluster broken cannot be read"];
const WARNINGS: [&str; 1] = ["the certificate in "];
const NOTICES: [&str; 9] = [
    "the account admin has been made",
    "the account ecuser has been made",
    "ecconfigd ",
    "admin committed revision 2 of default from 127.0.0.1",
    "login of admin from 127.0.0.1 refused",
    "reloading because of SIGHUP",
    "accounts, certificate and repositories have been read again",
    "stopping because of SIGTERM",
    "stopped",
];

#[test]
fn levels_below_errors_say_nothing() {
    assert_eq!(eventful_life(0), "");
    assert_eq!(eventful_life(2), "");
}

#[test]
fn level_3_is_errors() {
    let log = eventful_life(3);
    assert_is(&log, "ERROR", &ERRORS);
    assert_eq!(levels(&log), ["ERROR"]);
}

#[test]
fn level_4_is_warnings_too() {
    let log = eventful_life(4);
    assert_is(&log, "ERROR", &ERRORS);
    assert_is(&log, "WARN", &WARNINGS);
    assert_eq!(levels(&log), ["ERROR", "WARN"]);
}

#[test]
fn level_5_is_the_trail_of_what_was_done() {
    let log = eventful_life(5);
    assert_is(&log, "ERROR", &ERRORS);
    assert_is(&log, "WARN", &WARNINGS);
    assert_is(&log, "INFO", &NOTICES);
    assert_eq!(levels(&log), ["ERROR", "INFO", "WARN"]);
}

#[test]
fn level_6_is_requests_too() {
    let log = eventful_life(6);
    assert_is(&log, "INFO", &NOTICES);
    assert_eq!(levels(&log), ["DEBUG", "ERROR", "INFO", "WARN"]);
    let request = "GET /config/global/boot/msgc_server.conf of 127.0.0.1: 200 after";
    assert!(messages(&log, "DEBUG").iter().any(|line| line.starts_with(request)), "{log}");
}

#[test]
fn level_7_is_ours_and_nothing_of_libraries() {
    let log = eventful_life(7);
    assert_is(&log, "ERROR", &ERRORS);
    assert_is(&log, "WARN", &WARNINGS);
    assert_is(&log, "INFO", &NOTICES);
    for word in ["peer=Server", "frame="] {
        assert!(!log.contains(word), "{word}: {log}");
    }
}

#[test]
fn a_commit_is_logged_with_who_whence_where_and_what() {
    let server = Server::with(Options { level: Some(5), ..Options::default() });
    let clone = server.git().clone_of("default");
    clone.write("default/new file.conf", "new\n");
    clone.write("default/ecelerity.conf", "changed\n");
    fs::remove_file(clone.path.join("default/common.conf")).unwrap();
    let commit = clone.commit("All at once");
    succeeds(clone.git(&["push", "--quiet"]));
    let log = server.log();
    let line = log.lines().find(|line| line.contains(" committed ")).unwrap();
    for part in [
        "admin committed revision 2 of default from 127.0.0.1",
        "account=\"admin\"",
        "client=127.0.0.1",
        "subcluster=default",
        "revision=2",
        &format!("commit={commit}"),
        "default/new file.conf",
        "default/ecelerity.conf",
        "default/common.conf",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
}

#[test]
fn a_refused_push_is_logged_with_its_reason() {
    let server = Server::with(Options { level: Some(5), ..Options::default() });
    let git = server.git().at(server.url_as("ecuser", "/config"));
    let clone = git.clone_of("default");
    clone.commit("Not allowed");
    fails(clone.git(&["push", "--quiet"]));
    let line = "push of ecuser from 127.0.0.1 to refs/heads/boot of default refused: \
                this account may write the branch running only";
    assert_eq!(server.log().matches(line).count(), 1, "{}", server.log());
}

#[test]
fn no_password_is_ever_logged() {
    let server = Server::start();
    let secrets = ["wrong-guess", "new-secret", "in-a-query", "in-the-name's-place"];
    assert_eq!(
        server.curl_anonymous("/config/").args(user("admin:wrong-guess")).send().status,
        401
    );
    assert_eq!(
        server.curl_anonymous("/config/").args(user(":in-the-name's-place")).send().status,
        401
    );
    succeeds(server.ecconfigd(&["passwd", "jane", "--log-level", "7"], "new-secret\n"));
    assert_eq!(server.curl_anonymous("/config/").args(user("jane:new-secret")).send().status, 200);
    assert_eq!(server.curl("/config/?password=in-a-query").send().status, 200);
    server.git().clone_of("default").push_file("default/a.conf", "a\n");
    let log = server.log();
    let passwords = ["admin", "ecuser"].map(|account| server.password(account));
    for secret in secrets.map(String::from).iter().chain(&passwords) {
        assert!(!log.contains(secret.as_str()), "{secret}: {log}");
    }
    for account in ["admin:wrong-guess", "jane:new-secret"] {
        let encoded = succeeds(run_with_input(&mut Command::new("base64"), account));
        assert!(!log.contains(encoded.trim_end_matches(['=', '\n'])), "{account}: {log}");
    }
}

#[test]
fn nothing_that_clients_send_makes_a_second_line_or_colours_one() {
    let server = Server::start();
    for name in ["two\nlines", "re\rturn", "\x1b[31mred", "next\u{85}line", "quote\"", "\\n"] {
        let reply = server.curl_anonymous("/config/").args(user(&format!("{name}:x"))).send();
        assert_eq!(reply.status, 401, "{name:?}");
    }
    for path in
        ["/config/a%0Ab/", "/config/default/boot/%0A%1b[31m", "/%0d%0a", "/config/\u{2028}/"]
    {
        assert_ne!(server.curl(path).send().status, 200, "{path:?}");
    }
    let clone = server.git().clone_of("default");
    clone.write("default/two\nlines", "");
    clone.commit("Two\nlines");
    fails(clone.git(&["push", "--quiet"]));
    let log = server.log();
    assert!(log.contains("login of two\\nlines from"), "{log}");
    assert!(log.lines().all(is_whole), "{log}");
    assert!(!log.contains(['\x1b', '\r', '\u{85}']), "{log:?}");
}

#[test]
fn colours_are_for_terminals() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let script = format!("{BINARY} --root {}", file.join("root").display());
    let shown = fails(on_terminal(&script).output().unwrap());
    assert!(shown.contains('\x1b') && shown.contains("cannot make the directory"), "{shown:?}");
    assert!(!Server::start().log().contains('\x1b'));
}

#[test]
fn a_failure_that_ends_the_program_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    let root = dir.path().join("file/root");
    let output = ecconfigd().arg("--root").arg(root).output().unwrap();
    assert_eq!(fails(output).matches("cannot make the directory").count(), 1);
}

#[test]
fn why_the_program_ends_is_told_at_every_level() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    let root = dir.path().join("file/root");
    for level in "01234567".chars() {
        let said = fails(
            ecconfigd()
                .args(["--log-level", &level.to_string(), "--root"])
                .arg(&root)
                .output()
                .unwrap(),
        );
        assert_is(&said, "ERROR", &["cannot make the directory"]);
    }
}

/// All that can happen: a certificate that ends soon, a commit, a refused login, a request, a broken
/// repository, the end.
fn eventful_life(level: u8) -> String {
    let prepare: Option<fn(&Path)> = Some(certificate_that_ends_soon);
    let mut server = Server::with(Options { level: Some(level), prepare, ..Options::default() });
    server.git().clone_of("default").push_file("default/a.conf", "a\n");
    assert_eq!(server.curl_anonymous("/config/").args(user("admin:wrong")).send().status, 401);
    assert_eq!(server.curl("/config/global/boot/msgc_server.conf").send().status, 200);
    fs::create_dir(server.state("repo/broken")).unwrap();
    server.signal(Signal::SIGHUP);
    server.wait_for("READY=1");
    assert!(server.stop().success());
    server.log()
}

fn certificate_that_ends_soon(root: &Path) {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut params = rcgen::CertificateParams::new(names).unwrap();
    params.not_after = (SystemTime::now() + 10 * DAY).into();
    let key = rcgen::KeyPair::generate().unwrap();
    let dir = root.join("var/ecconfigd/apache");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("server.crt"), params.self_signed(&key).unwrap().pem()).unwrap();
    fs::write(dir.join("server.key"), key.serialize_pem()).unwrap();
}

fn user(name_and_password: &str) -> [&str; 2] {
    ["--user", name_and_password]
}

/// Begins with a time and a level, as each entry does.
fn is_whole(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let time = words.next().is_some_and(|time| time.starts_with("20") && time.ends_with('Z'));
    time && ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"].contains(&words.next().unwrap_or_default())
}

/// The levels that occur.
fn levels(log: &str) -> Vec<&str> {
    let mut levels: Vec<&str> =
        log.lines().map(|line| line.split_whitespace().nth(1).unwrap()).collect();
    levels.sort_unstable();
    levels.dedup();
    levels
}

/// What was said at one level.
fn messages<'a>(log: &'a str, level: &str) -> Vec<&'a str> {
    let split =
        |line: &'a str| line.split_once('Z').unwrap().1.trim_start().split_once(' ').unwrap();
    log.lines().map(split).filter(|(found, _)| *found == level).map(|(_, text)| text).collect()
}

/// Exactly these were said at a level, in this order.
#[track_caller]
fn assert_is(log: &str, level: &str, expected: &[&str]) {
    let messages = messages(log, level);
    let agree = messages.iter().zip(expected).all(|(message, start)| message.starts_with(start));
    assert!(agree && messages.len() == expected.len(), "{level}: {messages:#?}");
}

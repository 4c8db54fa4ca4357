//! What somebody sees who starts the server by hand.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::tempdir;

use crate::fixture::{BINARY, Options, Server, on_terminal, succeeds};

#[test]
fn a_terminal_is_told_where_it_listens_and_what_to_type_next() {
    let dir = tempdir().unwrap();
    let started = Started::on_terminal(dir.path());
    let passwords = dir.path().join("var/ecconfigd/initial-passwords");
    assert_eq!(started.told("Passwords"), passwords.to_str().unwrap());
    assert_eq!(started.told("Certificate"), fingerprint(dir.path()));
    let address = started.told("Listening on");
    let url = format!("https://admin@{address}/config/default");
    let command = started.shown.lines().find(|line| line.contains("clone")).unwrap();
    assert!(command.ends_with(&url), "{command}");

    succeeds(type_command(command, &passwords, dir.path()));
    assert!(dir.path().join("default/default/ecelerity.conf").exists());
}

#[test]
fn without_initial_passwords_it_says_how_to_set_one() {
    let dir = tempdir().unwrap();
    drop(Started::on_terminal(dir.path()));
    fs::remove_file(dir.path().join("var/ecconfigd/initial-passwords")).unwrap();
    let started = Started::on_terminal(dir.path());
    assert_eq!(started.told("Passwords"), "set with `ecconfigd passwd NAME`");
}

#[test]
fn who_is_no_terminal_is_told_nothing() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("output");
    let stdout = Some(Stdio::from(fs::File::create(&path).unwrap()));
    let _server = Server::with(Options { stdout, ..Options::default() });
    assert_eq!(fs::read_to_string(path).unwrap(), "");
}

/// A server on a terminal of its own.
struct Started {
    shown: String,
    lock: PathBuf,
    child: Child,
}

impl Started {
    fn on_terminal(root: &Path) -> Self {
        let script = format!("exec {BINARY} --listen 127.0.0.1:0 --root {}", root.display());
        let mut child = on_terminal(&script).stdout(Stdio::piped()).spawn().unwrap();
        let terminal = child.stdout.as_mut().unwrap();
        let mut shown = String::new();
        let mut buffer = [0; 1 << 10];
        // The command to type is the last thing, and an empty line comes after it.
        while !shown.ends_with("/config/default\r\n\r\n") {
            let length = terminal.read(&mut buffer).unwrap();
            assert_ne!(length, 0, "{shown}");
            shown.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
        Self { shown, lock: root.join("var/ecconfigd/lock"), child }
    }

    /// What stands behind a word.
    #[track_caller]
    fn told(&self, what: &str) -> &str {
        let told = self.shown.lines().find_map(|line| line.strip_prefix(what));
        told.unwrap_or_else(|| panic!("{}", self.shown)).trim()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let id = fs::read_to_string(&self.lock).unwrap();
        kill(Pid::from_raw(id.trim().parse().unwrap()), Signal::SIGTERM).unwrap();
        self.child.wait().unwrap();
    }
}

/// As openssl tells it.
fn fingerprint(root: &Path) -> String {
    let certificate = root.join("var/ecconfigd/apache/server.crt");
    let output = Command::new("openssl")
        .args(["x509", "-noout", "-fingerprint", "-sha256", "-in"])
        .arg(certificate)
        .output();
    let text = succeeds(output.unwrap());
    format!("SHA256:{}", text.trim().split_once('=').unwrap().1)
}

/// Does what is shown, with the administrator's password when git asks for one.
fn type_command(command: &str, passwords: &Path, dir: &Path) -> Output {
    let home = tempdir().unwrap();
    let ask = home.path().join("ask");
    let script = format!("#!/bin/sh\nsed -n 's/^admin //p' '{}'\n", passwords.display());
    fs::write(&ask, script).unwrap();
    fs::set_permissions(&ask, fs::Permissions::from_mode(0o700)).unwrap();
    Command::new("sh")
        .args(["-c", command.trim()])
        .current_dir(dir)
        .env_remove("GIT_SSL_CAINFO")
        .env("HOME", home.path())
        .env("GIT_ASKPASS", ask)
        .output()
        .unwrap()
}

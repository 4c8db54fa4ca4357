//! The README's tour, word for word.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::fixture::succeeds;

const README: &str = include_str!("../../README.md");

/// The lines of the tour's blocks marked `sh`.
fn tour() -> String {
    let section = README.split("\n## ").find(|section| section.starts_with("A tour\n")).unwrap();
    let blocks = section.split("```sh\n").skip(1);
    let blocks: Vec<&str> = blocks.map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 3, "the README has lost its tour");
    blocks.concat()
}

/// The arguments of the README's `cargo run`.
fn arguments() -> Vec<&'static str> {
    let line = README.lines().find(|line| line.starts_with("cargo run")).unwrap();
    line.split_once(" -- ").unwrap().1.split(' ').collect()
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the server as the README says and waits for the line that says it has started.
fn start(dir: &Path) -> Server {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ecconfigd"))
        .args(arguments())
        .current_dir(dir)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let started = log.by_ref().map(Result::unwrap).find(|line| line.contains(" started: "));
    // Somebody must go on reading, or the server would wait for it.
    std::thread::spawn(move || log.for_each(drop));
    let server = Server(child);
    started.expect("the server ended: is port 2027 in use?");
    server
}

#[test]
fn the_tour_works_as_it_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    let _server = start(dir.path());
    let script = format!("set -eu\nshopt -s expand_aliases\n{}", tour());
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(dir.path())
        .env_remove("CURL_CA_BUNDLE")
        .env("HOME", dir.path())
        .env("GIT_TERMINAL_PROMPT", "0")
        .output()
        .unwrap();
    let (said, told) = (output.stderr.clone(), succeeds(output));
    assert!(String::from_utf8_lossy(&said).contains("remote: Committed revision 2."));
    assert!(told.contains("\"name\":\"ecelerity.conf\",\"kind\":\"file\""), "{told}");
    assert!(told.contains("Revert \"Say where we have been\""), "{told}");
}

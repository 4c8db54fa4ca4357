//! The README's tours, word for word.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::fixture::succeeds;

const CONF: &str = "opt/msys/ecelerity/etc/conf";
const README: &str = include_str!("../../README.md");

/// The lines of a section's blocks marked `sh`.
fn blocks(title: &str) -> String {
    let mut sections = README.split("\n## ");
    let section = sections.find(|section| section.lines().next() == Some(title)).unwrap();
    let blocks = section.split("```sh\n").skip(1);
    let blocks: Vec<&str> = blocks.map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 3, "the README has lost {title}");
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
fn the_tours_work_as_they_are_printed() {
    let dir = tempfile::tempdir().unwrap();
    let programs = dir.path().join("target/release");
    fs::create_dir_all(&programs).unwrap();
    symlink(env!("CARGO_BIN_EXE_eccfg"), programs.join("eccfg")).unwrap();
    let _server = start(dir.path());
    let script = ["A tour", "Two nodes"].map(blocks).concat();
    let script = format!("set -eu\nshopt -s expand_aliases\n{script}");
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
    assert!(told.contains("C    default/common.conf"), "{told}");
    assert!(told.contains("Committed revision 7."), "{told}");
    let [one, other] = ["mta1", "mta2"].map(|node| {
        fs::read_to_string(dir.path().join(node).join(CONF).join("default/common.conf")).unwrap()
    });
    assert!(one == other && !one.contains("Changed on"), "{one}");
}

//! Fault 3: how requests bring their bodies.

use std::process::Output;

use crate::fixture::post::{fetch_v2, lines, push_of};
use crate::fixture::{Clone, Raw, Server, authorization, pack, run_with_input, succeeds, text};

#[test]
fn fault_3_git_gzips_long_fetches() {
    let server = Server::start();
    for git in server.gits(&["0", "2"]) {
        let (one, other) = (git.clone_of("default"), git.clone_of("default"));
        commit_often(&other);
        let head = one.push_file("default/a.conf", one.rev("HEAD"));
        let said = traced(&other, &["fetch"]).to_lowercase();
        assert!(said.contains("content-encoding: gzip"), "git did not gzip");
        assert_eq!(other.rev("origin/boot"), head);
    }
}

/// A hundred commits that only this clone has, made by one process. They are newer than what both
/// have, so that git names them first.
fn commit_often(clone: &Clone) {
    let commit = |number: usize| {
        let from = if number == 0 { "from refs/heads/boot^0\n" } else { "" };
        let who = format!("Jane <jane@example.com> {} +0000", 4_000_000_000u64 + number as u64);
        format!("commit refs/heads/boot\ncommitter {who}\ndata 4\nHere\n{from}\n")
    };
    let commits: String = (0..100).map(commit).collect();
    let mut command = clone.git.command(&clone.path);
    succeeds(run_with_input(command.args(["fast-import", "--quiet"]), &commits));
}

#[test]
fn fault_3_git_sends_large_pushes_without_a_length_after_a_probe() {
    let server = Server::start();
    for git in server.gits(&["2"]) {
        let clone = git.option("http.version=HTTP/1.1").clone_of("default");
        let mut noise = vec![0; 3 << 20];
        getrandom::fill(&mut noise).unwrap();
        clone.write("large", &noise);
        let commit = clone.commit("Large");
        let said = traced(&clone, &["push"]).to_lowercase();
        assert!(said.contains("transfer-encoding: chunked"), "git told a length");
        assert!(said.contains("content-length: 4\n"), "git did not probe");
        assert_eq!(server.git().clone_of("default").rev("HEAD"), commit);
    }
}

#[test]
fn fault_3_bodies_come_gzipped_and_chunked_in_every_combination() {
    let server = Server::start();
    let head = server.git().clone_of("default").rev("HEAD");
    let fetch = fetch_v2([format!("want {head}"), "done".into()]);
    let push = |name: &str| push_of("0".repeat(40), &head, name, &pack::Pack::new().bytes());
    for (number, framing) in [Framing::Length, Framing::Chunks].into_iter().enumerate() {
        for gzip in [false, true] {
            let reply = send(&server, "upload-pack", &fetch, framing, gzip);
            assert!(reply.contains("packfile"), "{framing:?} {gzip}: {reply}");
            let name = format!("refs/heads/x{number}{gzip}");
            let reply = send(&server, "receive-pack", &push(&name), framing, gzip);
            assert!(reply.contains(&format!("ok {name}")), "{framing:?} {gzip}: {reply}");
            // The probe with which git asks whether it is let in.
            for service in ["upload-pack", "receive-pack"] {
                assert_eq!(send(&server, service, b"0000", framing, gzip), "", "{service}");
            }
        }
    }
}

#[test]
fn fault_3_who_waits_for_leave_to_send_gets_it_or_the_answer() {
    let server = Server::start();
    let body = lines(["command=ls-refs"], "0000");
    let head = format!(
        "POST /config/default/git-upload-pack HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\
         Content-Type: application/x-git-upload-pack-request\r\nGit-Protocol: version=2\r\n\
         Content-Length: {}\r\n",
        body.len(),
    );
    let mut raw = Raw::connect(&server);
    raw.send(format!("{head}{}\r\n", authorization(&server, "admin")));
    assert_eq!(raw.reply().unwrap().status, 100);
    raw.send(&body);
    let reply = raw.reply().unwrap();
    assert!(reply.status == 200 && reply.text().contains("refs/heads/boot"), "{reply:?}");

    let mut raw = Raw::connect(&server);
    raw.send(format!("{head}\r\n"));
    assert_eq!(raw.reply().unwrap().status, 401);
}

#[derive(Clone, Copy, Debug)]
enum Framing {
    Length,
    Chunks,
}

/// Sends a body and returns that of the answer.
#[track_caller]
fn send(server: &Server, service: &str, body: &[u8], framing: Framing, gzip: bool) -> String {
    let body = if gzip { pack::gzip(body) } else { body.to_owned() };
    let (header, framed) = match framing {
        Framing::Length => (format!("Content-Length: {}", body.len()), body),
        Framing::Chunks => ("Transfer-Encoding: chunked".into(), chunked(&body)),
    };
    let encoding = if gzip { "Content-Encoding: gzip\r\n" } else { "" };
    let mut raw = Raw::connect(server);
    raw.send(format!(
        "POST /config/default/git-{service} HTTP/1.1\r\nHost: x\r\n{}{encoding}{header}\r\n\
         Content-Type: application/x-git-{service}-request\r\nGit-Protocol: version=2\r\n\r\n",
        authorization(server, "admin"),
    ));
    raw.send(framed);
    let reply = raw.reply().unwrap();
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.text()
}

/// In pieces of seven bytes.
fn chunked(body: &[u8]) -> Vec<u8> {
    let chunk =
        |bytes: &[u8]| [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
    body.chunks(7).chain([&[][..]]).flat_map(chunk).collect()
}

/// What git says and sends.
#[track_caller]
fn traced(clone: &Clone, arguments: &[&str]) -> String {
    let mut command = clone.git.command(&clone.path);
    let output: Output = command.args(arguments).env("GIT_TRACE_CURL", "1").output().unwrap();
    let said = text(&output);
    succeeds(output);
    said
}

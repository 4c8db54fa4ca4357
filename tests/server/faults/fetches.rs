//! Faults 1, 2, 4, 5: what comes back for a clone or a fetch.

use std::fs;

use crate::fixture::post::{fetch_v2, line, lines, packets, post};
use crate::fixture::{Clone, Curl, Reply, Server, fails, succeeds};

#[test]
fn fault_1_packets_are_large_and_never_gzipped() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    let mut noise = vec![0; 4 << 20];
    getrandom::fill(&mut noise).unwrap();
    let head = clone.push_file("large", &noise);
    let v0 = [lines([format!("want {head} side-band-64k")], "0000"), line("done")].concat();
    let v2 = fetch_v2([format!("want {head}"), "done".into()]);
    for (version, body) in [("0", v0), ("2", v2)] {
        let curl = upload_pack(&server, version).args(["--http1.1", "--raw"]);
        let reply = post(curl.header("Accept-Encoding: gzip, br"), TYPE, body);
        assert_eq!((reply.status, reply.header("content-encoding")), (200, None));
        let writes = chunks(&reply.body);
        assert!(writes.iter().map(|write| write.len()).sum::<usize>() > noise.len());
        assert!(writes.len() < 4 * (noise.len() >> 18), "{} writes", writes.len());
        let answer = writes.concat();
        let packets = packets(&answer);
        assert!(packets.len() < 2 * noise.len() / 65_000, "{} packets", packets.len());
    }
}

/// The pieces in which an answer was written (RFC 9112, section 7.1).
fn chunks(mut body: &[u8]) -> Vec<&[u8]> {
    let mut chunks = Vec::new();
    loop {
        let end = body.windows(2).position(|bytes| bytes == b"\r\n").unwrap();
        let length = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        if length == 0 {
            return chunks;
        }
        chunks.push(&body[end + 2..end + 2 + length]);
        body = &body[end + 2 + length + 2..];
    }
}

#[test]
fn fault_2_what_is_not_there_is_told_within_the_protocol() {
    let server = Server::start();
    let unknown = "1".repeat(40);
    for git in server.gits(&["0", "1", "2"]) {
        let clone = git.clone_of("default");
        let said = fails(clone.git(&["fetch", "origin", &unknown]));
        assert!(said.contains(&format!("not our ref {unknown}")), "{said}");
    }
}

#[test]
fn fault_2_what_is_malformed_is_told_by_the_status() {
    let server = Server::start();
    for version in ["0", "1", "2"] {
        let reply = post(upload_pack(&server, version), TYPE, "0032want");
        assert_eq!(reply.status, 400);
        assert!(reply.text().starts_with("malformed request"), "{reply:?}");
    }
}

#[test]
fn fault_2_a_damaged_repository_gives_an_error_and_never_half_a_pack() {
    let server = Server::start();
    server.unpack("default");
    let server = server.restart();
    // Nobody has cloned it yet: a pack that has been made could still be sent.
    let [head, file] = ["boot", "boot:default/ecelerity.conf"]
        .map(|name| server.bare("default", &["rev-parse", name]).trim().to_owned());
    let object = server.object("default", &file);
    let kept = server.root.join("kept");
    fs::rename(&object, &kept).unwrap();
    for git in server.gits(&["0", "1", "2"]) {
        let said = fails(git.run(&["clone", &git.url("default"), "x"]));
        assert!(said.contains("500"), "{said}");
    }
    let reply = fetch(&server, &head);
    assert_eq!(reply.status, 500);
    assert!(reply.text().contains("its log tells"), "{}", reply.text());
    assert!(server.log().contains(&file), "the log does not tell which object is missing");
    fs::rename(&kept, &object).unwrap();
    assert_eq!(fetch(&server, &head).status, 200);
}

#[test]
fn fault_4_there_is_exactly_one_nak() {
    let server = Server::start();
    let head = server.git().clone_of("default").rev("HEAD");
    let unknown = |n: usize| format!("have {n:040x}");
    for capabilities in ["", " multi_ack", " multi_ack_detailed", " multi_ack_detailed no-done"] {
        let want = lines([format!("want {head}{capabilities}")], "0000");
        let haves: Vec<u8> = (1..40).flat_map(|n| line(unknown(n))).collect();
        let clone = [want.clone(), line("done")].concat();
        let fetch = [want.clone(), haves.clone(), line("done")].concat();
        for body in [clone, fetch] {
            let reply = post(upload_pack(&server, "0"), TYPE, body);
            assert!(reply.body.starts_with(b"0008NAK\nPACK"), "{capabilities}");
        }
        let first_round = [want, haves, b"0000".to_vec()].concat();
        let reply = post(upload_pack(&server, "0"), TYPE, first_round);
        assert_eq!(reply.text(), "0008NAK\n", "{capabilities}");
    }
}

#[test]
fn fault_5_merges_are_fetched_with_all_their_parents() {
    let server = Server::start();
    for git in server.gits(&["0", "2"]) {
        let (old, clone) = (git.clone_of("default"), git.clone_of("default"));
        merge(&clone);
        succeeds(clone.git(&["push", "--quiet"]));
        for fetched in [old, git.clone_of("default")] {
            succeeds(fetched.git(&["pull", "--quiet", "--ff-only"]));
            assert_eq!(fetched.rev("HEAD^2^"), clone.rev("HEAD^2^"));
            assert_eq!(fetched.rev("HEAD"), clone.rev("HEAD"));
            succeeds(fetched.git(&["fsck", "--full", "--strict"]));
        }
    }
}

/// A merge of two histories of two commits each.
fn merge(clone: &Clone) {
    for branch in ["side", "boot"] {
        succeeds(clone.git(&["checkout", "--quiet", "-B", branch, "origin/boot"]));
        for number in 0..2 {
            clone.write(&format!("{branch}/{}{number}", clone.rev("HEAD")), branch);
            clone.commit(branch);
        }
    }
    succeeds(clone.git(&["merge", "--quiet", "--no-ff", "--message", "Merge", "side"]));
}

#[test]
fn fault_5_annotated_tags_can_be_wanted() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    clone.commit("Tagged");
    succeeds(clone.git(&["tag", "--annotate", "--message", "One", "one"]));
    succeeds(clone.git(&["tag", "--annotate", "--message", "Two", "two", "one"]));
    succeeds(clone.git(&["push", "--quiet", "origin", "two"]));
    for git in server.gits(&["0", "2"]) {
        let fetched = git.clone_of("default");
        succeeds(fetched.git(&["fetch", "--quiet", "origin", "tag", "two"]));
        assert_eq!(fetched.rev("two"), clone.rev("two"));
        assert_eq!(fetched.rev("two^{commit}"), clone.rev("HEAD"));
        succeeds(fetched.git(&["fsck", "--full", "--strict"]));
        let whole = git.clone_with("default", &["--branch", "two"]);
        assert_eq!(whole.rev("HEAD"), clone.rev("HEAD"));
    }
}

#[test]
fn fault_5_who_has_nothing_in_common_and_is_not_done_is_told_so() {
    let server = Server::start();
    let head = server.git().clone_of("default").rev("HEAD");
    let want = lines([format!("want {head} multi_ack_detailed side-band-64k no-done")], "0000");
    let have = format!("have {}", "1".repeat(40));
    let reply = post(upload_pack(&server, "0"), TYPE, [want, lines([&have], "0000")].concat());
    assert_eq!(reply.text(), "0008NAK\n");
    let body = fetch_v2([format!("want {head}"), have]);
    let reply = post(upload_pack(&server, "2"), TYPE, body);
    assert_eq!(reply.text(), "0014acknowledgments\n0008NAK\n0000");
}

const TYPE: &str = "application/x-git-upload-pack-request";

fn upload_pack(server: &Server, version: &str) -> Curl {
    let curl = server.curl("/config/default/git-upload-pack");
    curl.header(&format!("Git-Protocol: version={version}"))
}

fn fetch(server: &Server, want: &str) -> Reply {
    post(upload_pack(server, "2"), TYPE, fetch_v2([format!("want {want}"), "done".into()]))
}

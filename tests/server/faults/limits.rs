//! Faults 9 and 10: much work and large numbers.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::fixture::post::{fetch_v2, line, lines, post, request_type};
use crate::fixture::{Clone, Curl, Raw, Reply, Server, authorization, frame, succeeds};

#[test]
fn fault_9_packs_that_are_built_keep_nobody_else_waiting() {
    let server = Server::start();
    let head = laborious(&server);
    // Whoever waits for the place of a pack waits until most of these are done.
    let mut waiting: Vec<Raw> = (0..40).map(|_| ask_for_pack(&server, &head)).collect();
    for path in [
        "/config/default/info/refs?service=git-upload-pack",
        "/config/default/info/refs?service=git-receive-pack",
        "/config/default/boot/default/ecelerity.conf",
        "/config/default/boot/",
        "/config/",
        "/readyz",
    ] {
        assert_eq!(server.curl(path).send().status, 200, "{path}");
    }
    let git = server.git();
    assert!(succeeds(git.run(&["ls-remote", &git.url("default")])).contains(&head));
    let done = waiting.iter_mut().filter_map(|raw| raw.has_answer().then_some(())).count();
    assert!(done < 20, "others were answered when {done} packs of 40 were done");
}

#[test]
fn fault_10_more_work_than_can_wait_is_told_to_come_again() {
    let server = Server::start();
    let head = laborious(&server);
    let authorization = authorization(&server, "admin");
    let (_, authorization) = authorization.trim_end().split_once(": ").unwrap();
    let fields = [("content-type", TYPE), ("git-protocol", "version=2")];
    let post = frame::post("/config/default/git-upload-pack", authorization, &fields);
    let request = |n: u32| {
        [frame::open(2 * n + 1, &post), frame::last_data(2 * n + 1, &unlike_others(&head))].concat()
    };
    // 1024 may wait, and the last of these come when they do.
    let _waiting: Vec<Raw> = (0..16)
        .map(|_| {
            let mut raw = Raw::connect_http2(&server);
            raw.send(frame::preface());
            raw.send((0..64).flat_map(request).collect::<Vec<u8>>());
            raw
        })
        .collect();
    let mut more: Vec<Raw> = (0..100).map(|_| ask_for_pack(&server, &head)).collect();
    let reply = more.last_mut().unwrap().reply().unwrap();
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("5")));
    assert!(reply.text().contains("busy"), "{reply:?}");
    // Nobody but those who want packs has to come again.
    assert_eq!(server.curl("/config/default/boot/default/ecelerity.conf").send().status, 200);
}

#[test]
fn fault_10_numbers_in_a_fetch_are_limited() {
    let server = Server::start();
    let head = server.git().clone_of("default").rev("HEAD");
    let many = |what: &str, count: usize| -> Vec<String> {
        (1..=count).map(|n| format!("{what} {n:040x}")).collect()
    };
    let want = || vec![format!("want {head}")];
    let deepen_not = (0..257).map(|n| format!("deepen-not {n}")).collect();
    for (what, arguments) in [
        ("wants", many("want", 65_537)),
        ("haves", [want(), many("have", 65_537)].concat()),
        ("shallow commits", [want(), many("shallow", 65_537)].concat()),
        ("excluded references", [want(), deepen_not].concat()),
    ] {
        let v0 = match what {
            "haves" => [lines(&arguments[..1], "0000"), lines(&arguments[1..], "0000")].concat(),
            _ => lines(&arguments, "0000"),
        };
        for (version, body) in [("0", v0), ("2", fetch_v2(&arguments))] {
            let curl = server.curl("/config/default/git-upload-pack");
            let reply = post(curl.header(&format!("Git-Protocol: version={version}")), TYPE, body);
            assert_eq!(reply.status, 413, "{what} {version}: {reply:?}");
            assert!(reply.text().starts_with(&format!("too many {what} in one request")));
        }
    }
}

#[test]
fn fault_10_numbers_in_a_push_are_limited() {
    let server = Server::start();
    let head = server.git().clone_of("default").rev("HEAD");
    let zero = "0".repeat(40);
    let commands = |count: usize| {
        let names = (0..count).map(|n| format!("{head} {zero} refs/heads/{n}\0 report-status"));
        lines(names, "0000")
    };
    let reply = receive_pack(&server, commands(1_025));
    assert_eq!(reply.status, 413);
    assert!(reply.text().starts_with("too many references in one request: the limit is 1024"));
    assert_eq!(receive_pack(&server, commands(1_024)).status, 200);
    let shallow: Vec<u8> = (0..65_537).flat_map(|_| line(format!("shallow {head}"))).collect();
    assert_eq!(receive_pack(&server, shallow).status, 413);
}

#[test]
fn fault_10_bodies_are_limited() {
    let server = Server::start();
    let long = b"0000".repeat((8 << 20) / 4 + 1);
    for framing in ["Expect:", "Transfer-Encoding: chunked"] {
        for http in ["--http1.1", "--http2"] {
            let curl = upload_pack(&server).args([http]).header(framing);
            let reply = post(curl, TYPE, &long);
            assert_eq!(reply.status, 413, "{framing} {http}: {reply:?}");
            assert_eq!(reply.text(), "the request is too large: the limit is 8388608 bytes\n");
        }
    }
    // Nobody has to send two gigabytes to hear that they are too many.
    let mut raw = Raw::connect(&server);
    raw.send(format!(
        "POST /config/default/git-receive-pack HTTP/1.1\r\nHost: x\r\n{}\
         Content-Type: application/x-git-receive-pack-request\r\nContent-Length: 2147483649\r\n\r\n",
        authorization(&server, "admin"),
    ));
    let reply = raw.reply().unwrap();
    assert_eq!((reply.status, reply.header("connection")), (413, Some("close")));
}

const TYPE: &str = "application/x-git-upload-pack-request";

fn upload_pack(server: &Server) -> Curl {
    server.curl("/config/default/git-upload-pack")
}

fn receive_pack(server: &Server, body: Vec<u8>) -> Reply {
    post(server.curl("/config/default/git-receive-pack"), &request_type("receive-pack"), body)
}

/// Pushes what takes seconds to be made a pack of. Returns the commit.
fn laborious(server: &Server) -> String {
    let clone: Clone = server.git().clone_of("default");
    let mut noise = vec![0; 60 << 10];
    for number in 0..200 {
        getrandom::fill(&mut noise).unwrap();
        clone.write(&format!("large/{number}"), &noise);
    }
    clone.push_file("large/last", "x\n")
}

/// The request of a clone, with a filter that lets all pass and that nobody else asks for: equal
/// packs are made once.
fn unlike_others(head: &str) -> Vec<u8> {
    static NEXT: AtomicUsize = AtomicUsize::new(1 << 20);
    let limit = NEXT.fetch_add(1, Ordering::Relaxed);
    fetch_v2([format!("want {head}"), format!("filter blob:limit={limit}"), "done".into()])
}

/// Sends such a request and does not wait.
fn ask_for_pack(server: &Server, head: &str) -> Raw {
    let body = unlike_others(head);
    let mut raw = Raw::connect(server);
    raw.send(format!(
        "POST /config/default/git-upload-pack HTTP/1.1\r\nHost: x\r\n{}Content-Type: {TYPE}\r\n\
         Git-Protocol: version=2\r\nContent-Length: {}\r\n\r\n",
        authorization(server, "admin"),
        body.len(),
    ));
    raw.send(body);
    raw
}

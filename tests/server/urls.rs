//! Addresses that try to lead somewhere else.

use crate::fixture::{Raw, Reply, Server, authorization};

/// Each with the status it must get from an administrator.
const URLS: &[(&str, u16)] = &[
    // Up and out.
    ("/../etc/passwd", 404),
    ("/config/../config/", 404),
    ("/config/../../../../etc/passwd", 400),
    ("/config/..%2f..%2f..%2fetc/passwd", 400),
    ("/config/%2e%2e/%2e%2e/etc/passwd", 400),
    ("/config/default/..", 400),
    ("/config/default/../default/boot/", 400),
    ("/config/default/boot/..", 400),
    ("/config/default/boot/../../../../../../etc/passwd", 400),
    ("/config/default/boot/%2e%2e/%2e%2e/%2e%2e/etc/passwd", 400),
    ("/config/default/boot/.%2e/x", 400),
    ("/config/default/boot/%2E%2E%2F%2E%2E%2Fetc%2Fpasswd", 400),
    ("/config/default/boot/default/..%2f..%2f..%2fHEAD", 400),
    ("/config/default/boot/./default", 400),
    ("/config/default/boot/%2e/default", 400),
    ("/config/default/boot/..%5c..%5cetc%5cpasswd", 404),
    ("/config/default/boot/..\\..\\etc\\passwd", 404),
    ("/config/default/boot/.../default", 404),
    // Decoded once and not twice.
    ("/config/default/boot/%252e%252e/x", 404),
    ("/config/default/boot/%252e%252e%252fx", 404),
    ("/config/%2564efault/", 404),
    // Overlong and other encodings of a dot and a slash.
    ("/config/default/boot/%c0%ae%c0%ae/x", 400),
    ("/config/default/boot/%e0%80%ae%e0%80%ae/x", 400),
    ("/config/default/boot/..%c0%af..%c0%afetc", 400),
    ("/config/default/boot/%u002e%u002e/x", 404),
    ("/config/default/boot/%ef%bc%8e%ef%bc%8e/x", 404),
    // What is no text.
    ("/config/default/boot/%ff%fe", 400),
    ("/config/default/boot/%ed%a0%80", 400),
    ("/config/%ff/", 400),
    ("/config/default/boot/a%00b", 400),
    ("/config/default/boot/default/ecelerity.conf%00.png", 400),
    ("/config/default%00/", 400),
    ("/config/default/boot/a%0d%0aSet-Cookie:%20x=y", 400),
    ("/config/default/boot/%1b%5b31m", 400),
    ("/config/default/boot/%7f", 400),
    ("/config/default/boot/%", 404),
    ("/config/default/boot/%zz", 404),
    ("/config/default/boot/%2", 404),
    // Slashes.
    ("//", 404),
    ("//config/default/boot/", 404),
    ("/config//default/boot/", 404),
    ("/config/default//boot/", 400),
    ("/config/default/boot//", 400),
    ("/config/default/boot//default", 400),
    ("/config/default/boot/%2f", 400),
    ("/config/default/boot/default/ecelerity.conf/", 404),
    ("/config/default%2fboot%2fdefault%2fecelerity.conf", 200),
    // Other roots, other people's files, the repository's own.
    ("/etc/passwd", 404),
    ("/repo/default/HEAD", 404),
    ("/var/ecconfigd/accounts", 404),
    ("/Config/default/", 404),
    ("/config.git/", 404),
    ("/config/accounts", 404),
    ("/config/Default/", 404),
    ("/config/default.git.git/", 404),
    ("/config/.new-x/", 404),
    ("/config/default/HEAD", 404),
    ("/config/default/config", 404),
    ("/config/default/objects/info/packs", 404),
    ("/config/default/refs/heads/boot", 404),
    ("/config/default/boot/.git/config", 404),
    ("/config/default/boot:default/ecelerity.conf", 404),
    ("/config/default/boot^{tree}", 404),
    ("/config/default/@/default/ecelerity.conf", 404),
    ("/livez/", 404),
    ("/livez/../config/", 404),
    // Questions.
    ("/config/default/boot/default/ecelerity.conf?r=1", 200),
    ("/config/default/boot/default/ecelerity.conf?r=", 404),
    ("/config/default/boot/default/ecelerity.conf?r=0", 404),
    ("/config/default/boot/default/ecelerity.conf?r=-1", 404),
    ("/config/default/boot/default/ecelerity.conf?r=2", 404),
    ("/config/default/boot/default/ecelerity.conf?r=99999999999999999999999", 404),
    ("/config/default/boot/default/ecelerity.conf?r=HEAD", 404),
    ("/config/default/boot/default/ecelerity.conf?r=boot~0", 404),
    ("/config/default/boot/default/ecelerity.conf?r=..%2f..%2fHEAD", 404),
    ("/config/default/boot/default/ecelerity.conf?r=--upload-pack=x", 404),
    ("/config/default/boot/default/ecelerity.conf?r=%00", 400),
    ("/config/default/boot/default/ecelerity.conf?r=%ff", 400),
    ("/config/default/boot/default/ecelerity.conf?r=1&r=2", 200),
    ("/config/default/boot/default/ecelerity.conf?%72=2", 200),
    ("/config/default/boot/default/ecelerity.conf?&&==&r=1", 200),
    ("/config/default/boot/default/ecelerity.conf??r=2", 200),
    ("/config/default/info/refs?service=git-upload-pack", 200),
    ("/config/default/info/refs?service=git-upload-archive", 400),
    ("/config/default/info/refs?service=upload-pack", 400),
    ("/config/default/info/refs?service=git-upload-pack%00", 400),
    ("/config/default/info/refs?service=../git-upload-pack", 400),
    ("/config/default/info/refs", 404),
    // Roots of their own.
    ("*", 404),
    ("https://other.example/config/default/boot/default/ecelerity.conf", 200),
    ("https://other.example/../etc/passwd", 404),
];

#[test]
fn hostile_addresses_lead_nowhere() {
    let server = Server::start();
    let mut wrong = Vec::new();
    for &(url, status) in URLS {
        let reply = get(&server, url);
        if reply.status != status {
            wrong.push(format!("{url}: {} instead of {status}: {}", reply.status, reply.text()));
        }
        assert!(!reply.text().contains("root:x:0:0"), "{url} leads to a file of the system");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(!server.log().contains("ERROR"), "{}", server.log());
}

#[test]
fn nobody_without_a_password_learns_which_addresses_there_are() {
    let server = Server::start();
    for &(url, _) in URLS {
        let mut raw = Raw::connect(&server);
        raw.send(format!("GET {url} HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_eq!(raw.reply().unwrap().status, 401, "{url}");
    }
}

#[test]
fn bytes_that_no_address_may_have_are_refused() {
    let server = Server::start();
    let targets: [&[u8]; 8] = [
        b"/config/default/boot/\xff\xfe",
        b"/config/default/boot/a\0b",
        b"/config/default/boot/\x7f",
        b"/config/default/boot/\x1b[31m",
        b"/config/default/boot/a\tb",
        b"config/default/boot",
        b"file:///etc/passwd",
        b"",
    ];
    for target in targets {
        let mut raw = Raw::connect(&server);
        let auth = authorization(&server, "admin");
        let head = format!(" HTTP/1.1\r\nHost: x\r\n{auth}\r\n");
        raw.send([b"GET ", target, head.as_bytes()].concat());
        let status = raw.reply().map(|reply| reply.status);
        assert!(matches!(status, Some(400 | 404)), "{}: {status:?}", target.escape_ascii());
    }
    assert_eq!(get(&server, "/livez").status, 200);
}

#[test]
fn long_addresses_are_refused() {
    let server = Server::start();
    for length in [8 << 10, 20 << 10] {
        let reply = get(&server, &format!("/config/default/boot/{}", "a".repeat(length)));
        assert_eq!(reply.status, 400, "{length}");
        let reply = get(&server, &format!("/config/default/boot/x?r={}", "1".repeat(length)));
        assert_eq!(reply.status, 400, "{length}");
    }
    let deep = "/a".repeat(2000);
    assert_eq!(get(&server, &format!("/config/default/boot{deep}")).status, 404);
}

#[test]
fn endless_addresses_end_the_connection() {
    let server = Server::start();
    let mut raw = Raw::connect(&server);
    let _ = raw.try_send(format!("GET /{}", "a".repeat(1 << 20)));
    // Where it closes while the client still sends, the system may throw the answer away.
    let status = raw.reply().map(|reply| reply.status);
    assert!(matches!(status, None | Some(414 | 431)), "{status:?}");
    assert_eq!(get(&server, "/livez").status, 200);
}

#[test]
fn names_in_a_repository_cannot_lead_a_browser_elsewhere() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    clone.push_file("javascript:alert(1)/x", "x\n");
    clone.push_file("\\\\other.example/x", "x\n");
    for (name, location) in [
        ("javascript:alert(1)", "./javascript:alert(1)/"),
        ("%5c%5cother.example", "./%5c%5cother.example/"),
    ] {
        let reply = get(&server, &format!("/config/default/boot/{name}"));
        assert_eq!((reply.status, reply.header("location")), (308, Some(location)));
        assert_eq!(get(&server, &format!("/config/default/boot/{name}/")).status, 200);
    }
}

/// As the administrator, with the address exactly as it is.
#[track_caller]
fn get(server: &Server, url: &str) -> Reply {
    let mut raw = Raw::connect(server);
    let auth = authorization(server, "admin");
    raw.send(format!("GET {url} HTTP/1.1\r\nHost: x\r\n{auth}\r\n"));
    raw.reply().expect(url)
}

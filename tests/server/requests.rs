//! What an attacker tries with HTTP itself.

use crate::fixture::{Raw, Reply, Server, authorization, frame};

/// Whole heads that are not HTTP, or that two readers could read in two ways. In front of each
/// header block stands what the test adds: host and password.
const BAD_HEADS: &[(&str, &str)] = &[
    ("POST / HTTP/1.1", "Content-Length: 4\r\nContent-Length: 5\r\n"),
    ("POST / HTTP/1.1", "Content-Length: 4, 5\r\n"),
    ("POST / HTTP/1.1", "Content-Length: +4\r\n"),
    ("POST / HTTP/1.1", "Content-Length: -1\r\n"),
    ("POST / HTTP/1.1", "Content-Length: 4a\r\n"),
    ("POST / HTTP/1.1", "Content-Length: 99999999999999999999\r\n"),
    ("POST / HTTP/1.1", "Transfer-Encoding: gzip\r\n"),
    ("POST / HTTP/1.1", "Transfer-Encoding: chunked, gzip\r\n"),
    ("POST / HTTP/1.1", "Transfer-Encoding: xchunked\r\n"),
    ("POST / HTTP/1.0", "Transfer-Encoding: chunked\r\n"),
    ("GET / HTTP/1.1", "Transfer-Encoding : chunked\r\n"),
    ("GET / HTTP/1.1", "X-Folded: a\r\n b\r\n"),
    ("GET / HTTP/1.1", "no colon\r\n"),
    ("GET / HTTP/1.1", ": no name\r\n"),
    ("GET / HTTP/1.1", "X-Nul: a\0b\r\n"),
    ("GET / HTTP/1.1", "X-Return: a\rb\r\n"),
    ("GET / HTTP/1.1", "X\u{e9}: name\r\n"),
    ("GET / HTTP/3.0", ""),
    ("GET / HTTP/1.12", ""),
    ("GET /", ""),
    ("GET  / HTTP/1.1", ""),
    ("G\0T / HTTP/1.1", ""),
    ("\u{16}\u{3}\u{1}", ""),
];

#[test]
fn heads_that_are_not_http_are_refused_and_end_the_connection() {
    let server = Server::start();
    let auth = authorization(&server, "admin");
    for (line, headers) in BAD_HEADS {
        let mut raw = Raw::connect(&server);
        raw.send(format!("{line}\r\nHost: x\r\n{auth}{headers}\r\n"));
        // A second request that must not be answered.
        let _ = raw.try_send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
        if let Some(reply) = raw.reply() {
            assert!(matches!(reply.status, 400 | 505), "{line} {headers}: {reply:?}");
            let rest = String::from_utf8_lossy(&raw.rest()).into_owned();
            assert!(rest.is_empty(), "{line} {headers}: {rest}");
        }
    }
    assert_alive(&server);
}

#[test]
fn a_body_with_two_lengths_is_read_in_one_way_only() {
    let server = Server::start();
    let auth = authorization(&server, "admin");
    let head = "POST /config/default/git-upload-pack HTTP/1.1\r\nHost: x\r\n\
                Content-Type: application/x-git-upload-pack-request\r\n";
    for lengths in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
    ] {
        let mut raw = Raw::connect(&server);
        raw.send(format!("{head}{auth}{lengths}\r\n4\r\n0000\r\n0\r\n\r\n"));
        // The chunks count (RFC 9112, section 6.3), so that nothing is left over to be a request.
        let reply = raw.reply().unwrap();
        assert!(matches!(reply.status, 200 | 400), "{lengths}: {reply:?}");
        let _ = raw.try_send("GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let rest = String::from_utf8_lossy(&raw.rest()).into_owned();
        assert!(rest.is_empty() || rest.starts_with("HTTP/1.1 200"), "{lengths}: {rest}");
    }
}

#[test]
fn malformed_chunks_end_the_connection() {
    let server = Server::start();
    let auth = authorization(&server, "admin");
    for chunks in [
        "zz\r\n0000\r\n",
        "-4\r\n0000\r\n",
        "fffffffffffffffff\r\n0000\r\n",
        "4\r\n000000\r\n0\r\n\r\n",
        "4 4\r\n0000\r\n0\r\n\r\n",
        "\r\n\r\n",
    ] {
        let mut raw = Raw::connect(&server);
        raw.send(format!(
            "POST /config/default/git-upload-pack HTTP/1.1\r\nHost: x\r\n{auth}\
             Content-Type: application/x-git-upload-pack-request\r\n\
             Transfer-Encoding: chunked\r\n\r\n{chunks}"
        ));
        let status = raw.reply().map(|reply| reply.status);
        assert!(matches!(status, None | Some(400)), "{chunks:?}: {status:?}");
    }
    assert_alive(&server);
}

#[test]
fn heads_that_are_too_large_are_refused() {
    let server = Server::start();
    let many = "X-Header: value\r\n".repeat(1000);
    let long = format!("X-Header: {}\r\n", "a".repeat(200 << 10));
    for headers in [many, long] {
        let mut raw = Raw::connect(&server);
        let _ = raw.try_send(format!("GET /livez HTTP/1.1\r\nHost: x\r\n{headers}\r\n"));
        // Where it closes while the client still sends, the system may throw the answer away.
        let status = raw.reply().map(|reply| reply.status);
        assert!(matches!(status, None | Some(431)), "{status:?}");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), headers).unwrap();
        let header = format!("@{}", file.path().display());
        let reply = server.curl_anonymous("/livez").args(["--http2"]).header(&header).send();
        assert!(matches!(reply.status, 0 | 431), "{reply:?}");
    }
    assert_alive(&server);
}

#[test]
fn hosts_are_not_believed() {
    let server = Server::start();
    let auth = authorization(&server, "admin");
    for host in ["", "other.example", "x\"><script>", "../../etc", &"a".repeat(1000)] {
        let mut raw = Raw::connect(&server);
        raw.send(format!("GET /config/default HTTP/1.1\r\nHost: {host}\r\n{auth}\r\n"));
        let reply = raw.reply().unwrap();
        assert_eq!((reply.status, reply.header("location")), (308, Some("./default/")), "{host}");
    }
}

#[test]
fn old_clients_are_answered_and_let_go() {
    let server = Server::start();
    let mut raw = Raw::connect(&server);
    raw.send("GET /livez HTTP/1.0\r\n\r\n");
    assert_eq!(raw.reply().unwrap().text(), "ok\n");
    assert!(raw.rest().is_empty(), "the connection stays open");
}

#[test]
fn requests_sent_all_at_once_are_answered_in_order() {
    let server = Server::start();
    let auth = authorization(&server, "admin");
    let path = |number: usize| match number % 3 {
        0 => "/livez".to_owned(),
        1 => format!("/config/default/boot/{number}"),
        _ => "/config/default/boot/default/ecelerity.conf".into(),
    };
    let requests: String =
        (0..60).map(|n| format!("GET {} HTTP/1.1\r\nHost: x\r\n{auth}\r\n", path(n))).collect();
    let mut raw = Raw::connect(&server);
    raw.send(requests);
    for number in 0..60 {
        let reply = raw.reply().unwrap();
        match number % 3 {
            0 => assert_eq!(reply.text(), "ok\n"),
            1 => assert!(reply.text().contains(&format!("\"{number}\"")), "{number}: {reply:?}"),
            _ => assert!(reply.text().starts_with("# ecelerity.conf")),
        }
    }
}

#[test]
fn no_method_but_the_known_ones_does_anything() {
    let server = Server::start();
    let auth = authorization(&server, "admin");
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "X"] {
        for path in ["/config/default/boot/default/ecelerity.conf", "/config/", "/config/default/"]
        {
            let mut raw = Raw::connect(&server);
            raw.send(format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{auth}\r\n"));
            let reply = raw.reply().unwrap();
            assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, HEAD")), "{method}");
            assert!(!reply.text().contains("Authorization"), "{method} echoes the password");
        }
    }
    let mut raw = Raw::connect(&server);
    raw.send(format!("CONNECT other.example:443 HTTP/1.1\r\nHost: x\r\n{auth}\r\n"));
    assert_eq!(raw.reply().unwrap().status, 404);
    let kept = server.curl("/config/default/boot/default/ecelerity.conf").send();
    assert_eq!((kept.status, kept.header("x-config-revision")), (200, Some("1")));
}

#[test]
fn a_method_in_small_letters_is_none() {
    let server = Server::start();
    let auth = authorization(&server, "admin");
    for (method, path) in [
        ("get", "/livez"),
        ("Get", "/config/"),
        ("put", "/subclusters/west"),
        ("post", "/config/default/git-receive-pack"),
    ] {
        let mut raw = Raw::connect(&server);
        raw.send(format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{auth}\r\n"));
        let reply = raw.reply().unwrap();
        assert_eq!(reply.status, 501, "{method} {path}");
        assert!(reply.text().contains("capital letters"), "{reply:?}");
    }
    assert_eq!(server.curl("/subclusters/west").send().status, 404);
}

#[test]
fn a_request_is_for_one_host() {
    let server = Server::start();
    let auth = authorization(&server, "admin");
    for path in ["/livez", "/config/", "https://x/config/"] {
        for (hosts, told) in [
            ("", "no Host header"),
            ("Host: x\r\nHost: x\r\n", "more than one Host header"),
            ("Host: x\r\nhost: y\r\n", "more than one Host header"),
        ] {
            let mut raw = Raw::connect(&server);
            raw.send(format!("GET {path} HTTP/1.1\r\n{hosts}{auth}\r\n"));
            let reply = raw.reply().unwrap();
            assert_eq!(reply.status, 400, "{path} {hosts}");
            assert!(reply.text().contains(told), "{path} {hosts}: {reply:?}");
        }
    }
}

#[test]
fn what_is_no_password_is_refused() {
    let server = Server::start();
    for value in [
        "",
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Basic YWRtaW4=",
        "Basic //79/w==",
        "Basic OjEyMw==",
        "Bearer abc",
        "Digest username=\"admin\"",
    ] {
        let mut raw = Raw::connect(&server);
        raw.send(format!("GET /config/ HTTP/1.1\r\nHost: x\r\nAuthorization: {value}\r\n\r\n"));
        let reply = raw.reply().unwrap();
        assert_eq!(reply.status, 401, "{value}");
    }
    let mut raw = Raw::connect(&server);
    let long = "QUFB".repeat(7000);
    raw.send(format!("GET /config/ HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {long}\r\n\r\n"));
    assert_eq!(raw.reply().unwrap().status, 401);
}

#[test]
fn absurd_ranges_get_a_clear_answer() {
    let server = Server::start();
    let path = "/config/default/boot/default/ecelerity.conf";
    let whole = server.curl(path).send().body;
    for (range, status) in [
        ("bytes=0-18446744073709551615", 206),
        ("bytes=18446744073709551615-", 416),
        ("bytes=18446744073709551615-18446744073709551615", 416),
        ("bytes=99999999999999999999-", 416),
        ("bytes=5-2", 416),
        ("bytes=-0", 416),
        ("lines=1-2", 200),
        ("bytes=", 416),
        ("bytes=a-b", 416),
    ] {
        let reply = server.curl(path).header(&format!("Range: {range}")).send();
        assert_eq!(reply.status, status, "{range}");
        assert!(status == 416 || reply.body == whole, "{range}");
    }
    // Many small parts, or the same part many times, are answered with the whole once.
    let many = format!("Range: bytes={}", "0-,".repeat(2000));
    let reply = server.curl(path).header(&many).send();
    assert_eq!((reply.status, reply.body.len()), (200, whole.len()));
}

#[test]
fn what_is_not_tls_ends_there() {
    use std::io::{Read, Write};
    let server = Server::start();
    for bytes in [b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), vec![0xff; 100 << 10]] {
        let mut socket = std::net::TcpStream::connect(server.address).unwrap();
        socket.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
        let _ = socket.write_all(&bytes);
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP"), "{}", answer.escape_ascii());
    }
    assert_alive(&server);
}

#[test]
fn one_http2_connection_may_ask_for_much_at_once() {
    let server = Server::start();
    let urls = "/config/default/boot/default/ecelerity.conf?x=[1-500]";
    let reply = server
        .curl(urls)
        .args(["--http2", "--parallel", "--parallel-max", "300", "--no-include"])
        .args(["--output", "/dev/null", "--write-out", "%{http_version} %{http_code}\n"])
        .output();
    assert_eq!(reply.matches("2 200\n").count(), 500, "{reply}");
}

#[test]
fn http2_clients_that_misbehave_hurt_nobody_else() {
    let server = Server::start();
    let auth = authorization(&server, "admin");
    let auth = auth.trim_end().split_once(": ").unwrap().1;
    let head = frame::get("/config/default/boot/", auth);
    let open_and_reset = |n: u32| {
        let stream = 2 * n + 1;
        [frame::headers(stream, &head), frame::reset(stream)].concat()
    };
    let floods: [(&str, Vec<u8>); 6] = [
        ("streams opened and reset", (0..20_000).flat_map(open_and_reset).collect()),
        ("pings", frame::ping().repeat(100_000)),
        ("settings", frame::settings().repeat(100_000)),
        ("a head without end", frame::endless_head(&head, 20_000)),
        ("empty data", [frame::open(1, &head), frame::data(1, b"").repeat(100_000)].concat()),
        ("a window that overflows", frame::window(0, 0x7fff_ffff).repeat(3)),
    ];
    for (what, flood) in floods {
        let mut raw = Raw::connect_http2(&server);
        raw.send(frame::preface());
        // The server may close before all has been sent.
        let _ = raw.try_send(&flood);
        assert_alive(&server);
        drop(raw);
        assert!(!server.log().contains("panicked"), "{what}: {}", server.log());
    }
}

#[track_caller]
fn assert_alive(server: &Server) {
    let reply: Reply = server.curl("/config/default/boot/default/ecelerity.conf").send();
    assert_eq!(reply.status, 200, "{}", server.log());
}

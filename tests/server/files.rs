//! Files by their address: at any revision, whole or in part, and never run by a browser.

use std::os::unix::fs::PermissionsExt;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::fixture::{Clone, Curl, Reply, Server, succeeds};

const BOOT: &str = "/config/default/boot/";

#[test]
fn a_file_is_had_at_its_newest_and_at_every_earlier_revision() {
    let site = Site::new();
    let commits = ["two\n", "three\n"].map(|text| site.publish("a.conf", text));
    for (revision, text, number, commit) in [
        ("", "three\n", "3", &commits[1]),
        ("?r=3", "three\n", "3", &commits[1]),
        ("?r=2", "two\n", "2", &commits[0]),
        (&format!("?r={}", commits[0]), "two\n", "2", &commits[0]),
        (&format!("?r={}", &commits[0][..7]), "two\n", "2", &commits[0]),
        (&format!("?r={}", commits[0].to_uppercase()), "two\n", "2", &commits[0]),
        ("?other=x&r=2", "two\n", "2", &commits[0]),
    ] {
        let reply = site.get(&format!("a.conf{revision}"));
        assert_eq!((reply.status, &*reply.text()), (200, text), "{revision}");
        assert_eq!(reply.header("x-config-revision"), Some(number), "{revision}");
        assert_eq!(reply.header("x-config-commit"), Some(commit.as_str()), "{revision}");
    }
    assert_eq!(site.get("a.conf?r=1").status, 404, "it was not there yet");
    assert_eq!(site.get("default/ecelerity.conf?r=1").status, 200);
}

#[test]
fn revisions_that_are_not_there_are_404() {
    let site = Site::new();
    let commit = site.publish("a.conf", "a\n");
    let (tree, blob) = (site.clone.rev("HEAD^{tree}"), site.clone.rev("HEAD:a.conf"));
    succeeds(site.clone.git(&["checkout", "--quiet", "-b", "topic"]));
    let elsewhere = site.clone.commit("Elsewhere");
    succeeds(site.clone.git(&["push", "--quiet", "origin", "topic"]));
    for revision in [
        "0",
        "3",
        "-1",
        "2.0",
        "999999",
        "18446744073709551616",
        "",
        "boot",
        "HEAD",
        "HEAD~1",
        "boot@{0}",
        "deadbeef",
        &"0".repeat(40),
        &tree,
        &blob,
        &elsewhere,
        &commit[..6],
        &format!("{commit}0"),
        &format!("{commit}^"),
    ] {
        let reply = site.get(&format!("a.conf?r={revision}"));
        assert_eq!(reply.status, 404, "{revision}: {reply:?}");
        assert_eq!(reply.header("x-config-revision"), Some("2"), "{revision}");
    }
}

#[test]
fn every_answer_of_a_subcluster_tells_its_revision() {
    let site = Site::new();
    site.publish("dir/a.conf", "a\n");
    let etag = site.get("dir/a.conf").header("etag").unwrap().to_owned();
    let root = "/config/default";
    for (path, options, status) in [
        (format!("{root}/"), vec![], 200),
        (root.into(), vec![], 308),
        (format!("{root}/boot/"), vec![], 200),
        (format!("{root}/boot/dir"), vec![], 308),
        (format!("{root}/boot/dir/a.conf"), vec![], 200),
        (format!("{root}/boot/dir/a.conf"), vec!["--head".into()], 200),
        (format!("{root}/boot/dir/a.conf"), header("Range: bytes=0-0"), 206),
        (format!("{root}/boot/dir/a.conf"), header("Range: bytes=9-"), 416),
        (format!("{root}/boot/dir/a.conf"), header(&format!("If-None-Match: {etag}")), 304),
        (format!("{root}/boot/dir/a.conf/"), vec![], 404),
        (format!("{root}/boot/nothing"), vec![], 404),
        (format!("{root}/nothing/"), vec![], 404),
        (format!("{root}/boot/dir/a.conf"), vec!["--request".into(), "PUT".into()], 405),
        (format!("{root}/info/refs?service=git-upload-pack"), vec![], 200),
        (format!("{root}/git-upload-pack"), vec!["--data".into(), "0000".into()], 415),
        (format!("{root}/git-upload-pack"), vec![], 405),
    ] {
        let reply = site.server.curl(&path).args(&options).send();
        assert_eq!(reply.status, status, "{path} {options:?}: {reply:?}");
        assert_eq!(reply.header("x-config-revision"), Some("2"), "{path} {options:?}: {reply:?}");
    }
    assert_eq!(site.server.curl("/config/nobody/").send().header("x-config-revision"), None);
}

#[test]
fn a_copy_that_is_current_is_not_sent_again() {
    let site = Site::new();
    site.publish("a.conf", "a\n");
    let first = site.get("a.conf");
    let etag = first.header("etag").unwrap();
    assert_eq!(etag, format!("\"{}\"", site.clone.rev("HEAD:a.conf")));
    for (known, status) in [
        (etag.to_owned(), 304),
        (format!("W/{etag}"), 304),
        (format!("\"other\", {etag}"), 304),
        ("*".into(), 304),
        ("\"other\"".into(), 200),
        ("nonsense".into(), 200),
    ] {
        let reply = site.ask("a.conf", &[&format!("If-None-Match: {known}")]);
        assert_eq!(reply.status, status, "{known}: {reply:?}");
        assert_eq!(reply.header("etag"), Some(etag));
        assert_eq!(reply.body.is_empty(), status == 304);
    }
    site.publish("a.conf", "b\n");
    assert_eq!(site.ask("a.conf", &[&format!("If-None-Match: {etag}")]).text(), "b\n");
    let unchanged = site.ask("a.conf?r=2", &[&format!("If-None-Match: {etag}")]);
    assert_eq!(unchanged.status, 304);
}

#[test]
fn times_are_compared_where_there_is_no_etag() {
    let site = Site::new();
    let clone = &site.clone;
    clone.write("a.conf", "a\n");
    succeeds(clone.git(&["add", "a.conf"]));
    let mut commit = clone.git.command(&clone.path);
    commit.env("GIT_COMMITTER_DATE", "2024-02-29T12:00:00Z").args(["commit", "-qm", "Old"]);
    succeeds(commit.output().unwrap());
    succeeds(clone.git(&["push", "--quiet"]));
    let time = "Thu, 29 Feb 2024 12:00:00 GMT";
    assert_eq!(site.get("a.conf").header("last-modified"), Some(time));
    for (headers, status) in [
        (&["If-Modified-Since: Thu, 29 Feb 2024 12:00:00 GMT"][..], 304),
        // A committer's clock may have been behind.
        (&["If-Modified-Since: Fri, 01 Mar 2024 00:00:00 GMT"], 200),
        (&["If-Modified-Since: Thu, 29 Feb 2024 11:59:59 GMT"], 200),
        (&["If-Modified-Since: yesterday"], 200),
        (&["If-Modified-Since: Fri, 01 Mar 2024 00:00:00 GMT", "If-None-Match: \"other\""], 200),
    ] {
        assert_eq!(site.ask("a.conf", headers).status, status, "{headers:?}");
    }
}

#[test]
fn a_part_of_a_file_is_had() {
    let site = Site::new();
    site.publish("digits", "0123456789");
    for (range, status, content, content_range) in [
        ("0-4", 206, "01234", "bytes 0-4/10"),
        ("3-5", 206, "345", "bytes 3-5/10"),
        ("9-9", 206, "9", "bytes 9-9/10"),
        ("7-", 206, "789", "bytes 7-9/10"),
        ("-3", 206, "789", "bytes 7-9/10"),
        ("-30", 206, "0123456789", "bytes 0-9/10"),
        ("5-500", 206, "56789", "bytes 5-9/10"),
    ] {
        let reply = site.ask("digits", &[&format!("Range: bytes={range}")]);
        assert_eq!((reply.status, &*reply.text()), (status, content), "{range}");
        assert_eq!(reply.header("content-range"), Some(content_range));
        assert_eq!(reply.header("content-length"), Some(&*content.len().to_string()));
        assert_eq!(reply.header("accept-ranges"), Some("bytes"));
    }
    for range in ["10-", "10-20", "-0"] {
        let reply = site.ask("digits", &[&format!("Range: bytes={range}")]);
        assert_eq!(reply.status, 416, "{range}: {reply:?}");
        assert_eq!(reply.header("content-range"), Some("bytes */10"), "{range}");
    }
    let several = site.ask("digits", &["Range: bytes=0-1,5-6"]);
    assert_eq!((several.status, &*several.text()), (200, "0123456789"));
}

#[test]
fn a_part_is_sent_only_of_what_the_client_has_the_rest_of() {
    let site = Site::new();
    site.publish("digits", "0123456789");
    let first = site.get("digits");
    let (etag, time) = (first.header("etag").unwrap(), first.header("last-modified").unwrap());
    for (known, status) in [
        (etag, 206),
        // Two commits may have one date.
        (time, 200),
        ("\"other\"", 200),
        (&format!("W/{etag}"), 200),
        ("Thu, 29 Feb 2024 12:00:00 GMT", 200),
    ] {
        let reply = site.ask("digits", &["Range: bytes=0-4", &format!("If-Range: {known}")]);
        assert_eq!(reply.status, status, "{known}: {reply:?}");
        assert_eq!(reply.body.len(), if status == 206 { 5 } else { 10 }, "{known}");
    }
}

#[test]
fn no_browser_runs_a_file_or_guesses_what_it_is() {
    let site = Site::new();
    let page = b"<html><script>alert(1)</script></html>".as_slice();
    const TEXT: &str = "text/plain; charset=utf-8";
    const BINARY: &str = "application/octet-stream";
    for (name, content, expected) in [
        ("a.conf", b"a\n".as_slice(), TEXT),
        ("page.html", page, TEXT),
        ("page.xhtml", page, TEXT),
        ("image.svg", page, TEXT),
        ("feed.xml", page, TEXT),
        ("script.js", b"alert(1)", TEXT),
        ("style.css", b"a{}", TEXT),
        ("no-ending", page, TEXT),
        ("data.json", b"{}", "application/json"),
        ("not.json", b"\xff{}", BINARY),
        ("zero.conf", b"a\0b", BINARY),
        ("latin-1.html", b"<p>\xe9", BINARY),
        ("utf-16.html", b"\xff\xfe<\0p\0>\0", BINARY),
        ("image.png", b"\x89PNG\r\n\x1a\n", BINARY),
        ("empty.html", b"", TEXT),
    ] {
        site.clone.write(name, content);
        site.clone.commit(name);
        succeeds(site.clone.git(&["push", "--quiet"]));
        let reply = site.get(name);
        assert_eq!((reply.status, reply.body.as_slice()), (200, content), "{name}");
        assert_eq!(reply.header("content-type"), Some(expected), "{name}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{name}");
        let policy = reply.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{name}: {policy}");
    }
}

#[test]
fn bytes_come_as_they_went() {
    let site = Site::new();
    let every_byte: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let mut large = vec![0; 20 << 20];
    getrandom::fill(&mut large).unwrap();
    let contents = [
        ("every", every_byte),
        ("large", large),
        ("empty", Vec::new()),
        ("crlf", b"a\r\n".to_vec()),
    ];
    for (name, content) in &contents {
        site.clone.write(name, content);
    }
    site.clone.commit("Bytes");
    succeeds(site.clone.git(&["push", "--quiet"]));
    for (name, content) in &contents {
        for version in ["--http1.1", "--http2"] {
            let reply = site.curl(name).args([version]).send();
            assert!(reply.status == 200 && reply.body == *content, "{name} {version}");
            // HTTP/2 may say it by ending at once.
            let length = reply.header("content-length").unwrap_or("0");
            assert_eq!(length, content.len().to_string());
        }
    }
    let middle = site.ask("large", &["Range: bytes=10000000-10000009"]);
    assert_eq!(middle.body, contents[1].1[10_000_000..10_000_010]);
}

#[test]
fn any_name_can_be_asked_for() {
    let site = Site::new();
    let names = [
        "two words.conf",
        "100%.conf",
        "%2e%2e",
        "what?.conf",
        "a#b.conf",
        "a&b=c+d.conf",
        "naïve—日本.conf",
        "quote\"'`.conf",
        "<b>.conf",
        "back\\slash",
        "a:b@c",
        "...",
        ".hidden",
        "-dash",
        "git-upload-pack",
        "info/refs",
        "dir.git/with space/file",
        "[1]{2}.conf",
    ];
    for name in names {
        site.clone.write(name, name);
    }
    site.clone.commit("Names");
    succeeds(site.clone.git(&["push", "--quiet"]));
    for name in names {
        let parts: Vec<String> = name
            .split('/')
            .map(|part| utf8_percent_encode(part, NON_ALPHANUMERIC).to_string())
            .collect();
        let reply = site.get(&parts.join("/"));
        assert_eq!((reply.status, &*reply.text()), (200, name));
    }
}

#[test]
fn branches_with_slashes_and_the_running_one_are_read_too() {
    let site = Site::new();
    for branch in ["running", "topic/jane/mx", "topic/jane/mx2"] {
        let here = format!("HEAD:refs/heads/{branch}");
        site.clone.write("dir/a.conf", format!("first of {branch}\n"));
        site.clone.commit("First");
        succeeds(site.clone.git(&["push", "--quiet", "origin", &here]));
        site.clone.write("dir/a.conf", format!("second of {branch}\n"));
        let commit = site.clone.commit("Second");
        succeeds(site.clone.git(&["push", "--quiet", "origin", &here]));
        let path = format!("/config/default/{branch}/dir/a.conf");
        let reply = site.server.curl(&path).send();
        assert_eq!((reply.status, reply.text()), (200, format!("second of {branch}\n")));
        assert_eq!(reply.header("x-config-commit"), Some(&*commit));
        let first = site.server.curl(&format!("{path}?r={}", site.clone.rev("HEAD~1"))).send();
        assert_eq!(first.text(), format!("first of {branch}\n"));
        let count = succeeds(site.clone.git(&["rev-list", "--count", "HEAD"]));
        let by_number = site.server.curl(&format!("{path}?r={}", count.trim())).send();
        assert_eq!(by_number.text(), format!("second of {branch}\n"));
    }
    for path in ["topic/dir/a.conf", "topic/jane/dir/a.conf", "topic/jane/m/dir/a.conf", "Boot/x"] {
        let reply = site.server.curl(&format!("/config/default/{path}")).send();
        assert_eq!(reply.status, 404, "{path}");
    }
}

#[test]
fn links_tell_where_they_lead_and_programs_what_is_in_them() {
    let site = Site::new();
    std::os::unix::fs::symlink("../../etc/passwd", site.clone.path.join("link")).unwrap();
    site.clone.write("program", "#!/bin/sh\n");
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(site.clone.path.join("program"), executable).unwrap();
    site.clone.commit("Links");
    succeeds(site.clone.git(&["push", "--quiet"]));
    assert_eq!(site.get("link").text(), "../../etc/passwd");
    assert_eq!(site.get("program").text(), "#!/bin/sh\n");
    assert_eq!(site.get("program").header("content-type"), Some("text/plain; charset=utf-8"));
}

#[test]
fn head_tells_what_get_would() {
    let site = Site::new();
    site.publish("a.conf", "a\n");
    for version in ["--http1.1", "--http2"] {
        for (path, header) in
            [("a.conf", "X: y"), ("nothing", "X: y"), ("a.conf", "Range: bytes=0-0"), ("", "X: y")]
        {
            let ask = || site.curl(path).header(header).args([version]);
            let (get, head) = (ask().send(), ask().args(["--head"]).send());
            let told = |reply: &Reply| {
                let headers = reply.headers.iter().filter(|(name, _)| name != "date");
                (reply.status, headers.cloned().collect::<Vec<_>>())
            };
            assert_eq!(told(&head), told(&get), "{version} {path} {header}");
            assert!(head.body.is_empty() && !get.body.is_empty(), "{version} {path}");
        }
    }
}

#[test]
fn nothing_is_written_this_way() {
    let site = Site::new();
    site.publish("a.conf", "a\n");
    for method in ["PUT", "POST", "DELETE", "PATCH", "PROPFIND", "MKCOL"] {
        let reply = site.curl("a.conf").args(["--request", method, "--data", "b"]).send();
        assert_eq!(reply.status, 405, "{method}: {reply:?}");
        assert_eq!(reply.header("allow"), Some("GET, HEAD"));
    }
    assert_eq!(site.get("a.conf").text(), "a\n");
}

/// A subcluster that is filled and read.
struct Site {
    server: Server,
    clone: Clone,
}

impl Site {
    fn new() -> Self {
        let server = Server::start();
        let clone = server.git().clone_of("default");
        Self { server, clone }
    }

    fn publish(&self, path: &str, content: &str) -> String {
        self.clone.push_file(path, content)
    }

    /// A path below `boot`.
    fn curl(&self, path: &str) -> Curl {
        self.server.curl(&format!("{BOOT}{path}")).args(["--globoff"])
    }

    fn get(&self, path: &str) -> Reply {
        self.curl(path).send()
    }

    fn ask(&self, path: &str, headers: &[&str]) -> Reply {
        headers.iter().fold(self.curl(path), |curl, line| curl.header(line)).send()
    }
}

fn header(line: &str) -> Vec<String> {
    vec!["--header".into(), line.into()]
}

//! Fault 13: headers.

use std::time::{Duration, SystemTime};

use headers::{Date, HeaderMap, HeaderMapExt, HeaderValue};

use crate::fixture::post::{post, request_type};
use crate::fixture::{Reply, Server, eventually};

/// One address of each kind.
const PATHS: [&str; 7] = [
    "/livez",
    "/config/",
    "/config/default/",
    "/config/default/boot/",
    "/config/default/boot/default/ecelerity.conf",
    "/config/default/info/refs?service=git-upload-pack",
    "/config/default/info/refs?service=git-receive-pack",
];

#[test]
fn fault_13_every_answer_has_a_date() {
    let server = Server::start();
    for http in ["--http1.1", "--http2"] {
        for path in PATHS.into_iter().chain(["/nowhere", "/config/default/boot/nowhere"]) {
            let reply = server.curl(path).args([http]).send();
            let mut headers = HeaderMap::new();
            headers.insert("date", HeaderValue::from_str(reply.header("date").unwrap()).unwrap());
            let date: SystemTime = headers.typed_get::<Date>().expect("a date of HTTP").into();
            let age = date.elapsed().unwrap_or_default();
            assert!(age < Duration::from_secs(600), "{path}: {reply:?}");
            assert!(reply.header("date").unwrap().ends_with(" GMT"));
        }
    }
}

#[test]
fn fault_13_nothing_that_needed_a_password_is_kept_by_caches() {
    let server = Server::start();
    for path in PATHS.into_iter().chain(["/nowhere", "/config/default", "/config/nowhere/"]) {
        let reply = server.curl(path).send();
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
    }
    for service in ["upload-pack", "receive-pack"] {
        let curl = server.curl(&format!("/config/default/git-{service}"));
        let reply = post(curl, &request_type(service), "0000");
        assert_eq!((reply.status, reply.header("cache-control")), (200, Some("no-store")));
    }
}

#[test]
fn fault_13_who_is_unknown_is_told_how_to_say_who_it_is() {
    let server = Server::start();
    let check = |reply: Reply| {
        let challenge = reply.header("www-authenticate").unwrap_or_default();
        let is_basic = challenge.starts_with("Basic realm=\"ecconfigd repo\"");
        assert!(reply.status == 401 && is_basic, "{reply:?}");
    };
    for path in &PATHS[1..] {
        check(server.curl_anonymous(path).send());
    }
    check(server.curl_anonymous("/config/").args(["--user", "admin:wrong"]).send());
    for service in ["upload-pack", "receive-pack"] {
        let curl = server.curl_anonymous(&format!("/config/default/git-{service}"));
        check(post(curl, &request_type(service), "0000"));
    }
}

#[test]
fn fault_13_who_may_not_is_told_so() {
    let server = Server::start();
    let output = server.ecconfigd(&["passwd", "--role", "reader", "jane"], "secret-of-jane\n");
    assert!(output.status.success());
    let jane = ["--user", "jane:secret-of-jane"];
    let paths =
        ["/config/default/info/refs?service=git-receive-pack", "/config/default/git-receive-pack"];
    eventually("the account is known", || {
        server.curl_anonymous("/config/").args(jane).send().status == 200
    });
    assert_eq!(server.curl_anonymous(paths[0]).args(jane).send().status, 403);
    let curl = server.curl_anonymous(paths[1]).args(jane);
    assert_eq!(post(curl, &request_type("receive-pack"), "0000").status, 403);
}

#[test]
fn fault_13_another_content_type_is_not_taken() {
    let server = Server::start();
    for (service, other) in [("upload-pack", "receive-pack"), ("receive-pack", "upload-pack")] {
        let path = format!("/config/default/git-{service}");
        for content_type in [
            &request_type(other),
            "application/x-www-form-urlencoded",
            "text/plain",
            "",
            &format!("application/x-git-{service}-result"),
        ] {
            let reply = post(server.curl(&path), content_type, "0000");
            assert_eq!(reply.status, 415, "{service} {content_type}");
        }
        for encoding in ["br", "zstd", "gzip, gzip", "gzip, br"] {
            let curl = server.curl(&path).header(&format!("Content-Encoding: {encoding}"));
            assert_eq!(post(curl, &request_type(service), "0000").status, 415, "{encoding}");
        }
    }
}

#[test]
fn fault_13_another_method_is_told_the_right_one() {
    let server = Server::start();
    let send = |method: &str, path: &str| server.curl(path).args(["--request", method]).send();
    for path in &PATHS[1..] {
        for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
            let reply = send(method, path);
            assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, HEAD")), "{path}");
        }
    }
    for service in ["upload-pack", "receive-pack"] {
        for method in ["GET", "PUT"] {
            let reply = send(method, &format!("/config/default/git-{service}"));
            assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")), "{service}");
        }
    }
}

#[test]
fn fault_13_head_is_get_without_the_body() {
    let server = Server::start();
    for http in ["--http1.1", "--http2"] {
        for path in PATHS.into_iter().chain(["/config/default/boot/nowhere"]) {
            let get = server.curl(path).args([http]).send();
            let head = server.curl(path).args([http, "--head"]).send();
            let comparable = |reply: &Reply| {
                let mut headers = reply.headers.clone();
                headers.retain(|(name, _)| name != "date");
                (reply.status, headers)
            };
            assert_eq!(comparable(&head), comparable(&get), "{path}");
            assert!(head.body.is_empty() && !get.body.is_empty(), "{path}");
            let length = head.header("content-length").unwrap();
            assert_eq!(length, get.body.len().to_string(), "{path}");
        }
    }
}

#[test]
fn fault_13_gits_answers_have_gits_content_types() {
    let server = Server::start();
    for service in ["upload-pack", "receive-pack"] {
        let path = format!("/config/default/info/refs?service=git-{service}");
        let expected = format!("application/x-git-{service}-advertisement");
        assert_eq!(server.curl(&path).send().header("content-type"), Some(expected.as_str()));
        let curl = server.curl(&format!("/config/default/git-{service}"));
        let reply = post(curl, &request_type(service), "0000");
        let expected = format!("application/x-git-{service}-result");
        assert_eq!(reply.header("content-type"), Some(expected.as_str()));
    }
}

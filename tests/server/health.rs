//! Who watches the server needs no password, and learns nothing else.

use std::fs;

use nix::sys::signal::Signal;

use crate::fixture::{Server, fails};

#[test]
fn livez_and_readyz_need_no_password() {
    let server = Server::start();
    for path in ["/livez", "/readyz"] {
        for options in [&["--http1.1"][..], &["--http2"], &["--user", "admin:wrong"], &["--head"]] {
            let reply = server.curl_anonymous(path).args(options).send();
            assert_eq!(reply.status, 200, "{path} {options:?}: {reply:?}");
            assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
        }
        assert_eq!(server.curl_anonymous(path).send().text(), "ok\n");
    }
}

#[test]
fn everything_else_wants_one() {
    let server = Server::start();
    for path in [
        "/",
        "/config",
        "/config/",
        "/config/default",
        "/config/default/boot/default/ecelerity.conf",
        "/config/default/info/refs?service=git-upload-pack",
        "/config/default.git/info/refs?service=git-receive-pack",
        "/config/nobody-knows",
        "/livez/",
        "/livez/../config/",
        "/LIVEZ",
        "/%6civez",
        "//livez",
        "/nowhere",
        "/config/../etc/passwd",
        "/favicon.ico",
    ] {
        let reply = server.curl_anonymous(path).send();
        assert_eq!(reply.status, 401, "{path}: {reply:?}");
        let challenge = reply.header("www-authenticate").unwrap();
        assert_eq!(challenge, "Basic realm=\"ecconfigd repo\", charset=\"UTF-8\"");
        assert!(reply.header("x-config-revision").is_none(), "{path}: {reply:?}");
        assert_eq!(reply.text(), "name and password of an account are needed\n", "{path}");
    }
}

#[test]
fn neither_does_any_method_nor_any_other_kind_of_password_help() {
    let server = Server::start();
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"] {
        let reply = server.curl_anonymous("/config/default/boot/").args(["-X", method]).send();
        assert_eq!(reply.status, 401, "{method}: {reply:?}");
    }
    for header in [
        "authorization:",
        "authorization: Basic",
        "authorization: Basic ====",
        "authorization: Basic YWRtaW4=",
        "authorization: Basic /w==",
        "authorization: Bearer x",
        "authorization: Digest username=\"admin\"",
    ] {
        let reply = server.curl_anonymous("/config/").header(header).send();
        assert_eq!(reply.status, 401, "{header}: {reply:?}");
    }
    fails(
        server.git().at(server.url("/config")).run(&["ls-remote", &server.url("/config/default")]),
    );
}

#[test]
fn readyz_says_whether_repositories_can_be_read() {
    let mut server = Server::start();
    let reload = |server: &mut Server| {
        server.signal(Signal::SIGHUP);
        server.wait_for("READY=1");
        let reply = server.curl_anonymous("/readyz").send();
        (reply.status, reply.text())
    };
    for name in ["global", "default"] {
        fs::rename(server.state("repo").join(name), server.state(name)).unwrap();
        fs::create_dir(server.state("repo").join(name)).unwrap();
        let (status, text) = reload(&mut server);
        match name {
            "global" => {
                assert_eq!((status, &*text), (200, "ok, but 1 repositories cannot be read\n"))
            }
            _ => assert_eq!((status, &*text), (503, "no repository can be read\n")),
        }
        assert_eq!(server.curl_anonymous("/livez").send().status, 200);
    }
    for name in ["global", "default"] {
        fs::remove_dir(server.state("repo").join(name)).unwrap();
    }
    assert_eq!(reload(&mut server), (503, "there are no repositories\n".into()));
    for name in ["global", "default"] {
        fs::rename(server.state(name), server.state("repo").join(name)).unwrap();
    }
    assert_eq!(reload(&mut server), (200, "ok\n".into()));
}

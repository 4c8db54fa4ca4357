//! A page of another site in the browser of somebody who has given it a password for this server.

use serde_json::{Value, json};

use crate::fixture::post::{post, push_of, request_type};
use crate::fixture::{Curl, Server};

const WORD: &str = "/subclusters?name=default&node=mta1&reload=failed&error=forged";
const CROSS_SITE: &str = "Sec-Fetch-Site: cross-site";

#[test]
fn no_page_says_anything_for_a_node() {
    let server = Server::start();
    for header in [
        CROSS_SITE,
        "Sec-Fetch-Site: same-site",
        "Sec-Fetch-Site: same-origin",
        "Sec-Fetch-Site: none",
        "Origin: https://evil.example",
        "Origin: null",
        "Referer: https://evil.example/page",
    ] {
        for account in ["admin", "ecuser"] {
            let reply = server.curl_as(account, WORD).header(header).send();
            assert_eq!(reply.status, 403, "{header}: {reply:?}");
        }
    }
    for header in [CROSS_SITE, "Sec-Fetch-Site: same-site", "Origin: null", "Referer: https://x/"] {
        let reply = server.curl(WORD).header(header).method("POST");
        assert_eq!(reply.status, 403, "{header}: {reply:?}");
    }
    // Nobody's word, and read only.
    assert_eq!(server.curl(WORD).args(["--head"]).send().status, 200);
    assert_eq!(told(&server), json!([]));
}

#[test]
fn a_node_says_it_by_post_and_an_older_one_by_get() {
    let server = Server::start();
    let asked = server.curl_as("ecuser", "/subclusters?name=default&node=mta1").method("POST");
    assert_eq!(asked.json(), server.curl("/subclusters?name=default").send().json());
    let known = format!("If-None-Match: {}", asked.header("etag").unwrap());
    let question = "/subclusters?name=default&wait=1&node=mta2";
    let again = server.curl_as("ecuser", question).header(&known).method("POST");
    assert_eq!((again.status, again.text()), (304, String::new()));
    assert_eq!(server.curl_as("ecuser", "/subclusters?name=default&node=mta3").send().status, 200);
    let names: Vec<Value> =
        told(&server).as_array().unwrap().iter().map(|line| line["node"].clone()).collect();
    assert_eq!(names, ["mta1", "mta2", "mta3"]);
    assert_eq!(server.curl("/subclusters?name=default").method("PUT").status, 405);
}

#[test]
fn no_page_changes_anything() {
    let server = Server::start();
    let head = server.git().clone_of("default").rev("HEAD");
    let copy = r#"{"to": "east", "history": true}"#;
    let zero = "0".repeat(40);
    let push = push_of(zero, &head, "refs/heads/topic", b"");
    let requests = |with: &dyn Fn(Curl) -> Curl| {
        let at = |path: &str| with(server.curl(path));
        [
            at("/subclusters/west").method("PUT"),
            at("/subclusters/default/conflict").method("PUT"),
            at("/subclusters/default/copy").json("POST", copy),
            at("/members").json("POST", "{}"),
            post(at("/config/default/git-receive-pack"), &request_type("receive-pack"), &push),
        ]
    };
    for header in [CROSS_SITE, "Origin: https://evil.example"] {
        for reply in requests(&|curl| curl.header(header)) {
            assert_eq!(reply.status, 403, "{header}: {reply:?}");
            assert!(reply.text().contains("a page of another site"), "{reply:?}");
        }
    }
    assert_eq!(server.curl("/subclusters/west").send().status, 404);
    assert_eq!(server.curl("/subclusters/east").send().status, 404);
    let standing = server.curl("/subclusters/default").send().json();
    assert_eq!(standing["conflict"], json!(false));
    // From a page of this server, or from nobody's, it works.
    let own = format!("Origin: https://{}", server.address);
    let reply = server.curl("/subclusters/west").header(&own).method("PUT");
    assert_eq!(reply.status, 201, "{reply:?}");
}

#[test]
fn a_page_may_lead_here_and_show_nothing_of_it() {
    let server = Server::start();
    let path = "/config/default/boot/default/ecelerity.conf";
    let asked = |mode: &str| {
        let mode = format!("Sec-Fetch-Mode: {mode}");
        server.curl(path).header(CROSS_SITE).header(&mode).send().status
    };
    assert_eq!(asked("navigate"), 200);
    assert_eq!(asked("no-cors"), 403);
    assert_eq!(asked("cors"), 403);
}

fn told(server: &Server) -> Value {
    server.curl("/nodes").send().json()
}

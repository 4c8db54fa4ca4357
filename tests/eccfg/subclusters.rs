//! The question whether there is anything new, and the rest of the API.

use ecconfigd::node::remote::Error;
use hyper::Method;
use serde_json::json;

use crate::fake::{Fake, answer};
use crate::fixture::Server;
use crate::node::{Node, quiet, tip};

#[test]
fn where_the_subclusters_stand_is_one_question() {
    let server = Server::start();
    server.git().clone_of("default").push_file("default/a.conf", "new\n");
    let node = Node::of(&server);
    let heads = node.connect(&server).subclusters(&["default", "global"]).unwrap();
    let default = heads.iter().find(|head| head.name == "default").unwrap();
    assert_eq!((default.revision, default.commit), (Some(2), Some(tip(&server, "boot"))));
    assert_eq!((default.running, default.conflict, &default.error), (None, false, &None));
    assert_eq!(heads.len(), 2);
    assert_eq!(server.log().matches("GET /subclusters of").count(), 1);
    let all = node.connect(&server).subclusters(&[]).unwrap();
    assert_eq!(all, heads);
}

#[test]
fn a_subcluster_that_is_not_there_is_told() {
    let server = Server::start();
    let node = Node::of(&server);
    let mut remote = node.connect(&server);
    for name in ["nowhere", "a b/../c?d&name=default", "ü"] {
        let error = remote.subclusters(&["default", name]).unwrap_err();
        assert!(matches!(&error, Error::NotFound(_)), "{name}: {error}");
    }
}

#[test]
fn other_requests_bring_json_and_get_it() {
    let fake = Fake::new(|_, talk| {
        let Some(request) = talk.request() else { return };
        assert!(request.ends_with(b"\r\n\r\n{\"from\":\"west\"}"));
        talk.send(&answer("201 Created", &[], "application/json", r#"{"name":"east"}"#));
        talk.request();
        talk.send(b"HTTP/1.1 204 No Content\r\n\r\n");
        talk.request();
    });
    let mut remote = fake.node().connect_to(&fake.address);
    let body = json!({"from": "west"});
    let made = remote.call(Method::PUT, "/subclusters/east", Some(&body)).unwrap();
    assert_eq!(made, json!({"name": "east"}));
    assert!(remote.call(Method::DELETE, "/subclusters/east/override", None).unwrap().is_null());
    let requests = fake.requests();
    assert!(requests[0].starts_with("PUT /subclusters/east HTTP/1.1\r\n"), "{requests:?}");
    assert!(requests[0].contains("content-type: application/json\r\n"), "{requests:?}");
    assert!(requests[1].starts_with("DELETE /subclusters/east/override "), "{requests:?}");
    assert!(!requests[1].contains("content-"), "{requests:?}");
}

#[test]
fn a_subcluster_in_conflict_is_told_as_such_whatever_is_asked() {
    let server = Server::start();
    let node = Node::of(&server);
    let mut remote = node.connect(&server);
    let (old, repository) = (tip(&server, "boot"), &node.repository);
    remote.fetch("default", repository, old, &[], &mut quiet).unwrap();
    let new = node.commit(&[old], "default/a.conf", "mine\n");
    remote.call(Method::PUT, "/subclusters/default/conflict", None).unwrap();
    assert!(remote.subclusters(&["default"]).unwrap()[0].conflict);
    for error in [
        remote.fetch("default", repository, old, &[], &mut quiet).unwrap_err(),
        remote.push("default", repository, "boot", Some(old), new, &mut quiet).unwrap_err(),
        remote.branch("default", "running").unwrap_err(),
    ] {
        assert!(matches!(&error, Error::Conflict(_)), "{error:?}");
        assert!(error.to_string().contains("eccfg subcluster resolve default"), "{error}");
    }
}

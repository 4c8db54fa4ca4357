//! MASTER, SLAVES and the override, as a cluster of one answers.

use serde_json::{Value, json};

use crate::fixture::{Options, Reply, Server, succeeds};

#[test]
fn this_server_is_the_master_and_has_no_slaves() {
    let server = Server::start();
    assert_eq!(master(&server), json!({"master": host(), "override": false}));
    let slaves = server.curl("/subclusters/default/slaves").send();
    assert_eq!(slaves.json(), json!({"slaves": []}));
    assert_eq!(server.curl_as("ecuser", "/subclusters/default/master").send().status, 200);
    for what in ["master", "slaves"] {
        let reply = server.curl(&format!("/subclusters/west/{what}")).send();
        assert_eq!(reply.text(), "there is no subcluster \"west\"\n");
        let reply = server.curl(&format!("/subclusters/default/{what}")).method("PUT");
        assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, HEAD")));
    }
}

#[test]
fn an_override_to_this_server_is_kept_until_it_is_resumed() {
    let server = Server::with(Options { level: Some(5), ..Options::default() });
    let pinned = json!({"master": host(), "override": true});
    for node in [host(), format!("{}.", host().to_uppercase())] {
        assert_eq!(change(&server, "PUT", &node).json(), pinned);
    }
    assert_eq!(master(&server), pinned);
    let server = server.start_again(Options { level: Some(5), ..Options::default() });
    assert_eq!(master(&server), pinned);
    let global = server.curl("/subclusters/global/master").send().json();
    assert_eq!(global["override"], json!(false));
    for _ in 0..2 {
        let free = json!({"master": host(), "override": false});
        assert_eq!(change(&server, "DELETE", &host()).json(), free);
    }
    let server = server.restart();
    assert_eq!(master(&server)["override"], json!(false));
    server.assert_tidy("default");
    let log = server.log();
    for line in [
        format!("admin made {} the MASTER of subcluster default from 127.0.0.1", host()),
        format!("admin ended the override of subcluster default from 127.0.0.1; {} is", host()),
    ] {
        assert_eq!(log.matches(&line).count(), 1, "{line}: {log}");
    }
    assert!(log.contains(&format!("subcluster=default node=\"{}\"", host())), "{log}");
}

#[test]
fn this_server_may_be_named_without_its_domain_or_with_it() {
    let server = Server::start();
    let other_form = match host().split_once('.') {
        Some((short, _)) => short.to_owned(),
        None => format!("{}.example.com", host()),
    };
    assert_eq!(change(&server, "PUT", &other_form).json()["master"], json!(host()));
}

#[test]
fn another_node_is_no_member() {
    let server = Server::start();
    for node in ["elsewhere", "", "elsewhere.example.com", "two\nlines", "<b>"] {
        for method in ["PUT", "DELETE"] {
            let reply = change(&server, method, node);
            let told = format!(
                "{} is no member of the cluster: the members are {}\n",
                node.escape_default(),
                host()
            );
            assert_eq!((reply.status, reply.text()), (409, told));
        }
    }
    assert_eq!(master(&server)["override"], json!(false));
}

#[test]
fn an_override_and_a_conflict_leave_each_other_alone() {
    let server = Server::start();
    change(&server, "PUT", &host());
    assert_eq!(server.curl("/subclusters/default/conflict").method("PUT").status, 200);
    assert_eq!(master(&server)["override"], json!(true));
    change(&server, "DELETE", &host());
    let server = server.start_again(Options::default());
    assert_eq!(server.curl("/subclusters/default").send().json()["conflict"], json!(true));
    change(&server, "PUT", &host());
    assert_eq!(server.curl("/subclusters/default/conflict").method("DELETE").status, 200);
    let server = server.start_again(Options::default());
    assert_eq!(master(&server)["override"], json!(true));
    server.git().clone_of("default").push_file("default/a.conf", "a\n");
    assert_eq!(master(&server)["override"], json!(true));
}

#[test]
fn only_administrators_may_override_and_only_with_a_node() {
    let server = Server::start();
    succeeds(server.ecconfigd(&["passwd", "--role", "reader", "jane"], "secret\n"));
    let path = "/subclusters/default/override";
    let body = json!({"node": host()});
    for method in ["PUT", "DELETE"] {
        assert_eq!(server.curl_as("ecuser", path).json(method, &body).status, 403);
        let jane = server.curl_anonymous(path).args(["--user", "jane:secret"]);
        assert_eq!(jane.json(method, &body).status, 403);
        assert_eq!(server.curl_anonymous(path).json(method, &body).status, 401);
        assert_eq!(server.curl("/subclusters/west/override").json(method, &body).status, 404);
        assert_eq!(server.curl(path).method(method).status, 415);
        for bad in ["", "{}", "[]", "{\"node\":1}", "{\"node\":\"a\",\"b\":1}"] {
            assert_eq!(server.curl(path).json(method, bad).status, 400, "{bad}");
        }
    }
    let reply = server.curl(path).send();
    assert_eq!((reply.status, reply.header("allow")), (405, Some("PUT, DELETE")));
    assert_eq!(master(&server)["override"], json!(false));
}

fn host() -> String {
    let name = nix::unistd::gethostname().unwrap().into_string().unwrap();
    name.trim_end_matches('.').to_lowercase()
}

fn master(server: &Server) -> Value {
    server.curl("/subclusters/default/master").send().json()
}

fn change(server: &Server, method: &str, node: &str) -> Reply {
    server.curl("/subclusters/default/override").json(method, json!({"node": node}))
}

//! Directories: for people to click through, for programs to list.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::fixture::{Clone, Reply, Server, succeeds};

const ROOT: &str = "/config/default/boot/";

#[test]
fn programs_get_json_with_name_kind_size_and_id() {
    let (server, clone) = site();
    let reply = json_of(&server, ROOT);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("vary"), Some("accept"));
    let id = |path: &str| Some(clone.rev(&format!("HEAD:{path}")));
    let expected = json!([
        { "name": "default", "kind": "directory", "size": null, "id": id("default") },
        { "name": "dir", "kind": "directory", "size": null, "id": id("dir") },
        { "name": "empty", "kind": "file", "size": 0, "id": id("empty") },
        { "name": "file", "kind": "file", "size": 4, "id": id("file") },
        { "name": "link", "kind": "link", "size": 4, "id": id("link") },
        { "name": "program", "kind": "executable", "size": 10, "id": id("program") },
    ]);
    assert_eq!(parse(&reply), expected);
    assert_eq!(names(&json_of(&server, &format!("{ROOT}dir/"))), ["deep"]);
    assert_eq!(names(&json_of(&server, &format!("{ROOT}dir/deep/"))), ["file"]);
}

#[test]
fn people_get_links_that_lead_to_what_they_name() {
    let (server, _clone) = site();
    let page = server.curl(ROOT).header("Accept: text/html,*/*;q=0.8").send();
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("vary"), Some("accept"));
    for link in ["../", "default/", "dir/", "empty", "file", "link", "program"] {
        assert!(page.text().contains(&format!("<a href=\"{link}\">{link}</a>")), "{link}");
        assert_eq!(follow(&server, ROOT, link).status, 200, "{link}");
    }
}

#[test]
fn json_is_for_those_who_name_it() {
    let server = Server::start();
    for (accept, is_json) in [
        ("application/json", true),
        ("text/html;q=0.5, application/json", true),
        ("APPLICATION/JSON", true),
        ("*/*", false),
        ("text/html", false),
        ("application/json;q=0", false),
        ("application/jsonp", false),
    ] {
        let reply = server.curl(ROOT).header(&format!("Accept: {accept}")).send();
        let content_type = reply.header("content-type").unwrap();
        assert_eq!(content_type == "application/json", is_json, "{accept}: {content_type}");
    }
}

#[test]
fn hostile_names_stay_text() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    let hostile = [
        "<script>alert(1)",
        "\"onmouseover=\"alert(1)",
        "'quote",
        "&amp;",
        "javascript:alert(1)",
        "..evil",
        "two words",
        "100%25",
        "what?#no",
        "日本",
    ];
    for name in hostile {
        clone.write(name, name);
        clone.write(&format!("dir {name}/file"), name);
    }
    clone.commit("Names");
    succeeds(clone.git(&["push", "--quiet"]));
    let page = server.curl(ROOT).send();
    assert!(!page.text().contains("<script") && !page.text().contains("\"onmouse"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    let listed = names(&json_of(&server, ROOT));
    for name in hostile {
        assert!(listed.contains(&name.to_owned()), "{name}");
    }
    // Each link, as a browser would follow it.
    let text = page.text();
    let links: Vec<&str> =
        text.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(links.len(), 2 + 2 * hostile.len());
    for link in links {
        assert_eq!(follow(&server, ROOT, link).status, 200, "{link}");
    }
}

#[test]
fn an_address_without_its_slash_leads_to_the_one_with_it() {
    let (server, _clone) = site();
    for (from, to) in [
        ("/", "/config/"),
        ("/config", "/config/"),
        ("/config/default", "./default/"),
        ("/config/default.git", "./default.git/"),
        ("/config/default/boot", "./boot/"),
        ("/config/default/boot/dir", "./dir/"),
        ("/config/default/boot/dir?r=2", "./dir/?r=2"),
        ("/config/default/boot/dir/deep?x=%20&r=2", "./deep/?x=%20&r=2"),
    ] {
        let reply = server.curl(from).send();
        assert_eq!((reply.status, reply.header("location")), (308, Some(to)), "{from}");
        let curl = server.curl(from).args(["--location", "--no-include", "--output", "/dev/null"]);
        assert_eq!(curl.args(["--write-out", "%{http_code}"]).output(), "200", "{from}");
    }
}

#[test]
fn directories_are_had_at_any_revision() {
    let (server, clone) = site();
    succeeds(clone.git(&["rm", "-r", "--quiet", "dir"]));
    clone.push_file("new", "new\n");
    assert_eq!(names(&json_of(&server, &format!("{ROOT}?r=1"))), ["default"]);
    let reply = json_of(&server, &format!("{ROOT}?r=2"));
    assert!(names(&reply).contains(&"dir".into()) && !names(&reply).contains(&"new".into()));
    assert_eq!(reply.header("x-config-revision"), Some("2"));
    // A person who looks at an old revision stays in it.
    let page = server.curl(&format!("{ROOT}?r=2")).send().text();
    assert!(page.contains("href=\"dir/?r=2\"") && page.contains("href=\"../?r=2\""), "{page}");
    assert_eq!(follow(&server, ROOT, "dir/?r=2").status, 200);
    for (path, status) in [("dir/", 404), ("dir/?r=2", 200), ("dir/?r=1", 404), ("file/", 404)] {
        assert_eq!(json_of(&server, &format!("{ROOT}{path}")).status, status, "{path}");
    }
}

#[test]
fn subclusters_and_branches_are_listed() {
    let (server, clone) = site();
    succeeds(clone.git(&[
        "push",
        "--quiet",
        "origin",
        "HEAD:refs/heads/topic/jane/mx",
        "HEAD~1:refs/heads/running",
    ]));
    succeeds(clone.git(&["push", "--quiet", "origin", "HEAD:refs/tags/v1"]));
    let listed = parse(&json_of(&server, "/config/"));
    let directory = |name| json!({ "name": name, "kind": "directory", "size": null, "id": null });
    assert_eq!(listed, json!([directory("default"), directory("global")]));

    let reply = json_of(&server, "/config/default/");
    assert_eq!(names(&reply), ["boot", "running", "topic/jane/mx"]);
    let ids: Vec<Value> =
        parse(&reply).as_array().unwrap().iter().map(|line| line["id"].clone()).collect();
    let (tip, first) = (clone.rev("HEAD"), clone.rev("HEAD~1"));
    assert_eq!(ids, [json!(tip), json!(first), json!(tip)]);

    for (path, links) in [
        ("/config/", &["default/", "global/"][..]),
        ("/config/default/", &["boot/", "running/", "topic/jane/mx/"]),
    ] {
        for link in links {
            assert!(
                server.curl(path).send().text().contains(&format!("href=\"{link}\"")),
                "{link}"
            );
            assert_eq!(follow(&server, path, link).status, 200, "{link}");
        }
    }
}

/// A server with one of each kind of entry, in revision 2.
fn site() -> (Server, Clone) {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    clone.write("file", "four");
    clone.write("empty", "");
    clone.write("dir/deep/file", "deep\n");
    clone.write("program", "#!/bin/sh\n");
    std::os::unix::fs::symlink("file", clone.path.join("link")).unwrap();
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(clone.path.join("program"), executable).unwrap();
    clone.commit("One of each");
    succeeds(clone.git(&["push", "--quiet"]));
    (server, clone)
}

fn json_of(server: &Server, path: &str) -> Reply {
    server.curl(path).header("Accept: application/json").send()
}

fn parse(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap()
}

fn names(reply: &Reply) -> Vec<String> {
    let name = |line: &Value| line["name"].as_str().unwrap().to_owned();
    parse(reply).as_array().unwrap().iter().map(name).collect()
}

/// Follows a link as a browser would. Links here lead down, or one step up.
#[track_caller]
fn follow(server: &Server, base: &str, link: &str) -> Reply {
    let address = match link {
        "../" => base.trim_end_matches('/').rsplit_once('/').unwrap().0.to_owned() + "/",
        _ => format!("{base}{link}"),
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.~%/?=".contains(c);
    assert!(!link.starts_with('/') && link.chars().all(is_plain), "{link} leads elsewhere");
    server.curl(&address).send()
}

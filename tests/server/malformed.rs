//! Packet lines and packs that no git would send: a clear answer, and nothing changed.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use git2::{ObjectType, Oid};

use crate::fixture::pack::{BLOB, COMMIT, Pack, TAG, TREE, delta, gzip, zlib};
use crate::fixture::post::{fetch_v2, line, lines, post, push_of, request_type};
use crate::fixture::{Raw, Reply, Server, authorization, succeeds};

const HELLO: &[u8] = b"hello";
/// A delta that makes `HELLO` of itself.
const SAME: &[u8] = &[5, 5, 0x90, 5];

#[test]
fn damaged_packs_are_refused_and_leave_nothing() {
    let server = Server::start();
    let before = state(&server);
    for (what, pack, words) in damaged_packs() {
        let reply = push(&server, a_commit().1, &pack);
        assert_eq!(reply.status, 200, "{what}");
        assert!(reply.text().contains(words), "{what}: {}", reply.text());
        assert!(reply.text().contains("ng refs/heads/x unpacker error"), "{what}");
    }
    assert_eq!(state(&server), before);
    assert_unharmed(&server);
}

/// A pack that is well but for one thing, and the words that tell what.
fn damaged_packs() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let good = || a_commit().0;
    let bytes = good().bytes();
    let changed = |index: usize, byte: u8| {
        let mut bytes = bytes.clone();
        bytes[index] ^= byte;
        bytes
    };
    let unknown = Oid::from_bytes(&[1; 20]).unwrap();
    let (hello, world) = (blob(HELLO), blob(b"world!"));
    let to_world = delta(5, 6, b"\x06world!");
    let from_world = delta(6, 5, b"\x05hello");
    let beyond = delta(5, 5, &[0xff; 8]);
    vec![
        ("no pack", Vec::new(), "the pack is missing"),
        ("half a header", bytes[..8].to_vec(), "the pack is missing"),
        ("another magic", changed(0, 1), "does not begin"),
        ("another version", changed(7, 0xf), "does not begin"),
        ("a wrong hash", changed(bytes.len() - 1, 1), "packfile trailer mismatch"),
        ("no hash", bytes[..bytes.len() - 20].to_vec(), "ends too early"),
        ("half of it", bytes[..bytes.len() / 2].to_vec(), "ends too early"),
        ("more than its end", [&bytes[..], b"x"].concat(), "goes on after its end"),
        ("too few objects", good().claiming(4), "the pack is damaged"),
        ("too many objects", good().claiming(2), "goes on after its end"),
        ("millions of objects", good().claiming(2_000_000), "the pack is damaged"),
        ("absurdly many objects", good().claiming(u32::MAX), "too many objects"),
        ("a broken stream", changed(16, 0xff), "cannot be unpacked"),
        ("kind 0", good().raw(0, 5, &zlib(HELLO)).bytes(), "a kind that does not exist"),
        ("kind 5", good().raw(5, 5, &zlib(HELLO)).bytes(), "a kind that does not exist"),
        ("less than said", good().raw(BLOB, 20, &zlib(b"hallo")).bytes(), "not as long as"),
        ("more than said", good().raw(BLOB, 2, &zlib(b"hallo")).bytes(), "not as long as"),
        ("absurdly long", good().raw(BLOB, 1 << 60, &zlib(b"x")).bytes(), "absurd length"),
        ("too long", good().raw(BLOB, 1 << 30, &zlib(b"x")).bytes(), "is too large"),
        ("a long commit", good().raw(COMMIT, 100 << 20, &zlib(b"x")).bytes(), "is too large"),
        ("an object twice", good().object(BLOB, HELLO).bytes(), "duplicate object"),
        ("no base", good().ref_delta(unknown, SAME).bytes(), "missing delta bases"),
        ("itself as base", good().ref_delta(world, SAME).bytes(), "missing delta bases"),
        (
            "bases in a circle",
            Pack::new().ref_delta(hello, &to_world).ref_delta(world, &from_world).bytes(),
            "missing delta bases",
        ),
        ("a base before the pack", good().ofs_delta(127, SAME).bytes(), "base is not in it"),
        ("no distance to the base", good().ofs_delta(0, SAME).bytes(), "base is not in it"),
        ("a base within an object", good().ofs_delta(3, SAME).bytes(), "base is not in it"),
        ("a delta beyond its base", good().ref_delta(hello, &beyond).bytes(), "apply delta"),
        ("a delta for another", good().ref_delta(hello, &from_world).bytes(), "apply delta"),
        ("an empty delta", good().ref_delta(hello, b"").bytes(), "too short"),
        (
            "a delta to an absurd length",
            good().ref_delta(hello, &delta(5, 1 << 50, &[0x90, 5])).bytes(),
            "is too large",
        ),
    ]
}

#[test]
fn malformed_objects_are_refused_and_leave_nothing() {
    let server = Server::start();
    let before = state(&server);
    let a_tree = tree(&[("100644", "a", blob(HELLO))]);
    let cases: Vec<(&str, Objects)> = vec![
        ("a commit of nonsense", vec![(COMMIT, b"nonsense".to_vec())]),
        ("an empty commit", vec![(COMMIT, Vec::new())]),
        ("a commit of a file", vec![(BLOB, HELLO.into()), (COMMIT, commit(blob(HELLO)))]),
        ("a commit without its tree", vec![(COMMIT, commit(blob(b"elsewhere")))]),
        ("a tree of nonsense", in_commit(b"nonsense".into(), vec![])),
        ("a tree cut short", in_commit(a_tree[..15].to_vec(), vec![(BLOB, HELLO.into())])),
        (
            "a directory that is called a file",
            in_commit(tree(&[("100644", "a", id(TREE, &a_tree))]), vec![(TREE, a_tree.clone())]),
        ),
        (
            "a file that is called a directory",
            in_commit(tree(&[("40000", "a", blob(HELLO))]), vec![(BLOB, HELLO.into())]),
        ),
        ("a file that is not there", in_commit(tree(&[("100644", "a", blob(b"no"))]), vec![])),
        ("a tag of nonsense", vec![(TAG, b"object nonsense\n".to_vec())]),
        ("a tag of a file", vec![(BLOB, HELLO.into()), (TAG, tag(blob(HELLO), "blob"))]),
        ("a tag of nothing", vec![(TAG, tag(blob(b"no"), "commit"))]),
    ];
    for (what, objects) in cases {
        let pack = objects.iter().fold(Pack::new(), |pack, (kind, text)| pack.object(*kind, text));
        let (kind, last) = objects.last().unwrap();
        let name = if *kind == TAG { "refs/tags/x" } else { "refs/heads/x" };
        let reply = push_to(&server, id(*kind, last), name, &pack.bytes());
        let said = reply.text();
        assert!(said.starts_with("000eunpack ok\n"), "{what}: {said}");
        assert!(said.contains(&format!("ng {name} ")), "{what}: {said}");
    }
    assert_eq!(state(&server), before);
    assert_unharmed(&server);
}

#[test]
fn malformed_fetches_are_refused() {
    let server = Server::start();
    let head = head(&server);
    let want = line(format!("want {head} side-band-64k"));
    let v0: Vec<Vec<u8>> = vec![
        b"zzzz".into(),
        b"0003".into(),
        b"00".into(),
        b"0032want".into(),
        b"fff1".into(),
        b"ffff".into(),
        b"-004".into(),
        b"\0\0\0\0".into(),
        line("have nothing to want"),
        line("want"),
        line("want xyz"),
        line(format!("want {head}0 ofs-delta")),
        want.clone(),
        [&want[..], b"0001"].concat(),
        [want.clone(), lines(["have xyz"], "0000")].concat(),
        [&want[..], b"0000", &lines([format!("want {head}")], "0000")].concat(),
        [want.clone(), lines(["deepen 0"], "0000")].concat(),
        [want.clone(), lines(["deepen -1"], "0000")].concat(),
        [want.clone(), lines(["deepen 99999999999"], "0000")].concat(),
        [want.clone(), lines(["shallow xyz"], "0000")].concat(),
        [want.clone(), lines([format!("deepen-not {}", "x".repeat(65_000))], "0000")].concat(),
    ];
    for body in v0 {
        assert_eq!(fetch(&server, "0", &body).status, 400, "{}", body.escape_ascii());
    }
    let v2: Vec<Vec<u8>> = vec![
        b"zzzz".into(),
        lines(["command=ls-refs"], ""),
        lines(["command=ls-refs"], "0001"),
        lines(["command=ls-refs"], "0002"),
        [line("command=ls-refs"), b"0001".into(), lines(["peel", "nonsense"], "0000")].concat(),
        fetch_v2(["want xyz"]),
        fetch_v2(["nonsense"]),
        fetch_v2([""]),
        fetch_v2([format!("want {head}"), "deepen x".into()]),
    ];
    for body in v2 {
        assert_eq!(fetch(&server, "2", &body).status, 400, "{}", body.escape_ascii());
    }
    assert_unharmed(&server);
}

#[test]
fn well_formed_fetches_of_what_cannot_be_are_told_so() {
    let server = Server::start();
    let head = head(&server);
    let file = server.git().clone_of("default").rev("HEAD:default/ecelerity.conf");
    let asking = |argument: String| fetch_v2([format!("want {head}"), argument, "done".into()]);
    for (body, words) in [
        (fetch_v2(["want 1111111111111111111111111111111111111111", "done"]), "not our ref"),
        (asking("deepen-not nowhere".into()), "deepen-not is not a ref"),
        (asking("deepen-since 99999999999".into()), "no commits selected"),
        (asking("filter sparse:oid=x".into()), "is not supported"),
        (asking(format!("filter {}", "\u{1}".repeat(65_000))), "is not supported"),
        (lines(["command=object-info"], "0000"), "is not supported"),
    ] {
        let reply = fetch(&server, "2", &body);
        assert_eq!(reply.status, 200, "{words}");
        assert!(reply.text()[4..].starts_with("ERR "), "{}", reply.text());
        assert!(reply.text().contains(words), "{}", reply.text());
        assert!(reply.body.len() < 1000, "{words}");
    }
    // A history cannot end at a file, so that is no end of it.
    let odd = fetch_v2([format!("want {head}"), format!("shallow {file}"), "done".into()]);
    assert!(fetch(&server, "2", &odd).text().contains("packfile"));
    let odd = asking(format!("shallow {file}"));
    let unshallow = [&odd[..odd.len() - 4], &lines(["deepen 2147483647"], "0000")].concat();
    assert!(fetch(&server, "2", &unshallow).text().contains("packfile"));
    assert_unharmed(&server);
}

#[test]
fn malformed_pushes_are_refused() {
    let server = Server::start();
    let before = state(&server);
    let (_, commit) = a_commit();
    let zero = Oid::ZERO_SHA1;
    let bodies: Vec<Vec<u8>> = vec![
        b"zzzz".into(),
        line("nonsense"),
        lines(["nonsense"], "0000"),
        lines([format!("{zero} {commit}")], "0000"),
        lines([format!("{zero} {commit} ")], ""),
        lines([format!("{zero} xyz refs/heads/x")], "0000"),
        lines([format!("{zero}  {commit} refs/heads/x")], "0000"),
        lines([format!("{zero} {commit} refs/heads/x")], "0001"),
        lines(["push-cert\0 report-status"], "0000"),
        push_of(zero, commit, &format!("refs/heads/{}", "a/".repeat(1000)), b""),
        push_of(zero, commit, "refs/heads/a\x1b[31m", b""),
        push_of(zero, commit, "refs/heads/a\r", b""),
    ];
    for body in bodies {
        let reply = push_body(&server, &body);
        assert_eq!(reply.status, 400, "{}", body.escape_ascii());
    }
    assert_eq!(state(&server), before);
    assert_unharmed(&server);
}

#[test]
fn names_that_no_reference_may_have_are_refused() {
    let server = Server::start();
    let head = head(&server);
    let before = state(&server);
    let long = format!("refs/heads/{}", "a".repeat(300));
    for name in [
        "HEAD",
        "refs/heads",
        "refs/heads/",
        "refs/heads/../../HEAD",
        "refs/heads/.x",
        "refs/heads/x.lock",
        "refs/heads/a..b",
        "refs/heads/a b",
        "refs/heads/a~1",
        "refs/heads//a",
        "refs/heads/@{u}",
        "refs/heads/boot/x",
        "refs/notes/x",
        "refs/remotes/x",
        "../objects/x",
        "/etc/x",
        "",
        &long,
    ] {
        let reply = push_to(&server, Oid::from_str(&head).unwrap(), name, &Pack::new().bytes());
        let refused = reply.text().contains(&format!("ng {name} "));
        assert!(refused && reply.status == 200, "{name}: {reply:?}");
    }
    assert_eq!(state(&server), before);
    assert_unharmed(&server);
}

#[test]
fn nobody_writes_lines_of_their_own_into_the_log() {
    let server = Server::start();
    let (_, commit) = a_commit();
    let forged = "2026-01-01T00:00:00Z  INFO admin committed revision 9 of default";
    push_of_name(&server, commit, &format!("refs/heads/x\n{forged}"));
    server.curl(&format!("/config/default/boot/x%0a{}", forged.replace(' ', "%20"))).send();
    server.curl(&format!("/config/x%0a{}", forged.replace(' ', "%20"))).send();
    let user = format!("x\n{forged}:y");
    server.curl_anonymous("/config/").args(["--user", &user]).send();
    let log = server.log();
    assert!(!log.lines().any(|line| line.starts_with(forged)), "{log}");
}

#[test]
fn broken_gzip_is_the_clients_fault() {
    let server = Server::start();
    let before = state(&server);
    let (pack, commit) = a_commit();
    let body = push_of(Oid::ZERO_SHA1, commit, "refs/heads/x", &pack.bytes());
    let packed = gzip(&body);
    let mut wrong_sum = packed.clone();
    let at = wrong_sum.len() - 5;
    wrong_sum[at] ^= 1;
    for body in [&b"nonsense"[..], &packed[..5], &packed[..30]] {
        let curl = server.curl("/config/default/git-receive-pack");
        let curl = curl.header("Content-Encoding: gzip");
        let reply = post(curl, &request_type("receive-pack"), body);
        assert_eq!(reply.status, 400, "{}: {reply:?}", body.escape_ascii());
        let curl = server.curl("/config/default/git-upload-pack");
        let curl = curl.header("Content-Encoding: gzip");
        let reply = post(curl, &request_type("upload-pack"), body);
        assert_eq!(reply.status, 400, "{}: {reply:?}", body.escape_ascii());
    }
    for body in [&packed[..packed.len() / 2], &packed[..packed.len() - 20], &wrong_sum] {
        let curl = server.curl("/config/default/git-receive-pack");
        let curl = curl.header("Content-Encoding: gzip");
        let reply = post(curl, &request_type("receive-pack"), body);
        assert!(reply.text().contains("unpack the pack is damaged"), "{reply:?}");
    }
    assert_eq!(state(&server), before);
    assert_unharmed(&server);
}

#[test]
fn bombs_do_not_fill_the_memory() {
    let server = Server::start();
    let before = state(&server);
    let (_, commit) = a_commit();
    let zeros = vec![0; 100 << 20];
    let packed = zlib(&zeros);
    let base = Oid::hash_object(ObjectType::Blob, &zeros).unwrap();
    let twice = delta(zeros.len(), 2 * zeros.len(), &[0xb0, 0, 0].repeat(3200));
    let peak = Memory::watch(&server, || {
        let unpacks_to_more = Pack::new().raw(BLOB, 10, &packed).bytes();
        let reply = push(&server, commit, &unpacks_to_more);
        assert!(reply.text().contains("not as long as"), "{reply:?}");
        let doubles = Pack::new().raw(BLOB, zeros.len(), &packed).ref_delta(base, &twice);
        let reply = push(&server, commit, &doubles.bytes());
        assert!(reply.text().contains("is too large"), "{reply:?}");
        let line_without_end = gzip(&[&b"0032want "[..], &zeros].concat());
        let curl = server.curl("/config/default/git-upload-pack");
        let curl = curl.header("Content-Encoding: gzip");
        assert_eq!(post(curl, &request_type("upload-pack"), line_without_end).status, 400);
        let curl = server.curl("/config/default/git-receive-pack");
        let curl = curl.header("Content-Encoding: gzip");
        let body = push_of(Oid::ZERO_SHA1, commit, "refs/heads/x", &zeros);
        let reply = post(curl, &request_type("receive-pack"), gzip(&body));
        assert!(reply.text().contains("does not begin"), "{reply:?}");
    });
    assert!(peak < 100 << 20, "the server took {} MiB", peak >> 20);
    assert_eq!(state(&server), before);
    assert_unharmed(&server);
}

#[test]
fn tags_upon_tags_do_not_overflow_the_stack() {
    let server = Server::start();
    let mut pack = Pack::new();
    let mut target = (Oid::from_str(&head(&server)).unwrap(), "commit");
    for _ in 0..10_000 {
        let text = tag(target.0, target.1);
        pack = pack.object(TAG, &text);
        target = (id(TAG, &text), "tag");
    }
    let reply = push_to(&server, target.0, "refs/tags/tower", &pack.bytes());
    assert!(reply.text().contains("ok refs/tags/tower"), "{reply:?}");
    let wanted = fetch_v2([format!("want {}", target.0), "done".into()]);
    assert!(fetch(&server, "2", &wanted).text().contains("packfile"));
    assert_unharmed(&server);
}

/// Ten directories in each directory, ten deep, and yet only ten objects.
#[test]
fn trees_that_unfold_without_end_are_refused() {
    let server = Server::start();
    let before = state(&server);
    let mut pack = Pack::new().object(BLOB, HELLO);
    let (mut mode, mut inner) = ("100644", blob(HELLO));
    for _ in 0..10 {
        let names: Vec<String> = (0..10).map(|name| name.to_string()).collect();
        let entries: Vec<_> = names.iter().map(|name| (mode, name.as_str(), inner)).collect();
        let text = tree(&entries);
        pack = pack.object(TREE, &text);
        (mode, inner) = ("40000", id(TREE, &text));
    }
    let parent = head(&server);
    let text = String::from_utf8(commit(inner)).unwrap();
    let text = text.replacen("author", &format!("parent {parent}\nauthor"), 1);
    let new = id(COMMIT, text.as_bytes());
    let pack = pack.object(COMMIT, text.as_bytes()).bytes();
    let reply = push_body(&server, &push_of(&parent, new, "refs/heads/boot", &pack));
    assert!(reply.text().contains("ng refs/heads/boot "), "{reply:?}");
    assert_eq!(state(&server), before);
    assert_unharmed(&server);
}

/// Each object that only the client has would be compared with all that both have.
#[test]
fn haves_without_end_are_answered_soon() {
    let server = Server::start();
    let head = head(&server);
    let known = server.git().clone_of("default").rev("HEAD:default/ecelerity.conf");
    let mut body = lines([format!("want {head} multi_ack_detailed side-band-64k")], "0000");
    for number in 0..30_000 {
        body.extend(line(format!("have {known}")));
        body.extend(line(format!("have {number:040x}")));
    }
    body.extend(line("done"));
    assert_eq!(fetch(&server, "0", &body).status, 200);
    assert_unharmed(&server);
}

#[test]
fn a_push_that_is_cut_off_leaves_nothing() {
    let server = Server::start();
    let before = state(&server);
    let (pack, commit) = a_commit();
    let noise: Vec<u8> =
        (0..2_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let body = push_of(Oid::ZERO_SHA1, commit, "refs/heads/x", &pack.object(BLOB, &noise).bytes());
    for cut in [10, 200, body.len() - 1] {
        let mut raw = Raw::connect(&server);
        raw.send(format!(
            "POST /config/default/git-receive-pack HTTP/1.1\r\nHost: x\r\n{}\
             Content-Type: application/x-git-receive-pack-request\r\nContent-Length: {}\r\n\r\n",
            authorization(&server, "admin"),
            body.len(),
        ));
        raw.send(&body[..cut]);
    }
    server.wait_for_log_times("refused: the client went away", 3);
    assert_eq!(state(&server), before);
    assert_unharmed(&server);
}

/// Kinds and contents.
type Objects = Vec<(u8, Vec<u8>)>;

fn id(kind: u8, content: &[u8]) -> Oid {
    let kind = match kind {
        COMMIT => ObjectType::Commit,
        TREE => ObjectType::Tree,
        TAG => ObjectType::Tag,
        _ => ObjectType::Blob,
    };
    Oid::hash_object(kind, content).unwrap()
}

fn blob(content: &[u8]) -> Oid {
    id(BLOB, content)
}

fn tree(entries: &[(&str, &str, Oid)]) -> Vec<u8> {
    let entry = |(mode, name, id): &(&str, &str, Oid)| {
        [format!("{mode} {name}\0").as_bytes(), id.as_bytes()].concat()
    };
    entries.iter().flat_map(entry).collect()
}

fn commit(tree: Oid) -> Vec<u8> {
    let who = "Jane <jane@example.com> 1700000000 +0000";
    format!("tree {tree}\nauthor {who}\ncommitter {who}\n\nMessage\n").into_bytes()
}

fn tag(target: Oid, kind: &str) -> Vec<u8> {
    let who = "Jane <jane@example.com> 1700000000 +0000";
    format!("object {target}\ntype {kind}\ntag x\ntagger {who}\n\nMessage\n").into_bytes()
}

/// A tree, what it needs, and a commit of it at the end.
fn in_commit(tree: Vec<u8>, mut objects: Objects) -> Objects {
    let commit = commit(id(TREE, &tree));
    objects.extend([(TREE, tree), (COMMIT, commit)]);
    objects
}

/// A pack that is well, and the commit it brings.
fn a_commit() -> (Pack, Oid) {
    let tree = tree(&[("100644", "a", blob(HELLO))]);
    let commit = commit(id(TREE, &tree));
    let new = id(COMMIT, &commit);
    (Pack::new().object(BLOB, HELLO).object(TREE, &tree).object(COMMIT, &commit), new)
}

fn push(server: &Server, new: Oid, pack: &[u8]) -> Reply {
    push_to(server, new, "refs/heads/x", pack)
}

fn push_to(server: &Server, new: Oid, name: &str, pack: &[u8]) -> Reply {
    push_body(server, &push_of(Oid::ZERO_SHA1, new, name, pack))
}

fn push_of_name(server: &Server, new: Oid, name: &str) {
    push_to(server, new, name, &Pack::new().bytes());
}

fn push_body(server: &Server, body: &[u8]) -> Reply {
    post(server.curl("/config/default/git-receive-pack"), &request_type("receive-pack"), body)
}

fn fetch(server: &Server, version: &str, body: &[u8]) -> Reply {
    let curl = server.curl("/config/default/git-upload-pack");
    let curl = curl.header(&format!("Git-Protocol: version={version}"));
    post(curl, &request_type("upload-pack"), body)
}

fn head(server: &Server) -> String {
    let reply = server.curl("/config/default/boot/").send();
    reply.header("x-config-commit").unwrap().to_owned()
}

/// Everything a refused push could change: references and objects, quarantines and spooled bytes.
fn state(server: &Server) -> Vec<String> {
    let mut found = Vec::new();
    let mut dirs = vec![server.state("repo/default"), server.state("tmp")];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => dirs.push(path),
                false => {
                    found.push(format!("{} {}", path.display(), path.metadata().unwrap().len()))
                }
            }
        }
    }
    found.sort();
    found
}

/// The repository is whole, people can still do their work, and nobody was alarmed.
#[track_caller]
fn assert_unharmed(server: &Server) {
    server.fsck("default");
    let clone = server.git().clone_of("default");
    succeeds(clone.git(&["fsck", "--full", "--strict"]));
    clone.push_file("default/after.conf", "# after\n");
    let alarms: Vec<String> =
        server.log().lines().filter(|line| line.contains("ERROR")).map(str::to_owned).collect();
    assert!(alarms.is_empty(), "{alarms:?}");
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

/// Samples how much memory the server has for itself (proc_pid_status(5)).
struct Memory;

impl Memory {
    /// The peak in bytes while `work` is done.
    fn watch(server: &Server, work: impl FnOnce()) -> u64 {
        let (status, done) = (format!("/proc/{}/status", server.pid()), AtomicBool::new(false));
        thread::scope(|scope| {
            let watcher = scope.spawn(|| {
                let mut peak = 0;
                while !done.load(Ordering::Relaxed) {
                    peak = peak.max(Self::now(&status));
                    thread::sleep(Duration::from_millis(1));
                }
                peak
            });
            work();
            done.store(true, Ordering::Relaxed);
            watcher.join().unwrap()
        })
    }

    fn now(status: &str) -> u64 {
        let text = fs::read_to_string(status).unwrap();
        let line = text.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
    }
}

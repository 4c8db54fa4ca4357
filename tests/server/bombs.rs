//! Small pushes of the nodes' account that would cost much: they are refused before anything is made of
//! them, and whatever becomes of them, administrators get through.

use std::time::{Duration, Instant};

use git2::{ObjectType, Oid};

use crate::fixture::pack::{BLOB, Pack, delta, zlib};
use crate::fixture::post::{post, push_of, request_type};
use crate::fixture::{Raw, Reply, Server, authorization, eventually};

const BASE: usize = 65_536;
/// A delta that makes 64 KiB of its base with each byte.
const COPY: u8 = 0x80;

#[test]
fn what_a_push_of_a_node_unpacks_to_is_limited() {
    let server = Server::start();
    let blob = vec![b'b'; BASE];
    let id = Oid::hash_object(ObjectType::Blob, &blob).unwrap();
    let of_base = |times: usize, last: u8| {
        let instructions = [&vec![COPY; times][..], &[1, last]].concat();
        delta(BASE, BASE * times + 1, &instructions)
    };
    let many = |count: u8, times: usize| {
        let pack = Pack::new().object(BLOB, &blob);
        (0..count).fold(pack, |pack, last| pack.ref_delta(id, &of_base(times, last))).bytes()
    };
    let zeros = vec![0; 33 << 20];
    for (what, pack, why) in [
        ("one delta of 118 MB", many(1, 1800), "an object in the pack is too large"),
        ("forty of 7 MB", many(40, 110), "the pack unpacks to too much: the limit is 268435456"),
        ("zeros", Pack::new().object(BLOB, &zeros).bytes(), "an object in the pack is too large"),
        ("a chain", chain(300), "the pack costs too much work to unpack: the limit is 1073741824"),
        ("deltas by name", by_name(4_097), "too many deltas whose base is named"),
        (
            "a million objects",
            Pack::new().claiming(1_000_000),
            "too many objects: the limit is 50000",
        ),
    ] {
        let start = Instant::now();
        let told = push(&server, "ecuser", &pack).text();
        assert!(told.contains(why), "{what}: {told}");
        assert!(start.elapsed() < Duration::from_secs(20), "{what} took {:?}", start.elapsed());
    }
    // Administrators bring whole histories.
    let told = push(&server, "admin", &many(5, 1800)).text();
    assert!(!told.contains("the pack"), "{told}");
}

#[test]
fn deltas_that_make_the_same_object_end() {
    let server = Server::start();
    let clone = server.git().clone_of("default");
    let blob = vec![b'b'; BASE];
    let id = Oid::hash_object(ObjectType::Blob, &blob).unwrap();
    let same = delta(BASE, BASE, &[COPY]);
    let twice = delta(BASE, 2 * BASE, &[COPY, COPY]);
    let pack = || Pack::new().object(BLOB, &blob);
    // Bases that are not in the pack: one of them is made of the other.
    let (one, other) = ("0123456789abcdef\n", "0123456789abcdef\nand more\n");
    clone.write("one", one);
    clone.push_file("other", other);
    let id_of = |text: &str| Oid::hash_object(ObjectType::Blob, text.as_bytes()).unwrap();
    let to_other = delta(17, 26, &[&[0x90, 17, 9][..], b"and more\n"].concat());
    let of_other = delta(26, 9, &[0x91, 17, 9]);
    for (what, pack) in [
        ("one delta twice", pack().ref_delta(id, &twice).ref_delta(id, &twice)),
        ("an object and a delta", pack().ref_delta(id, &same)),
        (
            "a base from outside and a delta",
            Pack::new().ref_delta(id_of(other), &of_other).ref_delta(id_of(one), &to_other),
        ),
    ] {
        for account in ["ecuser", "admin"] {
            let told = push(&server, account, &pack.bytes()).text();
            assert!(told.contains("an object is in it twice"), "{what}: {told}");
        }
    }
}

#[test]
fn a_pack_that_is_nearly_nothing_behind_gzip_is_not_read_to_its_end() {
    let server = Server::start();
    // Empty blocks of deflate before one byte.
    let empty = [&[0x78, 1][..], &[0, 0, 0, 0xff, 0xff].repeat(4 << 20), &[1, 1, 0, 0xfe, 0xff, 1]];
    let pack = Pack::new().raw(BLOB, 1, &empty.concat()).bytes();
    let told = push(&server, "ecuser", &pack).text();
    assert!(told.contains("an object is longer packed than unpacked"), "{told}");
}

#[test]
fn a_push_ends_when_its_client_has_gone_and_administrators_get_through() {
    let server = Server::start();
    // Each takes as much as a node may ask for.
    let pack = chain(40);
    let clients: Vec<Raw> = (0..40)
        .map(|_| {
            let mut raw = Raw::connect(&server);
            raw.send(head(&server, "ecuser", &pack));
            raw
        })
        .collect();
    let start = Instant::now();
    assert_eq!(server.curl("/subclusters/meanwhile").method("PUT").status, 201);
    let took = start.elapsed();
    assert!(took < Duration::from_secs(10), "an administrator waited for {took:?}");
    drop(clients);
    eventually("all pushes have ended", || {
        let objects = server.repository("default").join("objects");
        let names = std::fs::read_dir(objects).unwrap().map(|entry| entry.unwrap().file_name());
        names.into_iter().all(|name| !name.to_str().unwrap().starts_with("incoming-"))
    });
}

/// Objects of a megabyte, each made of the one before it.
fn chain(length: usize) -> Vec<u8> {
    const SIZE: usize = 1_048_577;
    let content = vec![0; SIZE];
    let mut pack = Pack::new().raw(BLOB, SIZE, &zlib(&content));
    let mut before = pack.length();
    for number in 0..length {
        // All but the last bytes, which are other ones each time.
        let last = (number as u32).to_be_bytes();
        let keep = SIZE - 4;
        let copy = [0xf0, keep as u8, (keep >> 8) as u8, (keep >> 16) as u8];
        let made = delta(SIZE, SIZE, &[&copy[..], &[4], &last].concat());
        let entry = pack.length();
        pack = pack.far_delta(before, &made);
        before = pack.length() - entry;
    }
    pack.bytes()
}

/// Small objects, each made of the one before it and after it in the pack, which it names.
fn by_name(count: usize) -> Vec<u8> {
    let content = |number: usize| format!("{number:08}");
    let id =
        |number: usize| Oid::hash_object(ObjectType::Blob, content(number).as_bytes()).unwrap();
    let pack = Pack::new().object(BLOB, content(0).as_bytes());
    let numbers = (1..=count).rev();
    let deltas = numbers.fold(pack, |pack, number| {
        let instructions = [&[8][..], content(number).as_bytes()].concat();
        pack.ref_delta(id(number - 1), &delta(8, 8, &instructions))
    });
    deltas.bytes()
}

fn push(server: &Server, account: &str, pack: &[u8]) -> Reply {
    let curl = server.curl_as(account, "/config/default/git-receive-pack");
    post(curl, &request_type("receive-pack"), body(pack))
}

fn body(pack: &[u8]) -> Vec<u8> {
    push_of("0".repeat(40), "1".repeat(40), "refs/heads/running", pack)
}

/// The same push, as it goes over the wire.
fn head(server: &Server, account: &str, pack: &[u8]) -> Vec<u8> {
    let body = body(pack);
    let head = format!(
        "POST /config/default/git-receive-pack HTTP/1.1\r\nHost: x\r\n{}Content-Type: {}\r\n\
         Content-Length: {}\r\n\r\n",
        authorization(server, account),
        request_type("receive-pack"),
        body.len(),
    );
    [head.into_bytes(), body].concat()
}

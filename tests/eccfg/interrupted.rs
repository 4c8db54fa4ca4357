//! What is interrupted, and what goes on afterwards.

use std::fs::{self, File};
use std::thread;
use std::time::{Duration, SystemTime};

use ecconfigd::node::remote::{Error, Progress};
use nix::sys::signal::Signal;

use crate::fake::{Fake, answer};
use crate::fixture::{Options, Server};
use crate::node::{Node, fsck, quiet, tip};

/// More than the network's buffers hold.
const MUCH: usize = 16 << 20;

/// What nobody can compress.
fn noise() -> Vec<u8> {
    let mut noise = vec![0; MUCH];
    getrandom::fill(&mut noise).unwrap();
    noise
}

/// A server on the same files, at the same address.
fn start_again(server: Server) -> Server {
    let arguments = vec!["--listen".into(), server.address.to_string()];
    server.start_again(Options { arguments, ..Options::default() })
}

#[test]
fn a_fetch_from_a_server_that_is_killed_leaves_nothing_and_the_next_one_succeeds() {
    let mut server = Server::start();
    server.git().clone_of("default").push_file("default/big", noise());
    let node = Node::of(&server);
    let mut remote = node.connect(&server);
    let tip = tip(&server, "boot");
    let mut is_killed = false;
    let mut tell = |progress: Progress<'_>| {
        if matches!(progress, Progress::Receiving { .. }) && !is_killed {
            server.kill();
            is_killed = true;
        }
    };
    let error = remote.fetch("default", &node.repository, tip, &[], &mut tell).unwrap_err();
    assert!(matches!(&error, Error::Connection(_)), "{error}");
    assert!(error.to_string().contains("was cut off in the middle"), "{error}");
    assert_eq!(node.packs(), [""; 0]);
    assert_eq!(node.objects(), ["info", "pack"]);
    let _server = start_again(server);
    remote.fetch("default", &node.repository, tip, &[], &mut quiet).unwrap();
    fsck(&node, tip);
}

#[test]
fn a_push_to_a_server_that_is_killed_changes_nothing_and_says_so() {
    let mut server = Server::start();
    let node = Node::of(&server);
    let mut remote = node.connect(&server);
    let old = tip(&server, "boot");
    remote.fetch("default", &node.repository, old, &[], &mut quiet).unwrap();
    let new = node.commit(&[old], "default/big", noise());
    let mut is_killed = false;
    let mut tell = |progress: Progress<'_>| match progress {
        // It cannot take all of it, and so cannot have finished when it is killed.
        Progress::Packing { .. } => server.signal(Signal::SIGSTOP),
        Progress::Sending { .. } if !is_killed => {
            server.kill();
            is_killed = true;
        }
        _ => {}
    };
    let push = remote.push("default", &node.repository, "boot", Some(old), new, &mut tell);
    let error = push.unwrap_err();
    assert!(matches!(&error, Error::Connection(_)), "{error}");
    let server = start_again(server);
    assert_eq!(tip(&server, "boot"), old);
    remote.push("default", &node.repository, "boot", Some(old), new, &mut quiet).unwrap();
    assert_eq!(tip(&server, "boot"), new);
}

#[test]
fn a_kept_connection_outlives_a_restart() {
    let mut server = Server::start();
    let node = Node::of(&server);
    let mut remote = node.connect(&server);
    let before = remote.subclusters(&[]).unwrap();
    assert!(server.stop().success());
    let server = start_again(server);
    assert_eq!(remote.subclusters(&[]).unwrap(), before);
    let old = tip(&server, "boot");
    remote.fetch("default", &node.repository, old, &[], &mut quiet).unwrap();
    let new = node.commit(&[old], "default/a.conf", "mine\n");
    let mut server = server;
    assert!(server.stop().success());
    let server = start_again(server);
    let pushed = remote.push("default", &node.repository, "boot", Some(old), new, &mut quiet);
    assert_eq!(pushed.unwrap().revision, Some(2));
    assert_eq!(tip(&server, "boot"), new);
}

#[test]
fn a_server_that_falls_silent_is_given_up() {
    let silent = thread::spawn(|| {
        let fake = Fake::new(|_, talk| {
            talk.request();
            talk.request();
        });
        fake.node().connect_to(&fake.address).subclusters(&[]).unwrap_err().to_string()
    });
    let fake = Fake::new(|_, talk| {
        let whole = answer("200 OK", &[], "application/json", "[]   ");
        if talk.request().is_some() {
            talk.send(&whole[..whole.len() - 1]);
            talk.request();
        }
    });
    let error = fake.node().connect_to(&fake.address).subclusters(&[]).unwrap_err().to_string();
    assert!(error.contains("has stopped in the middle of its answer"), "{error}");
    let error = silent.join().unwrap();
    assert!(error.contains("has not answered within 30 seconds"), "{error}");
}

#[test]
fn what_a_killed_fetch_has_left_is_deleted_after_a_day() {
    let server = Server::start();
    let node = Node::of(&server);
    let objects = node.repository.path().join("objects");
    for (name, age) in [("incoming-old", 25), ("incoming-new", 1)] {
        fs::create_dir(objects.join(name)).unwrap();
        fs::write(objects.join(name).join("half"), "PACK").unwrap();
        let then = SystemTime::now() - age * Duration::from_secs(60 * 60);
        File::open(objects.join(name)).unwrap().set_modified(then).unwrap();
    }
    let tip = tip(&server, "boot");
    node.connect(&server).fetch("default", &node.repository, tip, &[], &mut quiet).unwrap();
    assert_eq!(node.objects(), ["incoming-new", "info", "pack"]);
}

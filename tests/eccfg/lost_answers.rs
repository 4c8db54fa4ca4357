//! Pushes whose answer never comes.

use std::sync::atomic::{AtomicUsize, Ordering};

use ecconfigd::node::remote::Error;
use git2::Oid;

use crate::fake::{Fake, answer};
use crate::fixture::post::lines;
use crate::node::{Node, quiet};

const REFS: &str = "application/x-git-upload-pack-result";
const REPORT: &str = "application/x-git-receive-pack-result";

/// A server that loses its answer to the first push. Asked for the branch, it says `tip`; to further
/// pushes it says `then`.
fn forgetful(tip: Option<Oid>, then: &'static str) -> Fake {
    let pushes = AtomicUsize::new(0);
    Fake::new(move |_, talk| {
        while let Some(request) = talk.request() {
            if request.starts_with(b"POST /config/default/git-receive-pack") {
                if pushes.fetch_add(1, Ordering::Relaxed) == 0 {
                    return;
                }
                talk.send(&answer("200 OK", &[], REPORT, report(then)));
            } else {
                let refs = tip.map(|tip| format!("{tip} refs/heads/boot"));
                let revision = ["X-Config-Revision: 7"];
                talk.send(&answer("200 OK", &revision, REFS, lines(refs, "0000")));
            }
        }
    })
}

fn report(result: &str) -> Vec<u8> {
    let status = lines(["unpack ok", result], "0000");
    let mut packet = format!("{:04x}\u{1}", status.len() + 5).into_bytes();
    packet.extend(status);
    packet.extend(b"0000");
    packet
}

/// What a push to this server comes to.
#[track_caller]
fn push(fake: &Fake, node: &Node, old: Oid, new: Oid) -> Result<Option<u64>, Error> {
    let mut remote = node.connect_to(&fake.address);
    let pushed = remote.push("default", &node.repository, "boot", Some(old), new, &mut quiet);
    pushed.map(|pushed| pushed.revision)
}

fn two_commits(node: &Node) -> (Oid, Oid) {
    let old = node.commit(&[], "a", "1");
    (old, node.commit(&[old], "a", "2"))
}

#[test]
fn a_commit_that_has_arrived_is_done() {
    let mut node = Node::alone();
    let (old, new) = two_commits(&node);
    let fake = forgetful(Some(new), "");
    node.accept(&fake.address, fake.certificate);
    assert_eq!(push(&fake, &node, old, new).unwrap(), Some(7));
    assert_eq!(pushes(&fake), 1);
}

#[test]
fn a_commit_that_has_not_arrived_is_sent_again() {
    let mut node = Node::alone();
    let (old, new) = two_commits(&node);
    let fake = forgetful(Some(old), "ok refs/heads/boot");
    node.accept(&fake.address, fake.certificate);
    push(&fake, &node, old, new).unwrap();
    assert_eq!(pushes(&fake), 2);
}

#[test]
fn a_branch_that_has_moved_on_is_stale() {
    let mut node = Node::alone();
    let (old, new) = two_commits(&node);
    let fake = forgetful(Some(Oid::from_bytes(&[7; 20]).unwrap()), "");
    node.accept(&fake.address, fake.certificate);
    let error = push(&fake, &node, old, new).unwrap_err();
    assert!(matches!(&error, Error::Stale { .. }), "{error}");
    assert_eq!(pushes(&fake), 1);
}

#[test]
fn what_cannot_be_found_out_is_told() {
    let mut node = Node::alone();
    let (old, new) = two_commits(&node);
    let fake = Fake::new(|_, talk| {
        talk.request();
    });
    node.accept(&fake.address, fake.certificate);
    let error = push(&fake, &node, old, new).unwrap_err();
    assert!(matches!(&error, Error::Connection(_)), "{error}");
    assert!(error.to_string().contains("before it told what became of the commit"), "{error}");
    assert_eq!(pushes(&fake), 1);
}

fn pushes(fake: &Fake) -> usize {
    fake.requests().iter().filter(|request| request.contains("git-receive-pack")).count()
}

//! One who commits.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::{Duration, Instant};

use git2::{Oid, Repository, Signature};

use super::done::Commit;
use super::door::Connection;
use super::{FILE, Shared};
use crate::fixture::post::push_of;
use crate::fixture::{Clone, PATIENCE};

const BOOT: &str = "refs/heads/boot";
/// A member that has refused is not asked again sooner.
const PAUSE: Duration = Duration::from_millis(5);

/// Commits a line more, again and again; goes to another member when one is away or refuses.
pub(super) struct Pusher {
    shared: Arc<Shared>,
    clone: Clone,
    pub(super) subcluster: String,
    home: usize,
    at: usize,
    connection: Connection,
    pub(super) content: String,
    pub(super) commits: Vec<Commit>,
    /// What was said instead of an acknowledgement.
    pub(super) refusals: Vec<String>,
}

/// A commit, its parent, and the objects that it brings.
struct Push {
    old: Oid,
    new: Oid,
    pack: Vec<u8>,
}

impl Pusher {
    pub(super) fn new(shared: Arc<Shared>, clone: Clone, subcluster: &str, home: usize) -> Self {
        Self {
            shared,
            clone,
            subcluster: subcluster.into(),
            home,
            at: home,
            connection: Connection::default(),
            content: String::new(),
            commits: Vec::new(),
            refusals: Vec::new(),
        }
    }

    pub(super) fn run(mut self) -> Self {
        let repository = Repository::open(&self.clone.path).unwrap();
        while !self.shared.is_over() {
            self.content += &format!("{}\n", self.commits.len());
            let push = commit(&repository, &self.content).unwrap();
            let acknowledged = self.acknowledged(&push);
            self.commits.push(acknowledged);
            self.shared.commits.fetch_add(1, Ordering::SeqCst);
            self.go_home();
        }
        self
    }

    /// Pushes the same commit until a member says that it has been made.
    fn acknowledged(&mut self, push: &Push) -> Commit {
        let began = Instant::now();
        loop {
            match self.push(push) {
                Ok(()) => return Commit { when: Instant::now(), through: self.at },
                Err(said) => self.refusals.push(format!("member {}: {said}", self.at)),
            }
            let refusals = &self.refusals;
            assert!(began.elapsed() < PATIENCE, "nobody takes a commit: {refusals:?}");
            self.go_to((self.at + 1) % self.shared.doors.len());
            sleep(PAUSE);
        }
    }

    fn push(&mut self, Push { old, new, pack }: &Push) -> Result<(), String> {
        let line = format!("POST /config/{}/git-receive-pack", self.subcluster);
        let body = push_of(old, new, BOOT, pack);
        let door = &self.shared.doors[self.at];
        let reply = self.connection.ask(door, &line, &body).map_err(|e| e.to_string())?;
        let text = reply.text();
        match text.contains(&format!("ok {BOOT}")) {
            true => Ok(()),
            false => Err(format!("{} {text}", reply.status)),
        }
    }

    fn go_home(&mut self) {
        if self.at != self.home && self.shared.doors[self.home].is_open() {
            self.go_to(self.home);
        }
    }

    fn go_to(&mut self, member: usize) {
        self.at = member;
        self.connection = Connection::default();
    }
}

/// Commits the file with this content upon what is there.
fn commit(repository: &Repository, content: &str) -> Result<Push, git2::Error> {
    let parent = repository.find_reference(BOOT)?.peel_to_commit()?;
    let blob = repository.blob(content.as_bytes())?;
    let mut tree = repository.treebuilder(Some(&parent.tree()?))?;
    tree.insert(FILE, blob, 0o100_644)?;
    let tree = tree.write()?;
    let (who, content) = (Signature::now("Jane", "jane@example.com")?, repository.find_tree(tree)?);
    let new = repository.commit(Some(BOOT), &who, &who, "A line more", &content, &[&parent])?;
    let mut pack = repository.packbuilder()?;
    for object in [new, tree, blob] {
        pack.insert_object(object, None)?;
    }
    let mut bytes = git2::Buf::new();
    pack.write_buf(&mut bytes)?;
    Ok(Push { old: parent.id(), new, pack: bytes.to_vec() })
}

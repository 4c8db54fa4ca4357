//! The server is killed at random moments of pushes. What was acknowledged is there afterwards, what
//! belongs together is there together, and nothing else is left.
//!
//! `ECCONFIGD_TEST_ROUNDS` tells how often it is killed, `ECCONFIGD_TEST_SEED` from which number the
//! moments are drawn.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use crate::fixture::{Clone, Options, Random, Server, setting};

const ROUNDS: u64 = 30;
/// The latest moment for a kill, counted from the first push that is acknowledged.
const LATEST: Duration = Duration::from_millis(200);
/// Those who change several branches together, beside the one who writes `boot`.
const ATOMIC_PUSHERS: usize = 3;

#[test]
fn a_killed_server_keeps_what_it_acknowledged_and_nothing_half_done() {
    let rounds = setting("ROUNDS").unwrap_or(ROUNDS);
    let mut random = Random::new();
    let mut server = Server::start();
    let mut pushers: Vec<Pusher> =
        (0..=ATOMIC_PUSHERS).map(|number| Pusher::new(&server, number)).collect();
    let mut left = Leftovers::default();
    for _ in 0..rounds {
        let url = &server.git().url("default");
        let (acknowledged, first) = mpsc::channel();
        thread::scope(|scope| {
            for pusher in &mut pushers {
                let acknowledged = acknowledged.clone();
                scope.spawn(move || pusher.push_until_it_fails(url, &acknowledged));
            }
            first.recv().unwrap();
            // There is nothing to wait for: this is the moment that nobody chose.
            thread::sleep(LATEST.mul_f64(random.fraction()));
            server.kill();
        });
        left.count(&server.repository("default"));
        server = server.start_again(Options::default());
        server.assert_tidy("default");
        server.fsck("default");
        pushers.iter().for_each(|pusher| pusher.check(&server));
    }
    let acknowledged: usize = pushers.iter().map(|pusher| pusher.acknowledged.len()).sum();
    println!("{rounds} kills left {left:?}; {acknowledged} pushes were acknowledged");
}

/// Somebody who commits and pushes for as long as the server answers. The first one writes `boot`,
/// the others two branches of their own, and a third that odd commits make and even ones delete.
struct Pusher {
    number: usize,
    clone: Clone,
    commits: usize,
    acknowledged: Vec<String>,
}

impl Pusher {
    fn new(server: &Server, number: usize) -> Self {
        let clone = server.git().clone_of("default");
        Self { number, clone, commits: 0, acknowledged: Vec::new() }
    }

    fn push_until_it_fails(&mut self, url: &str, acknowledged: &Sender<()>) {
        loop {
            self.commits += 1;
            let number = self.commits.to_string();
            self.clone.write(&format!("default/{}.conf", self.number), &number);
            let commit = self.clone.commit(&number);
            let mut push = self.clone.git.command(&self.clone.path);
            push.args(["push", "--quiet", "--force", "--atomic", url]).args(self.refspecs());
            if !push.output().unwrap().status.success() {
                return;
            }
            self.acknowledged.push(commit);
            acknowledged.send(()).unwrap();
        }
    }

    fn refspecs(&self) -> Vec<String> {
        let [one, two, odd] = self.branches();
        match (self.number, self.commits % 2) {
            (0, _) => vec!["boot".into()],
            (_, 1) => [one, two, odd].map(|branch| format!("boot:{branch}")).into(),
            (..) => vec![format!("boot:{one}"), format!("boot:{two}"), format!(":{odd}")],
        }
    }

    fn branches(&self) -> [String; 3] {
        ["one", "two", "odd"].map(|name| format!("refs/heads/{}/{name}", self.number))
    }

    #[track_caller]
    fn check(&self, server: &Server) {
        if self.number == 0 {
            self.check_history(server, "boot");
            let count = server.bare("default", &["rev-list", "--count", "boot"]);
            assert_eq!(server.revision("default").to_string(), count.trim());
            return;
        }
        let [one, two, odd] = self.branches().map(|branch| {
            server.bare("default", &["for-each-ref", "--format=%(subject)", &branch])
        });
        assert_eq!(one, two);
        let is_odd = one.trim().parse().is_ok_and(|number: usize| number % 2 == 1);
        assert_eq!(odd, if is_odd { one.as_str() } else { "" });
        if !one.is_empty() {
            self.check_history(server, &self.branches()[0]);
        }
    }

    #[track_caller]
    fn check_history(&self, server: &Server, branch: &str) {
        let list = server.bare("default", &["rev-list", branch]);
        let history: HashSet<&str> = list.lines().collect();
        let lost = self.acknowledged.iter().find(|id| !history.contains(id.as_str()));
        assert_eq!(lost, None, "lost of {branch}");
    }
}

/// What killed servers left, to see that kills came at moments that matter.
#[derive(Debug, Default)]
struct Leftovers {
    quarantines: usize,
    locks: usize,
    journals: usize,
}

impl Leftovers {
    fn count(&mut self, path: &Path) {
        let name = path.file_name().unwrap().to_string_lossy();
        self.quarantines += usize::from(name.starts_with("incoming-"));
        self.locks += usize::from(name.ends_with(".lock"));
        self.journals += usize::from(name == "ecconfigd-entry.json");
        if path.is_dir() {
            fs::read_dir(path).unwrap().for_each(|entry| self.count(&entry.unwrap().path()));
        }
    }
}

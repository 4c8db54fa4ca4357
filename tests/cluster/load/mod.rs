//! Clients that commit and read without pause while something is done to a cluster.

mod done;
mod door;
mod pusher;
mod reader;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

pub use done::Done;
use door::Door;
use pusher::Pusher;
use reader::Reader;

use crate::fixture::eventually;
use crate::machines::Machines;

/// What is committed to, and read.
const FILE: &str = "load.conf";

/// One client for each subcluster commits, one for each member reads.
pub struct Load {
    shared: Arc<Shared>,
    pushers: Vec<JoinHandle<Pusher>>,
    readers: Vec<JoinHandle<Reader>>,
}

/// What all clients know.
struct Shared {
    doors: Vec<Door>,
    subclusters: Vec<String>,
    /// How many have been acknowledged.
    commits: AtomicUsize,
    is_over: AtomicBool,
}

impl Shared {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }
}

impl Load {
    /// Through these members. Each subcluster is its client's own until the end.
    #[track_caller]
    pub fn through(machines: &Machines, members: &[usize], subclusters: &[&str]) -> Self {
        let shared = Arc::new(Shared {
            doors: members.iter().map(|number| Door::of(machines, *number)).collect(),
            subclusters: subclusters.iter().map(|name| (*name).to_owned()).collect(),
            commits: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        });
        let new = |(number, name): (usize, &&str)| {
            let clone = machines.git(members[0]).clone_with(name, &["--depth=1"]);
            Pusher::new(shared.clone(), clone, name, number % members.len())
        };
        let pushers: Vec<Pusher> = subclusters.iter().enumerate().map(new).collect();
        let pushers = pushers.into_iter().map(|pusher| thread::spawn(|| pusher.run())).collect();
        let readers = (0..members.len()).map(|door| Reader::new(shared.clone(), door));
        let readers = readers.map(|reader| thread::spawn(|| reader.run())).collect();
        Self { shared, pushers, readers }
    }

    /// Waits until so many more commits have been acknowledged.
    #[track_caller]
    pub fn wait_for_commits(&self, count: usize) {
        let enough = self.shared.commits.load(Ordering::SeqCst) + count;
        eventually("commits go on", || self.shared.commits.load(Ordering::SeqCst) >= enough);
    }

    /// Does something to a member, during which clients may find it away.
    pub fn without<T>(&self, member: usize, work: impl FnOnce() -> T) -> T {
        self.shared.doors[member].closed_while(work)
    }

    /// Ends it.
    #[track_caller]
    pub fn end(self) -> Done {
        self.shared.is_over.store(true, Ordering::SeqCst);
        let pushers = self.pushers.into_iter().map(|pusher| pusher.join().unwrap());
        let readers = self.readers.into_iter().map(|reader| reader.join().unwrap());
        Done::of(pushers.collect(), readers.collect())
    }
}

//! What came of the load.

use std::fmt;
use std::time::{Duration, Instant};

use super::FILE;
use super::pusher::Pusher;
use super::reader::Reader;
use crate::machines::Machines;

/// An acknowledged commit.
#[derive(Clone, Copy)]
pub(super) struct Commit {
    pub(super) when: Instant,
    /// By the order in which the load was given the members.
    pub(super) through: usize,
}

/// All that was done.
pub struct Done {
    commits: Vec<Commit>,
    reads: usize,
    refusals: Vec<String>,
    faults: Vec<String>,
    /// What each subcluster's file must hold.
    contents: Vec<(String, String)>,
}

impl Done {
    pub(super) fn of(pushers: Vec<Pusher>, readers: Vec<Reader>) -> Self {
        let mut commits: Vec<Commit> = pushers.iter().flat_map(|p| p.commits.clone()).collect();
        commits.sort_by_key(|commit| commit.when);
        Self {
            commits,
            reads: readers.iter().map(|reader| reader.reads).sum(),
            refusals: pushers.iter().flat_map(|pusher| pusher.refusals.clone()).collect(),
            faults: readers.into_iter().flat_map(|reader| reader.faults).collect(),
            contents: pushers.into_iter().map(|p| (p.subcluster, p.content)).collect(),
        }
    }

    /// Each acknowledged commit is at every member, and no read has failed or gone back.
    #[track_caller]
    pub fn assert_nothing_lost(&self, machines: &Machines) {
        assert!(self.faults.is_empty(), "{:#?}", self.faults);
        for (subcluster, content) in &self.contents {
            for number in 0..machines.all.len() {
                let there = machines.read(number, &format!("{subcluster}/boot/{FILE}"));
                assert_eq!(&there, content, "{subcluster} at {number}");
            }
            machines.assert_same(subcluster);
        }
    }

    /// How many were acknowledged between these moments.
    pub fn between(&self, from: Instant, to: Instant) -> usize {
        self.commits.iter().filter(|commit| (from..to).contains(&commit.when)).count()
    }

    /// The longest time without an acknowledged commit around these moments, through members that
    /// count.
    pub fn longest_pause(
        &self,
        (from, to): (Instant, Instant),
        counts: impl Fn(usize) -> bool,
    ) -> Duration {
        let commits = self.commits.iter().filter(|commit| counts(commit.through));
        let times: Vec<Instant> = commits.map(|commit| commit.when).collect();
        let pauses = times.windows(2).filter(|pair| pair[1] > from && pair[0] < to);
        pauses.map(|pair| pair[1] - pair[0]).max().unwrap_or(Duration::MAX)
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (commits, reads, refusals) = (self.commits.len(), self.reads, self.refusals.len());
        write!(f, "{commits} commits, {refusals} times refused or unanswered, {reads} reads")
    }
}

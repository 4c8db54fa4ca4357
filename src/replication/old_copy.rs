//! A log that lies elsewhere than where it was written is a copy, and may be an old one: a backup that
//! was put back. What its server has acknowledged and promised since is not in it, and with its help
//! others could decide something else instead. So until such a server knows that it lacks nothing, it
//! does not vote, is not elected, and follows only a leader of whom enough of the others know no later
//! one.
//!
//! So it is with a log that was damaged (`opening`), except that it knows for whom this server has
//! voted and how far it had come.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openraft::Vote;
use openraft::raft::VoteRequest;
use tokio::task;
use tokio::time::sleep;

use super::cluster::Cluster;
use super::database::{Database, fact};
use super::log_store::last_log_id;
use super::peers::Use;
use super::place::Place;
use super::raft::{LogId, Member};
use super::service::{Failure, unavailable};
use super::wire::{PROMISE, Promise};

const PLACE: &str = "place";
/// The end of what this log has lost.
pub(super) const LOST: &str = "lost";
/// How soon it is looked again whether the log lacks nothing.
const PAUSE: Duration = Duration::from_secs(1);
/// Another member tells the end of its log within this time.
const ASK_TIME: Duration = Duration::from_secs(1);
/// What others have must be made here within this time, or it is asked again.
const CATCH_UP_TIME: Duration = Duration::from_secs(30);

pub(super) const MAY_BE_OLD: &str = "this server's log may be an old copy";

/// What is known of this server's log.
pub(super) struct OldCopy {
    database: Arc<Database>,
    is_suspected: AtomicBool,
    is_copy: bool,
    /// The end of what it has lost.
    lost: Option<LogId>,
    /// The leader who may be followed meanwhile.
    followed: Mutex<Option<Vote<u64>>>,
}

impl OldCopy {
    /// Looks where the log lies.
    pub(super) fn look(database: Arc<Database>) -> io::Result<Self> {
        let here = Place::of(database.path())?;
        let is_copy = match database.get::<Place>(PLACE)? {
            Some(written) => written != here,
            None => {
                database.put(&[fact(PLACE, &here)?]);
                false
            }
        };
        let lost = database.get::<Option<LogId>>(LOST)?.flatten();
        let is_suspected = AtomicBool::new(is_copy || lost.is_some());
        Ok(Self { database, is_suspected, is_copy, lost, followed: Mutex::default() })
    }

    pub(super) fn is_suspected(&self) -> bool {
        self.is_suspected.load(Ordering::Relaxed)
    }

    /// Whether a log has all that this one has lost.
    fn has_what_is_lost(&self, last: Option<LogId>) -> bool {
        !self.is_copy && self.lost.is_some() && self.lost <= last
    }

    fn is_none(&self) -> io::Result<()> {
        let here = Place::of(self.database.path())?;
        self.database.put(&[fact(PLACE, &here)?, fact(LOST, &None::<LogId>)?]);
        self.is_suspected.store(false, Ordering::Relaxed);
        Ok(())
    }
}

impl Cluster {
    /// Returns when this server's log lacks nothing: a leader whom others have elected has filled it,
    /// or no voter has more.
    pub(super) async fn make_sure_of_the_log(self: Arc<Self>) {
        if !self.old_copy.is_suspected() {
            return;
        }
        if self.old_copy.is_copy {
            tracing::warn!(
                "the cluster's log in {} is a copy of the one that was written, and may be an old one: this server does not vote before it has heard from the others that it lacks nothing",
                self.old_copy.database.path().display(),
            );
        }
        while !self.lacks_nothing().await {
            sleep(PAUSE).await;
        }
        let this = self.clone();
        match task::spawn_blocking(move || this.old_copy.is_none()).await {
            Ok(Ok(())) => tracing::info!("the cluster's log lacks nothing: this server votes"),
            Ok(Err(error)) => tracing::error!("the cluster's log cannot be looked at: {error}"),
            Err(_) => {}
        }
        self.raft.runtime_config().elect(!self.kept.is_stuck());
    }

    /// Refuses to vote for somebody who may lack what this server has forgotten.
    pub(super) async fn must_vote(&self, request: &VoteRequest<u64>) -> Result<(), Failure> {
        if !self.old_copy.is_suspected() {
            return Ok(());
        }
        if self.old_copy.has_what_is_lost(request.last_log_id) {
            return Ok(());
        }
        let newest = self.newest_of_all().await;
        match newest.is_some_and(|newest| newest <= request.last_log_id) {
            true => Ok(()),
            false => Err(unavailable(MAY_BE_OLD)),
        }
    }

    /// Refuses to follow a leader whom another one may have followed, by a vote that this server has
    /// forgotten. Any majority with this server in it has one of those that are asked.
    pub(super) async fn must_follow(&self, vote: &Vote<u64>) -> Result<(), Failure> {
        let followed = || self.old_copy.followed.lock().unwrap_or_else(PoisonError::into_inner);
        // One that has lost its log knows its own vote.
        if !self.old_copy.is_suspected() || !self.old_copy.is_copy {
            return Ok(());
        }
        if followed().as_ref() == Some(vote) {
            return Ok(());
        }
        let promises = self.promises().await;
        let needed = (promises.len().div_ceil(2) + 1).min(promises.len());
        let knows_no_later = |promise: &&Option<Promise>| {
            promise.as_ref().is_some_and(|promise| promise.vote <= *vote)
        };
        if promises.iter().filter(knows_no_later).count() < needed {
            return Err(unavailable(MAY_BE_OLD));
        }
        *followed() = Some(*vote);
        Ok(())
    }

    async fn lacks_nothing(&self) -> bool {
        if self.old_copy.lost.is_some() && !self.old_copy.is_copy {
            let own = self.promise().await;
            return own.is_ok_and(|own| self.old_copy.has_what_is_lost(own.last));
        }
        self.has_what_a_leader_has().await || self.has_what_all_voters_have().await
    }

    async fn has_what_a_leader_has(&self) -> bool {
        match self.read_index().await {
            Some(index) if !self.is_leader() => self.applied(index, CATCH_UP_TIME).await,
            _ => false,
        }
    }

    async fn has_what_all_voters_have(&self) -> bool {
        let newest = self.newest_of_all().await;
        let own = self.promise().await.map(|own| own.last);
        newest.zip(own.ok()).is_some_and(|(newest, own)| newest <= own)
    }

    /// The end of the longest log of all who vote, if all of them answer.
    async fn newest_of_all(&self) -> Option<Option<LogId>> {
        let own = self.promise().await.ok()?.last;
        let others: Option<Vec<Promise>> = self.promises().await.into_iter().collect();
        others?.into_iter().map(|promise| promise.last).chain([own]).max()
    }

    /// How far each of the others who vote has come.
    async fn promises(&self) -> Vec<Option<Promise>> {
        let mut promises = Vec::new();
        for member in self.others_who_may_vote() {
            let link = self.peers.link(&member, Use::Talk);
            let answer = link.ask(PROMISE, Vec::new(), ASK_TIME).await.ok();
            promises.push(answer.and_then(|answer| serde_json::from_slice(&answer).ok()));
        }
        promises
    }

    /// As far as this server knows: one that has lost its log takes all of whom it was told for voters.
    fn others_who_may_vote(&self) -> Vec<Member> {
        if self.members().is_empty() {
            let told = self.kept.members();
            return self.peers.others(&told).cloned().collect();
        }
        self.others_who_vote().into_values().collect()
    }

    /// How far this server has come.
    pub(super) async fn promise(&self) -> io::Result<Promise> {
        let database = self.old_copy.database.clone();
        let last = task::spawn_blocking(move || last_log_id(&database)).await??;
        Ok(Promise { last, vote: self.raft.metrics().borrow().vote })
    }
}

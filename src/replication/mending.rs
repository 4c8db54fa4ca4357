//! Repositories on this disk that are not what the log has led to: somebody wrote into them, or they
//! are damaged.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use openraft::EntryPayload;
use tokio::task;
use tokio::time::{Instant, timeout};

use super::cluster::Cluster;
use super::making::chain;
use super::peers::Use;
use super::raft::Member;
use super::state::State;
use super::state_machine::StateMachine;
use super::wire::COMPARE;
use crate::repository::{Error, Name};

/// A member must have compared its repository within this time.
const COMPARE_TIME: Duration = Duration::from_secs(60);
/// Nobody is served for so long while repositories are mended at the start.
const START_TIME: Duration = Duration::from_secs(5);
/// How soon what could not be mended is tried again, which takes longer each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

impl Cluster {
    /// Before anybody is served: a repository that stands where the log has never brought it is
    /// mended. What takes longer is mended while others are served.
    pub(super) async fn mend_before_serving(&self) {
        let _ = timeout(START_TIME, self.mend_what_is_elsewhere()).await;
    }

    /// Looks through all repositories when the log has been made again as far as it may have been made
    /// before the start, and tries to mend what could not be mended, for as long as this server runs.
    pub(super) async fn keep_whole(self: Arc<Self>) {
        let mut pause = FIRST_PAUSE;
        while timeout(pause, self.made_until(self.kept.last_at_start())).await.is_err() {
            self.mend_what_is_elsewhere().await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        loop {
            let mut are_whole = true;
            for name in self.names() {
                are_whole &= self.tell_if_not(&name, self.mend(&name).await);
            }
            if are_whole {
                self.not_whole.notified().await;
                pause = FIRST_PAUSE;
            } else {
                let _ = timeout(pause, self.not_whole.notified()).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }

    /// Looks through repositories in which somebody could not read something, for as long as this server
    /// runs. What is whole is not looked through again at once, whoever asks for it.
    pub(super) async fn look_at_suspects(self: Arc<Self>) {
        let mut looked: HashMap<Name, Instant> = HashMap::new();
        loop {
            for name in self.store.suspects().take().await {
                looked.retain(|_, at| at.elapsed() < LONGEST_PAUSE);
                if looked.insert(name.clone(), Instant::now()).is_none()
                    && !self.tell_if_not(name.as_str(), self.mend(name.as_str()).await)
                {
                    self.not_whole.notify_one();
                }
            }
        }
    }

    /// Compares all repositories with the log, and mends what differs with what the others have.
    pub(super) async fn mend_all(&self) {
        for name in self.names() {
            if !self.tell_if_not(&name, self.mend(&name).await) {
                self.not_whole.notify_one();
            }
        }
    }

    async fn mend_what_is_elsewhere(&self) {
        for name in self.names() {
            let (machine, worker) = (self.machine.clone(), name.clone());
            let is_elsewhere = task::spawn_blocking(move || machine.is_elsewhere(&worker)).await;
            if is_elsewhere.unwrap_or(true) {
                let _turn = self.machine.turn.lock().await;
                self.tell_if_not(&name, self.machine.repair(&name).await);
            }
        }
    }

    fn names(&self) -> Vec<String> {
        self.kept.now().refs.keys().cloned().collect()
    }

    /// What is wrong is told once, and whether it is.
    fn tell_if_not(&self, name: &str, mended: Result<(), Error>) -> bool {
        let text = mended.as_ref().err().map(chain);
        let mut told = self.not_mended.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match &text {
            Some(text) => told.insert(name.to_owned(), text.clone()),
            None => told.remove(name),
        };
        if let Some(text) = text.filter(|text| before.as_ref() != Some(text)) {
            tracing::error!(
                subcluster = name,
                "the repository of subcluster {name} on this server is not what the cluster has, and could not be mended: {text}",
            );
        }
        mended.is_ok()
    }

    /// Looks for damage of one subcluster, compares it with the log, and mends it.
    pub(super) async fn mend(&self, name: &str) -> Result<(), Error> {
        let (machine, worker) = (self.machine.clone(), name.to_owned());
        // Changes are made while all of it is read.
        let is_well = task::spawn_blocking(move || machine.is_well(&worker)).await;
        if is_well.unwrap_or(false) {
            return Ok(());
        }
        let _turn = self.machine.turn.lock().await;
        self.machine.repair(name).await
    }

    /// Has every member compare and mend its repository of a subcluster. Fails with what is wrong.
    pub(super) async fn compare(&self, name: &str) -> Result<(), Error> {
        let question = serde_json::to_vec(name).map_err(io::Error::other)?;
        let mut wrong = Vec::new();
        for (member, _) in self.members().into_values() {
            let compared = match member.key == self.key {
                true => self.compare_own(name).await.map_err(|error| error.to_string()),
                false => self.compare_at(&member, question.clone()).await,
            };
            wrong.extend(compared.err().map(|error| format!("{}: {error}", member.name)));
        }
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(Error::Unsound(wrong.join("; "))),
        }
    }

    /// The same here alone: whether the history and the newest files are whole, too.
    pub(super) async fn compare_own(&self, name: &str) -> Result<(), Error> {
        let late = |_| {
            let text = "a change is being made there, and cannot be: its log tells why";
            Err(Error::Unsound(text.into()))
        };
        timeout(COMPARE_TIME, self.mend(name)).await.unwrap_or_else(late)?;
        let (store, name) = (self.store.clone(), name.to_owned());
        let checked = task::spawn_blocking(move || store.get(&name)?.check()).await;
        checked.map_err(io::Error::other)?
    }

    async fn compare_at(&self, member: &Member, question: Vec<u8>) -> Result<(), String> {
        let link = self.peers.link(member, Use::Talk);
        let answer = link.ask(COMPARE, question, COMPARE_TIME).await.map_err(|e| e.to_string())?;
        serde_json::from_slice(&answer).map_err(|e| e.to_string())?
    }
}

impl StateMachine {
    /// Whether a repository is whole and where the log has led to. Blocks.
    fn is_well(&self, name: &str) -> bool {
        let (refs, orders) = (self.refs_of(name), self.kept.now().orders(name));
        !self.deviates(name)
            && self.store.is_whole(name, &refs, &orders).unwrap_or(false)
            // git may have put its packs together.
            && self.store.get(name).is_ok_and(|subcluster| subcluster.reread().is_ok())
    }

    /// Whether a repository cannot be read, or stands where the log has never brought it. One that was
    /// killed may have made entries that it does not know of. Blocks.
    fn is_elsewhere(&self, name: &str) -> bool {
        if !self.deviates(name) {
            return false;
        }
        let (Ok(subcluster), Ok(later)) = (self.store.get(name), self.kept.later_entries()) else {
            return true;
        };
        let snapshot = subcluster.snapshot();
        let mut state = (*self.kept.now()).clone();
        let stands = |state: &State| {
            let here = snapshot.refs().iter().map(|r| (r.name.clone(), r.target));
            state.refs.get(name) == Some(&here.collect()) && state.orders(name) == snapshot.orders
        };
        for entry in later {
            if let EntryPayload::Normal(proposal) = entry.payload {
                state.made(&proposal);
            }
            if stands(&state) {
                return false;
            }
        }
        true
    }
}

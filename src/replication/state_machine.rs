//! What the log's entries do here: repositories, accounts, and who is a member.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use openraft::storage::RaftStateMachine;
use openraft::{
    Entry, EntryPayload, ErrorSubject, ErrorVerb, OptionalSend, RaftSnapshotBuilder, Snapshot,
    SnapshotMeta, StoredMembership,
};
use tokio::sync::Mutex;
use tokio::task;
use tokio::time::sleep;

use super::change::{Change, Outcome, Proposal, Refusal};
use super::manifest::{self, Manifest, standings};
use super::members::is_same;
use super::peers::Peers;
use super::raft::{LogId, Member, Membership, StorageError, Types};
use super::state::{Allowed, Kept, State};
use crate::accounts;
use crate::repository::{self, Applied, BOOT, Error, Head, Inbox, Orders, Ref, Store};

/// How long to wait before what failed for a reason of this host's is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// The parts of this server that entries change.
#[derive(Clone)]
pub(super) struct StateMachine {
    pub(super) store: Arc<Store>,
    pub(super) accounts: accounts::File,
    pub(super) inbox: Arc<Inbox>,
    pub(super) kept: Arc<Kept>,
    pub(super) peers: Arc<Peers>,
    /// Held while an entry is made and written down, and while a repository is compared with what was
    /// written down.
    pub(super) turn: Arc<Mutex<()>>,
    /// Whether there is a snapshot to be told of.
    pub(super) has_snapshot: bool,
}

impl StateMachine {
    /// Does what an entry says. Whatever it comes to is the same at every member: what fails for a
    /// reason of this host's is tried until it succeeds. `is_old` tells that it, and others since, may
    /// have been made before this server was started.
    async fn carry_out(&self, proposal: Proposal, is_old: bool) -> Outcome {
        let Proposal::V1(change) = &proposal;
        let mut told = false;
        loop {
            self.fetch_pack(&proposal).await;
            let (this, work) = (self.clone(), change.clone());
            let done = task::spawn_blocking(move || this.make(work, is_old)).await;
            let error = match done {
                Ok(Ok(outcome)) => {
                    self.kept.set_stuck(false);
                    return outcome;
                }
                Ok(Err(error)) => error.to_string(),
                Err(panicked) => panicked.to_string(),
            };
            self.kept.set_stuck(true);
            if !std::mem::replace(&mut told, true) {
                tracing::error!(
                    "a change that the cluster has accepted cannot be made on this server and is tried until it can, later ones wait for it: {error}",
                );
            }
            sleep(PAUSE).await;
        }
    }

    /// Makes a change. Fails for reasons of this host's only. Blocks.
    fn make(&self, change: Change, is_old: bool) -> Result<Outcome, Error> {
        match change {
            Change::Subcluster { entry, through } => self.subcluster(&entry, &through, is_old),
            Change::Account { name, account } => match self.accounts.put(&name, account) {
                Err(error) => Err(io::Error::other(error).into()),
                Ok(()) => Ok(Outcome::Done),
            },
            // Part of the state, which is written with the number of the entry.
            Change::LetIn { .. } | Change::Came { .. } => Ok(Outcome::Done),
        }
    }

    fn subcluster(
        &self,
        entry: &repository::Entry,
        through: &str,
        is_old: bool,
    ) -> Result<Outcome, Error> {
        if let Some(outcome) = self.foregone(entry, through)? {
            return Ok(outcome);
        }
        let quarantine = pack_of(entry).and_then(|pack| self.inbox.find(pack));
        let applied = match self.store.apply(entry, quarantine.as_ref()) {
            // This server was stopped between making the change and writing that down.
            Err(Error::Stale { .. }) if self.was_made(entry)? => Ok(was_so(&self.store, entry)),
            // The log knows better than the disk.
            Err(Error::Stale { .. }) => {
                if !is_old {
                    tell_other_hands(&entry.subcluster);
                }
                self.set_back(&entry.subcluster)?;
                self.store.apply(entry, quarantine.as_ref())
            }
            Err(Error::Exists(_)) if is_old => self.make_again(entry),
            applied => applied,
        };
        match applied {
            Ok(applied) => Ok(Outcome::Applied(applied)),
            Err(error @ (Error::Stale { .. } | Error::Exists(_))) => Err(error),
            Err(error) if error.is_broken() => Err(error),
            Err(error) => Ok(Outcome::Refused(error.into())),
        }
    }

    /// What comes of an entry by the log alone, if that is enough to know.
    fn foregone(&self, entry: &repository::Entry, through: &str) -> Result<Option<Outcome>, Error> {
        let state = self.kept.now();
        let name = &entry.subcluster;
        let is_there = state.refs.contains_key(name);
        let refused = |refusal| Ok(Some(Outcome::Refused(refusal)));
        let made = || Ok(Some(Outcome::Applied(was_so(&self.store, entry))));
        match &entry.change {
            repository::Change::Create(_) if !is_there => Ok(None),
            _ if !is_there => refused(Refusal::NoSubcluster(name.clone())),
            repository::Change::Create(change) => match state.allows(name, change) {
                Allowed::WasSo => made(),
                _ => refused(Refusal::Exists(name.clone())),
            },
            repository::Change::Move(change) => match state.allows(name, change) {
                Allowed::Yes => self.pinned(entry, through).map_or(Ok(None), refused),
                Allowed::WasSo => made(),
                // It was proposed again as nobody had heard what came of it, and others followed.
                Allowed::Stale(_) if self.was_made(entry)? => made(),
                Allowed::Stale(reference) => refused(Refusal::Stale(reference)),
            },
            _ => Ok(None),
        }
    }

    /// Commits of a subcluster may be bound to one member.
    fn pinned(&self, entry: &repository::Entry, through: &str) -> Option<Refusal> {
        let subcluster = entry.subcluster.clone();
        let to = self.store.get(&subcluster).ok()?.snapshot().orders.master.clone()?;
        (!is_same(&to, through)).then_some(Refusal::Pinned { subcluster, to })
    }

    /// A subcluster that has been made, and changed since, is made again.
    fn make_again(&self, entry: &repository::Entry) -> Result<Applied, Error> {
        let repository::Change::Create(change) = &entry.change else {
            return Err(Error::NoSubcluster(entry.subcluster.clone()));
        };
        let refs = change.updates.iter().map(|update| (update.name.clone(), update.new));
        self.store.restore(&entry.subcluster, &refs.collect::<Vec<_>>(), &Orders::default())?;
        Ok(was_so(&self.store, entry))
    }

    /// Whether what a change brings is in the history already.
    fn was_made(&self, entry: &repository::Entry) -> Result<bool, Error> {
        let repository::Change::Move(change) = &entry.change else { return Ok(false) };
        self.store.get(&entry.subcluster)?.has_made(&change.updates)
    }

    /// Brings the references of a subcluster to where the log says that they are, if somebody else
    /// has moved them. Blocks.
    pub(super) fn set_back(&self, name: &str) -> Result<(), Error> {
        let state = self.kept.now();
        let Some(refs) = state.refs.get(name) else { return Ok(()) };
        let refs: Vec<Ref> = refs.iter().map(|(name, id)| (name.clone(), *id)).collect();
        let orders = self.store.get(name)?.snapshot().orders.clone();
        self.store.restore(name, &refs, &orders)
    }

    /// Waits until the pack of an entry is here.
    async fn fetch_pack(&self, proposal: &Proposal) {
        let Proposal::V1(Change::Subcluster { entry, .. }) = proposal else { return };
        let Some(pack) = pack_of(entry) else { return };
        let mut told = false;
        while !self.has_pack(entry, pack).await {
            if self.peers.fetch_pack(&self.kept.members(), pack, &self.inbox).await {
                return;
            }
            if !std::mem::replace(&mut told, true) {
                tracing::warn!(
                    subcluster = entry.subcluster,
                    "no member that can be reached has the objects of the newest change of {}: it is made here as soon as one is back",
                    entry.subcluster,
                );
            }
            sleep(PAUSE).await;
        }
    }

    async fn has_pack(&self, entry: &repository::Entry, pack: &str) -> bool {
        let (this, entry, pack) = (self.clone(), entry.clone(), pack.to_owned());
        let has = move || {
            let (repository::Change::Move(change) | repository::Change::Create(change)) =
                &entry.change
            else {
                return true;
            };
            this.inbox.find(&pack).is_some()
                || this.store.has_all(&entry.subcluster, &change.updates).unwrap_or(false)
        };
        task::spawn_blocking(has).await.unwrap_or(false)
    }

    fn manifest(&self) -> io::Result<Taken> {
        let State { applied, membership, roster, accounts, refs } = (*self.kept.now()).clone();
        let subclusters = standings(&self.store, refs);
        let manifest = Manifest { version: manifest::VERSION, subclusters, accounts, roster };
        let snapshot_id = applied.map_or_else(String::new, |id| id.to_string());
        Ok((
            manifest,
            SnapshotMeta { last_log_id: applied, last_membership: membership, snapshot_id },
        ))
    }

    /// Brings this server to where a snapshot is. Its objects are here already. Blocks.
    fn install(&self, meta: &SnapshotMeta<u64, Member>, manifest: Manifest) -> io::Result<()> {
        for standing in &manifest.subclusters {
            self.store
                .restore(&standing.name, &standing.refs, &standing.orders)
                .map_err(io::Error::other)?;
        }
        let here = self.accounts.read().map_err(io::Error::other)?;
        for name in here.keys().filter(|name| !manifest.accounts.contains_key(*name)) {
            self.accounts.put(name, None).map_err(io::Error::other)?;
        }
        for (name, account) in &manifest.accounts {
            self.accounts.put(name, Some(account.clone())).map_err(io::Error::other)?;
        }
        self.kept.put(State {
            applied: meta.last_log_id,
            membership: meta.last_membership.clone(),
            roster: manifest.roster,
            accounts: manifest.accounts,
            refs: manifest
                .subclusters
                .into_iter()
                .map(|standing| (standing.name, standing.refs.into_iter().collect()))
                .collect(),
        })
    }
}

pub(super) fn tell_other_hands(name: &str) {
    tracing::error!(
        subcluster = name,
        "somebody has written into the repository of subcluster {name} on this server, past the cluster: its references are set back to what the cluster has; commit with git push or eccfg",
    );
}

/// What is told of a change that had been made before.
fn was_so(store: &Store, entry: &repository::Entry) -> Applied {
    let boot = match &entry.change {
        repository::Change::Move(change) | repository::Change::Create(change) => {
            change.updates.iter().find(|update| update.name == BOOT)
        }
        _ => None,
    };
    let head = boot.and_then(|update| {
        let revision = store.get(&entry.subcluster).ok()?.revision_of(update.new)?;
        Some(Head { commit: update.new, revision })
    });
    Applied { was_so: true, head, ..Applied::default() }
}

fn pack_of(entry: &repository::Entry) -> Option<&str> {
    match &entry.change {
        repository::Change::Move(change) | repository::Change::Create(change) => {
            change.pack.as_deref()
        }
        _ => None,
    }
}

impl RaftStateMachine<Types> for StateMachine {
    type SnapshotBuilder = Builder;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, Membership), StorageError> {
        let state = self.kept.now();
        Ok((state.applied, state.membership.clone()))
    }

    async fn apply<I>(&mut self, entries: I) -> Result<Vec<Outcome>, StorageError>
    where
        I: IntoIterator<Item = Entry<Types>> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let mut outcomes = Vec::new();
        for Entry { log_id, payload } in entries {
            let _turn = self.turn.lock().await;
            let mut state = (*self.kept.now()).clone();
            state.applied = Some(log_id);
            let outcome = match payload {
                EntryPayload::Blank => Outcome::Done,
                EntryPayload::Membership(membership) => {
                    state.membership = StoredMembership::new(Some(log_id), membership);
                    Outcome::Done
                }
                EntryPayload::Normal(proposal) => {
                    state.change(&proposal);
                    let is_old = self.kept.is_old(&log_id);
                    let outcome = self.carry_out(proposal.clone(), is_old).await;
                    if let Outcome::Applied(_) = outcome {
                        state.made(&proposal);
                    }
                    outcome
                }
            };
            let kept = self.kept.clone();
            blocking(ErrorVerb::Write, move || kept.put_soon(state)).await?;
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    async fn get_snapshot_builder(&mut self) -> Builder {
        // Now, and not when it is built: then more entries may have been applied.
        self.has_snapshot = true;
        let this = self.clone();
        Builder(
            task::spawn_blocking(move || this.manifest()).await.map_err(io::Error::other).flatten(),
        )
    }

    async fn begin_receiving_snapshot(&mut self) -> Result<Box<Manifest>, StorageError> {
        Ok(Box::default())
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta<u64, Member>,
        snapshot: Box<Manifest>,
    ) -> Result<(), StorageError> {
        let (this, meta) = (self.clone(), meta.clone());
        blocking(ErrorVerb::Write, move || this.install(&meta, *snapshot)).await?;
        self.has_snapshot = true;
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot<Types>>, StorageError> {
        if !self.has_snapshot {
            return Ok(None);
        }
        let this = self.clone();
        let (manifest, meta) = blocking(ErrorVerb::Read, move || this.manifest()).await?;
        Ok(Some(Snapshot { meta, snapshot: Box::new(manifest) }))
    }
}

/// A snapshot that has been taken.
pub(super) struct Builder(io::Result<Taken>);

type Taken = (Manifest, SnapshotMeta<u64, Member>);

impl RaftSnapshotBuilder<Types> for Builder {
    async fn build_snapshot(&mut self) -> Result<Snapshot<Types>, StorageError> {
        match &self.0 {
            Ok((manifest, meta)) => {
                Ok(Snapshot { meta: meta.clone(), snapshot: Box::new(manifest.clone()) })
            }
            Err(error) => {
                let (subject, error) =
                    (ErrorSubject::Snapshot(None), io::Error::other(error.to_string()));
                Err(StorageError::from_io_error(subject, ErrorVerb::Read, error))
            }
        }
    }
}

async fn blocking<T: Send + 'static>(
    verb: ErrorVerb,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, StorageError> {
    let done = task::spawn_blocking(work).await.map_err(io::Error::other).flatten();
    done.map_err(|error| StorageError::from_io_error(ErrorSubject::StateMachine, verb, error))
}

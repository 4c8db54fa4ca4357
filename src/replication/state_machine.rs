//! What the log's entries do here: repositories, accounts, and who is a member.

use std::io;
use std::sync::Arc;

use openraft::storage::RaftStateMachine;
use openraft::{
    Entry, EntryPayload, ErrorSubject, ErrorVerb, OptionalSend, RaftSnapshotBuilder, Snapshot,
    SnapshotMeta, StoredMembership,
};
use tokio::sync::Mutex;
use tokio::task;

use super::change::Outcome;
use super::manifest::{self, Manifest, Standing, orders_of, refs_of, standings};
use super::peers::Peers;
use super::raft::{LogId, Member, Membership, StorageError, Types};
use super::state::{Kept, State};
use super::unwritten::Unwritten;
use super::waiting::Waiting;
use crate::accounts;
use crate::repository::{Inbox, Store};

/// The parts of this server that entries change.
#[derive(Clone)]
pub(super) struct StateMachine {
    pub(super) store: Arc<Store>,
    pub(super) accounts: accounts::File,
    pub(super) inbox: Arc<Inbox>,
    pub(super) kept: Arc<Kept>,
    pub(super) peers: Arc<Peers>,
    pub(super) waiting: Arc<Waiting>,
    pub(super) unwritten: Arc<Unwritten>,
    /// Held while an entry is made and written down, and while a repository is compared with what was
    /// written down.
    pub(super) turn: Arc<Mutex<()>>,
    /// Whether there is a snapshot to be told of.
    pub(super) has_snapshot: bool,
}

impl StateMachine {
    fn manifest(&self) -> io::Result<Taken> {
        let State { applied, membership, roster, accounts, refs, orders } =
            (*self.kept.now()).clone();
        let subclusters = standings(refs, &orders);
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
            let Standing { name, refs, orders } = standing;
            let restored = self.store.restore(name, refs, orders).or_else(|_| {
                self.store.put_aside_damage(name)?;
                self.store.bring_back(name, refs, orders).map(drop)
            });
            restored.map_err(io::Error::other)?;
        }
        self.kept.put(State {
            applied: meta.last_log_id,
            membership: meta.last_membership.clone(),
            roster: manifest.roster,
            accounts: manifest.accounts,
            orders: orders_of(&manifest.subclusters),
            refs: refs_of(manifest.subclusters),
        })
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
            self.unwritten.written(log_id.index).await;
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
            let put = move || match state.accounts == kept.now().accounts {
                true => kept.put_soon(state),
                // Their file must never be ahead of what is known here after a loss of power.
                false => kept.put(state),
            };
            blocking(ErrorVerb::Write, put).await?;
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

//! What one entry of the log does here. Whatever it comes to is the same at every member: the log
//! alone decides, and what fails for a reason of this host's is tried until it succeeds.

use std::time::Duration;

use tokio::task;
use tokio::time::sleep;

use super::change::{Change, Outcome, Proposal, Refusal};
use super::state::Allowed;
use super::state_machine::StateMachine;
use crate::momentum::is_same_node;
use crate::repository::{self, Applied, BOOT, Error, Head, Orders, Ref, SmallPack, Store};

/// How long to wait before what failed for a reason of this host's is tried again.
const PAUSE: Duration = Duration::from_secs(1);

impl StateMachine {
    /// Does what an entry says. Whatever it comes to is the same at every member: what fails for a
    /// reason of this host's is tried until it succeeds. `is_old` tells that it, and others since, may
    /// have been made before this server was started.
    pub(super) async fn carry_out(&self, proposal: Proposal, is_old: bool) -> Outcome {
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
            Change::Subcluster { entry, through, small, ticket } => {
                let told = |applied| self.waiting.tell(ticket, Outcome::Applied(applied));
                self.subcluster(&entry, &through, small.as_ref(), is_old, told)
            }
            // Part of the state, which is written with the number of the entry.
            Change::Account { .. } | Change::LetIn { .. } | Change::Came { .. } => {
                Ok(Outcome::Done)
            }
        }
    }

    fn subcluster(
        &self,
        entry: &repository::Entry,
        through: &str,
        small: Option<&SmallPack>,
        is_old: bool,
        tell: impl Fn(Applied),
    ) -> Result<Outcome, Error> {
        if let Some(outcome) = self.foregone(entry, through)? {
            return Ok(outcome);
        }
        if is_old && let repository::Change::Move(_) = &entry.change {
            // Later entries may have been made here already.
            let name = &entry.subcluster;
            match self.store.set_orders(name, &self.kept.now().orders(name)) {
                // Somebody has removed it.
                Ok(()) | Err(Error::NoSubcluster(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let quarantine = match (pack_of(entry), small) {
            (Some(pack), Some(small)) => Some(self.inbox.unpack(small, pack)?),
            (Some(pack), None) => self.inbox.find(pack),
            (None, _) => None,
        };
        // What hinders that is met with again.
        if let Ok(Some(applied)) = self.store.show_ahead(entry, quarantine.as_ref()) {
            tell(applied);
        }
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
                Allowed::Yes => {
                    hindered(&state.orders(name), name, through).map_or(Ok(None), refused)
                }
                Allowed::WasSo => made(),
                // It was proposed again as nobody had heard what came of it, and others followed.
                Allowed::Stale(_) if self.was_made(entry)? => made(),
                Allowed::Stale(reference) => refused(Refusal::Stale(reference)),
            },
            _ => Ok(None),
        }
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
        self.store.restore(name, &refs, &state.orders(name))
    }
}

/// What has been ordered may stand against a commit that comes through this member.
fn hindered(orders: &Orders, subcluster: &str, through: &str) -> Option<Refusal> {
    if orders.conflict.is_some() {
        return Some(Refusal::InConflict(subcluster.to_owned()));
    }
    let to = orders.master.clone().filter(|to| !is_same_node(to, through))?;
    Some(Refusal::Pinned { subcluster: subcluster.to_owned(), to })
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

pub(super) fn pack_of(entry: &repository::Entry) -> Option<&str> {
    match &entry.change {
        repository::Change::Move(change) | repository::Change::Create(change) => {
            change.pack.as_deref()
        }
        _ => None,
    }
}

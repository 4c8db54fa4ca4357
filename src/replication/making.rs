//! What one entry of the log does here. Whatever it comes to is the same at every member: the log
//! alone decides, and what fails for a reason of this host's is tried until it succeeds.

use std::time::Duration;

use tokio::task;
use tokio::time::{Instant, sleep};

use super::change::{Change, Outcome, Proposal, Refusal};
use super::state::Allowed;
use super::state_machine::StateMachine;
use crate::momentum::is_same_node;
use crate::repository::{self, Applied, BOOT, Error, Head, Orders, SmallPack, Store};

/// How long to wait before what failed for a reason of this host's is tried again.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest time between two looks at a repository is the pause doubled so often.
const MOST_DOUBLINGS: u32 = 5;

impl StateMachine {
    /// Does what an entry says. Whatever it comes to is the same at every member: what fails for a
    /// reason of this host's is tried until it succeeds. `is_old` tells that it, and others since, may
    /// have been made before this server was started.
    pub(super) async fn carry_out(&self, proposal: Proposal, is_old: bool) -> Outcome {
        let Proposal::V1(change) = &proposal;
        let mut told = false;
        let mut tries = Tries::default();
        loop {
            self.fetch_pack(&proposal).await;
            let (this, work) = (self.clone(), change.clone());
            let done = task::spawn_blocking(move || this.make(work, is_old)).await;
            let mut error = match done {
                Ok(Ok(outcome)) => {
                    self.kept.set_stuck(false);
                    return outcome;
                }
                // Somebody has removed the repository, and nobody could give it back: the other
                // subclusters do not wait for that.
                Ok(Err(Error::NoSubcluster(name))) if self.is_alone() => {
                    self.kept.set_stuck(false);
                    return Outcome::Refused(Refusal::NoSubcluster(name));
                }
                Ok(Err(error)) => chain(&error),
                Err(panicked) => panicked.to_string(),
            };
            self.kept.set_stuck(true);
            if let Some(name) = tries.is_due().then(|| subcluster_of(change)).flatten() {
                match self.repair(name).await {
                    Ok(()) if tries.is_first() => continue,
                    Ok(()) => {}
                    Err(other) => error = format!("{error}; {}", chain(&other)),
                }
            }
            if !std::mem::replace(&mut told, true) {
                tracing::error!(
                    "a change that the cluster has accepted cannot be made on this server and is tried until it can, later ones wait for it: {error}",
                );
            }
            tokio::select! {
                () = sleep(PAUSE) => {}
                // Somebody says that it has been mended.
                () = self.kept.try_again.notified() => tries = Tries::default(),
            }
        }
    }

    /// Whether there is nobody to be asked for what is missing here.
    fn is_alone(&self) -> bool {
        self.peers.others(&self.kept.members()).next().is_none()
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
            self.store.set_orders(name, &self.kept.now().orders(name))?;
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
            // By the log it is not: what is there is of a later moment, or of other hands.
            Err(Error::Exists(_)) => self.make_again(entry),
            applied => applied,
        };
        match applied {
            Ok(applied) => Ok(Outcome::Applied(applied)),
            // The log has allowed it.
            Err(error @ (Error::Stale { .. } | Error::Exists(_) | Error::NoSubcluster(_))) => {
                Err(error)
            }
            Err(error) if error.is_broken() || self.deviates(&entry.subcluster) => Err(error),
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

    /// Whether readers of a subcluster are shown something else than what the log has led to, but for
    /// the change that is being made.
    pub(super) fn deviates(&self, name: &str) -> bool {
        let Ok(subcluster) = self.store.get(name) else { return true };
        let (orders, state) = (&subcluster.snapshot().orders, self.kept.now());
        *orders != state.orders(name)
            || state.refs.get(name).is_some_and(|refs| *refs != subcluster.refs_on_disk())
    }

    /// Brings the references of a subcluster to where the log says that they are, if somebody else
    /// has moved them. Blocks.
    fn set_back(&self, name: &str) -> Result<(), Error> {
        self.store.restore(name, &self.refs_of(name), &self.kept.now().orders(name))
    }
}

/// When a repository is looked through for damage while an entry cannot be made: at once, and then
/// less and less often, for all of it is read.
#[derive(Default)]
struct Tries {
    count: u32,
    next: Option<Instant>,
}

impl Tries {
    fn is_due(&mut self) -> bool {
        let now = Instant::now();
        if self.next.is_some_and(|next| now < next) {
            return false;
        }
        self.next = Some(now + PAUSE * 2_u32.pow(self.count.min(MOST_DOUBLINGS)));
        self.count += 1;
        true
    }

    fn is_first(&self) -> bool {
        self.count == 1
    }
}

fn subcluster_of(change: &Change) -> Option<&str> {
    match change {
        Change::Subcluster { entry, .. } => Some(&entry.subcluster),
        _ => None,
    }
}

/// An error with its causes.
pub(super) fn chain(error: &Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
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

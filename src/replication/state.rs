//! What this member has applied of the log, beside the repositories and the accounts.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use openraft::Entry;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::change::{Change, Proposal};
use super::database::{Database, fact};
use super::raft::{LogId, Member, Membership, Types};
use super::roster::Roster;
use crate::accounts;
use crate::protocol::Id;
use crate::repository::{self, Move, Orders, RefUpdate};
use crate::tls::{KeyId, KnownKeys};

pub(super) const STATE: &str = "state";

/// All of it, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// The last entry that was applied.
    pub(super) applied: Option<LogId>,
    /// Who are members, as of then.
    pub(super) membership: Membership,
    /// Who has been let in.
    pub(super) roster: Roster,
    /// Where the references of each subcluster are to be, by name.
    pub(super) refs: BTreeMap<String, Refs>,
    /// What administrators have ordered for subclusters, where they have.
    #[serde(default)]
    pub(super) orders: BTreeMap<String, Orders>,
    /// The accounts. This server's file of them is a copy (`sharing`).
    pub(super) accounts: BTreeMap<String, accounts::Entry>,
}

/// References and their values.
pub(super) type Refs = BTreeMap<String, Id>;

impl State {
    /// Whether references move as an entry asks: nobody looks at the disk for that, so that it is
    /// the same at every member.
    pub(super) fn allows(&self, subcluster: &str, change: &Move) -> Allowed {
        let none = Refs::new();
        let refs = self.refs.get(subcluster).unwrap_or(&none);
        let value = |update: &RefUpdate| refs.get(&update.name).copied().unwrap_or(Id::ZERO);
        match change.updates.iter().find(|update| value(update) != update.old) {
            None => Allowed::Yes,
            // This server was stopped between making the change and writing that down, or somebody
            // has asked twice.
            Some(_) if change.updates.iter().all(|update| value(update) == update.new) => {
                Allowed::WasSo
            }
            Some(other) => Allowed::Stale(other.name.clone()),
        }
    }

    /// A change of a subcluster has been made. One that is decided again, after others have followed,
    /// counts as made too, and moves nothing.
    pub(super) fn made(&mut self, proposal: &Proposal) {
        use crate::repository::Change::{Create, Move};
        let Proposal::V1(Change::Subcluster { entry, .. }) = proposal else { return };
        self.ordered(entry);
        let change = match &entry.change {
            Create(change) if !self.refs.contains_key(&entry.subcluster) => change,
            Move(change) if self.allows(&entry.subcluster, change) == Allowed::Yes => change,
            _ => return,
        };
        let refs = self.refs.entry(entry.subcluster.clone()).or_default();
        for update in &change.updates {
            match update.new.is_zero() {
                true => drop(refs.remove(&update.name)),
                false => drop(refs.insert(update.name.clone(), update.new)),
            }
        }
    }

    fn ordered(&mut self, entry: &repository::Entry) {
        use crate::repository::Change::{BeginConflict, Create, EndConflict, Move, Pin, Resume};
        let orders = self.orders.entry(entry.subcluster.clone()).or_default();
        match &entry.change {
            BeginConflict => _ = orders.conflict.get_or_insert_with(|| entry.author.clone()),
            EndConflict => orders.conflict = None,
            Pin { node } => orders.master = Some(node.clone()),
            Resume { .. } => orders.master = None,
            Create(_) | Move(_) => {}
        }
        self.orders.retain(|_, orders| *orders != Orders::default());
    }

    /// What has been ordered for a subcluster. Nobody looks at the disk for that either: an entry that
    /// is made again must find what it found.
    pub(super) fn orders(&self, subcluster: &str) -> Orders {
        self.orders.get(subcluster).cloned().unwrap_or_default()
    }

    /// Takes up what an entry says of members and accounts.
    pub(super) fn change(&mut self, proposal: &Proposal) {
        let Proposal::V1(change) = proposal;
        match change.clone() {
            Change::LetIn { name, key } => self.roster.let_in(name, key),
            Change::Came { key, id } => self.roster.came(&key, id),
            Change::Account { name, from, .. } if self.accounts.get(&name) != from.as_ref() => {}
            Change::Account { name, account: Some(account), .. } => {
                self.accounts.insert(name, account);
            }
            Change::Account { name, account: None, .. } => {
                self.accounts.remove(&name);
            }
            Change::Subcluster { .. } => {}
        }
    }
}

/// What an entry's references come to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Allowed {
    Yes,
    WasSo,
    /// This one is not what the change was made against.
    Stale(String),
}

/// The state, in memory and on disk.
pub(super) struct Kept {
    database: Arc<Database>,
    now: ArcSwap<State>,
    /// Members that this server has been told of before it is one: by whoever let it in, and since.
    introduced: ArcSwap<Vec<Member>>,
    /// The last entry that was there already.
    last_at_start: u64,
    /// Whether an entry cannot be applied, for a reason of this host's.
    stuck: AtomicBool,
    /// Told when there are other accounts.
    accounts_moved: watch::Sender<()>,
}

impl Kept {
    /// What was kept. Blocks.
    pub(super) fn open(database: Arc<Database>, introduced: Vec<Member>) -> io::Result<Self> {
        let state: State = database.get(STATE)?.unwrap_or_default();
        let last: Option<Entry<Types>> = database.last()?;
        let last_at_start = last.map_or(0, |entry| entry.log_id.index);
        let introduced = ArcSwap::from_pointee(introduced);
        let now = ArcSwap::from_pointee(state);
        let (stuck, accounts_moved) = Default::default();
        Ok(Self { database, now, introduced, last_at_start, stuck, accounts_moved })
    }

    /// As it is after a restart that has found this state, and a log to this index.
    #[cfg(test)]
    pub(super) fn restarted(&self, state: Arc<State>, last_at_start: u64) -> Self {
        let (database, now) = (self.database.clone(), ArcSwap::new(state));
        let (introduced, stuck, accounts_moved) = Default::default();
        Self { database, now, introduced, last_at_start, stuck, accounts_moved }
    }

    pub(super) fn now(&self) -> Arc<State> {
        self.now.load_full()
    }

    /// Replaces it. A server that is killed may find an older one than what has been made: the entries
    /// since are made again, which changes nothing.
    pub(super) fn put_soon(&self, state: State) -> io::Result<()> {
        self.database.put_soon(fact(STATE, &state)?);
        self.show(state);
        Ok(())
    }

    /// Has the disk have what is known. Blocks.
    pub(super) fn flush(&self) {
        self.database.flush();
    }

    /// Replaces it, durably. Blocks.
    pub(super) fn put(&self, state: State) -> io::Result<()> {
        self.database.put(&[fact(STATE, &state)?]);
        self.show(state);
        Ok(())
    }

    fn show(&self, state: State) {
        let before = self.now.swap(Arc::new(state));
        if before.accounts != self.now.load().accounts {
            self.accounts_moved.send_replace(());
        }
    }

    /// Tells when there are other accounts.
    pub(super) fn accounts_moved(&self) -> watch::Receiver<()> {
        self.accounts_moved.subscribe()
    }

    /// The last entry that was there when this server was started.
    pub(super) fn last_at_start(&self) -> u64 {
        self.last_at_start
    }

    /// Whether an entry may have been made before this server was started, although it is made now.
    pub(super) fn is_old(&self, entry: &LogId) -> bool {
        entry.index <= self.last_at_start
    }

    /// Whether an entry cannot be applied, for a reason of this host's.
    pub(super) fn is_stuck(&self) -> bool {
        self.stuck.load(Ordering::Relaxed)
    }

    pub(super) fn set_stuck(&self, stuck: bool) {
        self.stuck.store(stuck, Ordering::Relaxed);
    }

    /// All members that can be asked for something, as far as this one knows.
    pub(super) fn members(&self) -> Vec<Member> {
        let state = self.now.load();
        let known: Vec<Member> = state.membership.nodes().map(|(_, node)| node.clone()).collect();
        match known.is_empty() {
            true => (**self.introduced.load()).clone(),
            false => known,
        }
    }

    /// A member has said who the members are: any of them may lead by now, and fill this server.
    pub(super) fn introduce(&self, members: Vec<Member>) {
        let mut known = (**self.introduced.load()).clone();
        known.retain(|old| members.iter().all(|new| new.key != old.key));
        known.extend(members);
        self.introduced.store(Arc::new(known));
    }

    /// Whether the member with this number is one, as far as has been applied.
    pub(super) fn is_member(&self, id: u64) -> bool {
        self.now.load().membership.membership().get_node(&id).is_some()
    }

    fn keys(&self) -> BTreeSet<String> {
        let state = self.now.load();
        let listed = state.roster.0.values().map(|listed| listed.key.clone());
        let introduced = self.introduced.load();
        listed.chain(introduced.iter().map(|member| member.key.clone())).collect()
    }
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Kept").field(&self.now.load()).finish()
    }
}

impl KnownKeys for Kept {
    fn knows(&self, key: &KeyId) -> bool {
        self.keys().contains(&key.to_string())
    }
}

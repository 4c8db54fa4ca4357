//! What this member has applied of the log, beside the repositories and the accounts.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use arc_swap::ArcSwap;
use openraft::Entry;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, watch};

use super::change::{Change, Proposal};
use super::database::{Database, fact};
use super::raft::{LogId, Member, Membership, Types};
use super::roster::Roster;
use crate::accounts;
use crate::protocol::Id;
use crate::repository::{self, Move, Orders, RefUpdate};

pub(super) const STATE: &str = "state";
const OLD_NAMES: &str = "old-names";

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

/// Members that this server has been told of.
#[derive(Debug, Default)]
struct Introduced {
    members: Vec<Member>,
    /// Told to a member: until then, and while its newest membership is this one. Others, who were
    /// told by whoever let them in and since, believe it until they are members.
    until: Option<(Instant, Option<LogId>)>,
}

/// The state, in memory and on disk.
pub(super) struct Kept {
    database: Arc<Database>,
    now: ArcSwap<State>,
    /// This server's number in its log.
    id: u64,
    introduced: ArcSwap<Introduced>,
    /// Told when members or those who were let in are others.
    members_moved: watch::Sender<()>,
    /// The last entry that was there already.
    last_at_start: u64,
    /// Whether an entry cannot be applied, for a reason of this host's.
    stuck: AtomicBool,
    /// Told when there are other accounts.
    accounts_moved: watch::Sender<()>,
    /// See [`accounts::OfCluster`].
    old_names: ArcSwap<BTreeSet<String>>,
    /// Has what could not be made be tried again at once.
    pub(super) try_again: Notify,
}

impl Kept {
    /// What was kept. Blocks.
    pub(super) fn open(
        database: Arc<Database>,
        id: u64,
        introduced: Vec<Member>,
    ) -> io::Result<Self> {
        let state: State = database.get(STATE)?.unwrap_or_default();
        let last: Option<Entry<Types>> = database.last()?;
        let last_at_start = last.map_or(0, |entry| entry.log_id.index);
        let introduced = Introduced { members: introduced, until: None };
        let introduced = ArcSwap::from_pointee(introduced);
        let now = ArcSwap::from_pointee(state);
        let (stuck, members_moved, accounts_moved, old_names, try_again) = Default::default();
        Ok(Self {
            database,
            now,
            id,
            introduced,
            members_moved,
            last_at_start,
            stuck,
            accounts_moved,
            old_names,
            try_again,
        })
    }

    /// As it is after a restart that has found this state, and a log to this index.
    #[cfg(test)]
    pub(super) fn restarted(&self, state: Arc<State>, last_at_start: u64) -> Self {
        let (database, now) = (self.database.clone(), ArcSwap::new(state));
        let (introduced, stuck, members_moved) = Default::default();
        let (accounts_moved, old_names, try_again) = Default::default();
        let id = self.id;
        Self {
            database,
            now,
            id,
            introduced,
            members_moved,
            last_at_start,
            stuck,
            accounts_moved,
            old_names,
            try_again,
        }
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

    /// Members, or those who were let in, are others.
    pub(super) fn tell_members_moved(&self) {
        self.members_moved.send_replace(());
    }

    /// Told when they are.
    pub(super) fn members_moved(&self) -> watch::Receiver<()> {
        self.members_moved.subscribe()
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
        let now = self.now.load();
        if before.accounts != now.accounts {
            self.accounts_moved.send_replace(());
        }
        if before.membership != now.membership || before.roster != now.roster {
            self.tell_members_moved();
        }
    }

    /// See [`accounts::OfCluster`].
    pub(super) fn old_names(&self) -> BTreeSet<String> {
        (**self.old_names.load()).clone()
    }

    /// Takes up which these are: those in the file when this server became a member, which are told,
    /// but for those that have been accounts of the cluster since. Blocks.
    pub(super) fn keep_old_names(&self, in_file: BTreeSet<String>) -> io::Result<()> {
        let known: Option<BTreeSet<String>> = self.database.get(OLD_NAMES)?;
        let mut names = known.clone().unwrap_or(in_file);
        names.retain(|name| !self.now.load().accounts.contains_key(name));
        if known.as_ref() != Some(&names) {
            self.database.put(&[fact(OLD_NAMES, &names)?]);
        }
        self.old_names.store(Arc::new(names));
        Ok(())
    }

    /// Tells when there are other accounts.
    pub(super) fn accounts_moved(&self) -> watch::Receiver<()> {
        self.accounts_moved.subscribe()
    }

    /// Entries of the log that have not been made here, as far as is known: those at its end may never
    /// be. Blocks.
    pub(super) fn later_entries(&self) -> io::Result<Vec<Entry<Types>>> {
        let applied = self.now().applied.map_or(0, |id| id.index);
        self.database.entries(applied + 1..)
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
        let mut known: Vec<Member> =
            state.membership.nodes().map(|(_, node)| node.clone()).collect();
        if !is_in(self.id, &state.membership) {
            let introduced = self.introduced.load();
            known.retain(|old| introduced.members.iter().all(|new| new.key != old.key));
            known.extend(introduced.members.iter().cloned());
        }
        known
    }

    /// A member has told this server, which is none yet, who the members are: any of them may lead by
    /// now, and fill it.
    pub(super) fn introduce(&self, members: Vec<Member>) {
        self.introduced.store(Arc::new(Introduced { members, until: None }));
    }

    /// Members have told this one, whose newest membership stands at `newest`, who the members are by
    /// now. It believes that until its own log goes on.
    pub(super) fn introduce_until(
        &self,
        end: Instant,
        newest: Option<LogId>,
        members: Vec<Member>,
    ) {
        let until = Some((end, newest));
        self.introduced.store(Arc::new(Introduced { members, until }));
    }

    /// The member with this key of which this server was told, while its newest membership is this
    /// one.
    pub(super) fn introduced(&self, key: &str, newest: &Membership) -> Option<Member> {
        let introduced = self.introduced.load();
        let counts = match introduced.until {
            None => !self.is_member(),
            Some((end, at)) => at == *newest.log_id() && Instant::now() < end,
        };
        introduced.members.iter().find(|member| counts && member.key == key).cloned()
    }

    /// Whether this server is a member, as far as has been applied.
    pub(super) fn is_member(&self) -> bool {
        is_in(self.id, &self.now.load().membership)
    }
}

fn is_in(id: u64, membership: &Membership) -> bool {
    membership.membership().get_node(&id).is_some()
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Kept").field(&self.now.load()).finish()
    }
}

//! The log of this member and what it has made of it, on disk.

use std::collections::BTreeMap;
use std::ops::{Bound, RangeBounds};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use std::{io, thread};

use redb::Error;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::journal::{Found, Journal};
use super::opening::{self, WRITTEN};
use super::raft::LogId;
use super::record::{Named, Record};
use super::{ends, sealed, tables};

/// What this member is, beside its log.
pub(super) const SELF: &str = "self";
/// For whom this member has voted.
pub(super) const VOTE: &str = "vote";
/// The facts that make up the member: no record is without them.
pub(super) const STANDING: [&str; 2] = [SELF, VOTE];
/// How long to wait before what the disk has refused is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// Facts by name.
type Soon = BTreeMap<&'static str, Vec<u8>>;

/// One file, and the journal beside it. A write is on the disk in both when it returns, unless it says
/// otherwise. What the disk refuses is tried until it does not: openraft would never go on after a
/// failure, and a full disk is mended some time. Blocks.
pub(super) struct Database {
    path: PathBuf,
    /// None while it could not be opened again.
    open: RwLock<Option<redb::Database>>,
    /// Facts that go to the disk with whatever is written next.
    soon: Mutex<Soon>,
    /// Held by the one who writes.
    turn: Mutex<Turn>,
    /// The number of the last write that is on the disk.
    written: AtomicU64,
}

/// What the next write follows.
struct Turn {
    journal: Journal,
    number: u64,
    last: Option<LogId>,
    standing: Vec<Named>,
}

/// A name and its value in JSON.
pub(super) type Fact<'a> = (&'a str, Vec<u8>);

/// A fact to be written.
pub(super) fn fact<'a>(name: &'a str, value: &impl Serialize) -> io::Result<Fact<'a>> {
    Ok((name, serde_json::to_vec(value)?))
}

/// What a write does to the entries.
#[derive(Clone, Copy)]
pub(super) enum Change<'a> {
    /// Nothing.
    None,
    /// These come behind the others.
    Append(&'a [(u64, Vec<u8>)]),
    /// Those from here to there go.
    Remove(u64, u64),
}

impl Database {
    /// Opens the file or makes it. One that is damaged is a failure of the kind `InvalidData`.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        opening::open(path)
    }

    /// What has been opened, and what is in the journal beside it.
    pub(super) fn new(path: &Path, open: redb::Database, found: &Found) -> io::Result<Self> {
        let standing = STANDING.iter().filter_map(|name| {
            let value = tables::fact(&open, name).transpose()?;
            Some(value.map(|value| ((*name).to_owned(), value)))
        });
        let standing = standing.collect::<Result<_, Error>>().map_err(io::Error::other)?;
        let number = opening::number(&open).map_err(io::Error::other)?;
        let number = found.records.last().map_or(0, |record| record.number).max(number);
        let last = ends::of_database(&open).map_err(io::Error::other)?;
        let turn = Turn { journal: Journal::start(path, found)?, number, last, standing };
        let this = Self {
            path: path.to_owned(),
            open: RwLock::new(Some(open)),
            soon: Mutex::default(),
            turn: Mutex::new(turn),
            written: number.into(),
        };
        // The journal tells at any time how far this member has come.
        this.put(&[]);
        Ok(this)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A fact.
    pub(super) fn get<T: DeserializeOwned>(&self, name: &str) -> io::Result<Option<T>> {
        if let Some(value) = self.soon().get(name) {
            return Ok(Some(serde_json::from_slice(value)?));
        }
        let value = self.again(|database| tables::fact(database, name));
        value.map(|value| Ok(serde_json::from_slice(&value)?)).transpose()
    }

    /// A fact that is to be written with whatever is written next: before that, only this process
    /// knows it.
    pub(super) fn put_soon(&self, (name, value): Fact<'static>) {
        self.soon().insert(name, value);
    }

    /// Writes facts, all or none.
    pub(super) fn put(&self, facts: &[Fact<'_>]) {
        self.write(Change::None, facts);
    }

    /// Writes entries behind the others.
    pub(super) fn append(&self, entries: &[(u64, Vec<u8>)]) {
        self.write(Change::Append(entries), &[]);
    }

    /// Writes what was to be written with something else.
    pub(super) fn flush(&self) {
        if !self.soon().is_empty() {
            self.put(&[]);
        }
    }

    /// Changes the entries, and writes facts with it.
    fn write(&self, change: Change<'_>, facts: &[Fact<'_>]) {
        let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let number = turn.begin(change, facts);
        let written = number.to_string().into_bytes();
        self.again(|database| {
            let soon = std::mem::take(&mut *self.soon());
            let facts = facts.iter().map(|(name, value)| (*name, value.as_slice()));
            let first = soon.iter().map(|(name, value)| (*name, value.as_slice()));
            let all = first.chain(facts).chain([(WRITTEN, written.as_slice())]);
            let done = tables::write(database, change, all);
            if done.is_err() {
                let mut later = self.soon();
                soon.into_iter().for_each(|(name, value)| _ = later.entry(name).or_insert(value));
            }
            done
        });
        turn.journal.wait(number);
        self.written.store(number, Ordering::Relaxed);
    }

    /// The entries of a range, in order. Fails if one of them is not what was written.
    pub(super) fn entries<T: DeserializeOwned>(
        &self,
        range: impl RangeBounds<u64>,
    ) -> io::Result<Vec<T>> {
        let range = (range.start_bound().cloned(), range.end_bound().cloned());
        let found = self.again(|database| tables::entries(database, range));
        found.iter().map(|entry| self.whole(entry)).collect()
    }

    /// The last entry.
    pub(super) fn last<T: DeserializeOwned>(&self) -> io::Result<Option<T>> {
        self.again(tables::last).map(|(_, entry)| self.whole(&entry)).transpose()
    }

    fn whole<T: DeserializeOwned>(&self, entry: &[u8]) -> io::Result<T> {
        let read = sealed::check(entry).and_then(|()| Ok(serde_json::from_slice(entry)?));
        read.map_err(|error| {
            let path = self.path.display();
            io::Error::new(error.kind(), format!("the cluster's log in {path} is damaged: {error}"))
        })
    }

    /// Removes the entries of a range, and writes facts with it.
    pub(super) fn remove(&self, range: impl RangeBounds<u64>, facts: &[Fact<'_>]) {
        let from = match range.start_bound() {
            Bound::Included(from) => *from,
            Bound::Excluded(before) => before + 1,
            Bound::Unbounded => 0,
        };
        let to = match range.end_bound() {
            Bound::Included(to) => *to,
            Bound::Excluded(end) => end.saturating_sub(1),
            Bound::Unbounded => u64::MAX,
        };
        self.write(Change::Remove(from, to), facts);
    }

    fn soon(&self) -> MutexGuard<'_, Soon> {
        // Values are replaced as wholes.
        self.soon.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn again<T>(&self, work: impl Fn(&redb::Database) -> Result<T, Error>) -> T {
        let mut told = false;
        loop {
            let error = match &*self.open.read().unwrap_or_else(PoisonError::into_inner) {
                Some(database) => match work(database) {
                    Ok(done) => return done,
                    Err(error) => error,
                },
                None => Error::DatabaseClosed,
            };
            if !std::mem::replace(&mut told, true) {
                tracing::error!(
                    "the cluster's log in {} cannot be used, and this server takes no part until it can: {error}; is the disk full?",
                    self.path.display(),
                );
            }
            thread::sleep(PAUSE);
            self.open_again();
        }
    }

    /// After a failure redb does nothing more with a file that is open.
    fn open_again(&self) {
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        *open = None;
        let written = self.written.load(Ordering::Relaxed);
        *open = opening::open_again(&self.path, written).ok();
    }
}

impl Turn {
    /// Has the journal have a write, and returns its number.
    fn begin(&mut self, change: Change<'_>, facts: &[Fact<'_>]) -> u64 {
        self.number += 1;
        self.last = self.last.max(ends::of_write(change, facts));
        for (name, value) in facts.iter().filter(|(name, _)| STANDING.contains(name)) {
            self.standing.retain(|(known, _)| known != name);
            self.standing.push(((*name).to_owned(), value.clone()));
        }
        let head = (self.number, self.last);
        self.journal.begin(Record::new(head, change, facts, &self.standing));
        self.number
    }
}

#[cfg(test)]
mod tests {
    use redb::WriteTransaction;

    use super::*;

    impl Database {
        /// Nobody else writes while what this returns is there.
        pub(in crate::replication) fn keep_from_writing(&self) -> WriteTransaction {
            let open = self.open.read().unwrap();
            open.as_ref().unwrap().begin_write().unwrap()
        }
    }

    #[test]
    fn what_is_to_be_written_soon_goes_with_what_is_written_next() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let database = Database::open(&path).unwrap();
        database.put_soon(fact("state", &1).unwrap());
        assert_eq!(database.get("state").unwrap(), Some(1));
        database.append(&[(7, b"7".to_vec())]);
        database.put_soon(fact("state", &2).unwrap());
        assert_eq!(database.get("state").unwrap(), Some(2));
        drop(database);
        let database = Database::open(&path).unwrap();
        assert_eq!(database.get("state").unwrap(), Some(1));
        database.put_soon(fact("state", &3).unwrap());
        database.flush();
        drop(database);
        assert_eq!(Database::open(&path).unwrap().get("state").unwrap(), Some(3));
    }

    #[test]
    fn what_is_written_now_is_newer_than_what_was_to_be_written_soon() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let database = Database::open(&path).unwrap();
        database.put_soon(fact("state", &1).unwrap());
        database.put(&[fact("state", &2).unwrap()]);
        assert_eq!(database.get("state").unwrap(), Some(2));
        drop(database);
        assert_eq!(Database::open(&path).unwrap().get("state").unwrap(), Some(2));
    }

    #[test]
    fn an_entry_that_has_changed_is_never_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let database = Database::open(&path).unwrap();
        database.append(&[(1, br#"{"value":"some"}"#.to_vec()), (2, br#"{"value":"x"}"#.to_vec())]);
        let mut changed = sealed::seal(br#"{"value":"some"}"#);
        changed[12] ^= 1;
        tables::put_as_it_is(database.open.read().unwrap().as_ref().unwrap(), 1, &changed);
        let error = database.entries::<serde_json::Value>(1..2).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(database.entries::<serde_json::Value>(2..).unwrap().len(), 1);
        drop(database);
        assert_eq!(Database::open(&path).err().unwrap().kind(), io::ErrorKind::InvalidData);
    }
}

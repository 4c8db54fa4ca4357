//! One file with the log of this member and what it has made of it.

use std::collections::BTreeMap;
use std::ops::RangeBounds;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use std::{io, thread};

use redb::{Error, ReadableDatabase, ReadableTable, Table, TableDefinition, WriteTransaction};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Entries by index, as JSON.
const LOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");
/// Everything else by name, as JSON.
const FACTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("facts");
/// How long to wait before what the disk has refused is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// Facts by name.
type Soon = BTreeMap<&'static str, Vec<u8>>;

/// The table of entries while it is changed.
type Log<'a> = Table<'a, u64, &'static [u8]>;

/// The file. A write is on the disk when it returns, unless it says otherwise. What the disk refuses
/// is tried until it does not: openraft would never go on after a failure, and a full disk is mended
/// some time. Blocks.
pub(super) struct Database {
    path: PathBuf,
    /// None while it could not be opened again.
    open: RwLock<Option<redb::Database>>,
    /// Facts that go to the disk with whatever is written next.
    soon: Mutex<Soon>,
}

/// A name and its value in JSON.
pub(super) type Fact<'a> = (&'a str, Vec<u8>);

/// A fact to be written.
pub(super) fn fact<'a>(name: &'a str, value: &impl Serialize) -> io::Result<Fact<'a>> {
    Ok((name, serde_json::to_vec(value)?))
}

impl Database {
    /// Opens the file or makes it.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let open = RwLock::new(Some(open(path).map_err(io::Error::other)?));
        Ok(Self { path: path.to_owned(), open, soon: Mutex::default() })
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
        let value = self.again(|database| {
            let facts = database.begin_read()?.open_table(FACTS)?;
            Ok(facts.get(name)?.map(|value| value.value().to_vec()))
        });
        value.map(|value| Ok(serde_json::from_slice(&value)?)).transpose()
    }

    /// A fact that is to be written with whatever is written next: before that, only this process
    /// knows it.
    pub(super) fn put_soon(&self, (name, value): Fact<'static>) {
        self.soon().insert(name, value);
    }

    /// Writes facts, all or none.
    pub(super) fn put(&self, facts: &[Fact<'_>]) {
        self.write(|_| Ok(()), facts);
    }

    /// Writes entries behind the others.
    pub(super) fn append(&self, entries: &[(u64, Vec<u8>)]) {
        let append = |log: &mut Log<'_>| {
            for (index, entry) in entries {
                log.insert(index, entry.as_slice())?;
            }
            Ok(())
        };
        self.write(append, &[]);
    }

    /// Writes what was to be written with something else.
    pub(super) fn flush(&self) {
        if !self.soon().is_empty() {
            self.put(&[]);
        }
    }

    /// Changes the entries, and writes facts with it.
    fn write(&self, change: impl Fn(&mut Log<'_>) -> Result<(), Error>, facts: &[Fact<'_>]) {
        self.again(|database| {
            let write = database.begin_write()?;
            // Not before: nobody else writes now, so nothing that is older can follow.
            let soon = std::mem::take(&mut *self.soon());
            let written = fill(write, &change, &soon, facts);
            if written.is_err() {
                let mut later = self.soon();
                soon.into_iter().for_each(|(name, value)| _ = later.entry(name).or_insert(value));
            }
            written
        });
    }

    /// The entries of a range, in order.
    pub(super) fn entries<T: DeserializeOwned>(
        &self,
        range: impl RangeBounds<u64>,
    ) -> io::Result<Vec<T>> {
        let range = (range.start_bound().cloned(), range.end_bound().cloned());
        let found = self.again(|database| {
            let log = database.begin_read()?.open_table(LOG)?;
            let entries = log.range::<u64>(range)?;
            entries.map(|entry| Ok(entry?.1.value().to_vec())).collect::<Result<Vec<_>, Error>>()
        });
        found.iter().map(|entry| Ok(serde_json::from_slice(entry)?)).collect()
    }

    /// The last entry.
    pub(super) fn last<T: DeserializeOwned>(&self) -> io::Result<Option<T>> {
        let last = self.again(|database| {
            let log = database.begin_read()?.open_table(LOG)?;
            Ok(log.last()?.map(|(_, entry)| entry.value().to_vec()))
        });
        last.map(|entry| Ok(serde_json::from_slice(&entry)?)).transpose()
    }

    /// Removes the entries of a range, and writes facts with it.
    pub(super) fn remove(&self, range: impl RangeBounds<u64>, facts: &[Fact<'_>]) {
        let range = (range.start_bound().cloned(), range.end_bound().cloned());
        self.write(|log| Ok(log.retain_in::<u64, _>(range, |_, _| false)?), facts);
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
        let mut open_file = self.open.write().unwrap_or_else(PoisonError::into_inner);
        *open_file = None;
        *open_file = open(&self.path).ok();
    }
}

fn fill(
    write: WriteTransaction,
    change: impl Fn(&mut Log<'_>) -> Result<(), Error>,
    soon: &Soon,
    facts: &[Fact<'_>],
) -> Result<(), Error> {
    change(&mut write.open_table(LOG)?)?;
    let mut table = write.open_table(FACTS)?;
    for (name, value) in soon.iter().chain(facts.iter().map(|(name, value)| (name, value))) {
        table.insert(*name, value.as_slice())?;
    }
    drop(table);
    Ok(write.commit()?)
}

fn open(path: &Path) -> Result<redb::Database, Error> {
    let database = redb::Database::create(path)?;
    let made = database.begin_write()?;
    made.open_table(LOG)?;
    made.open_table(FACTS)?;
    made.commit()?;
    Ok(database)
}

#[cfg(test)]
mod tests {
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
}

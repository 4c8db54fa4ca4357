//! One file with the log of this member and what it has made of it.

use std::ops::RangeBounds;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;
use std::{io, thread};

use redb::{Durability, Error, ReadableDatabase, ReadableTable, TableDefinition};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Entries by index, as JSON.
const LOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");
/// Everything else by name, as JSON.
const FACTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("facts");
/// How long to wait before what the disk has refused is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// The file. A write is on the disk when it returns, unless it says otherwise. What the disk refuses
/// is tried until it does not: openraft would never go on after a failure, and a full disk is mended
/// some time. Blocks.
pub(super) struct Database {
    path: PathBuf,
    /// None while it could not be opened again.
    open: RwLock<Option<redb::Database>>,
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
        Ok(Self { path: path.to_owned(), open })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A fact.
    pub(super) fn get<T: DeserializeOwned>(&self, name: &str) -> io::Result<Option<T>> {
        let value = self.again(|database| {
            let facts = database.begin_read()?.open_table(FACTS)?;
            Ok(facts.get(name)?.map(|value| value.value().to_vec()))
        });
        value.map(|value| Ok(serde_json::from_slice(&value)?)).transpose()
    }

    /// Writes facts, all or none. They are on the disk when something else that was written later is.
    pub(super) fn put_soon(&self, facts: &[Fact<'_>]) {
        self.put_with(facts, Durability::None);
    }

    /// Writes facts, all or none.
    pub(super) fn put(&self, facts: &[Fact<'_>]) {
        self.put_with(facts, Durability::Immediate);
    }

    fn put_with(&self, facts: &[Fact<'_>], durability: Durability) {
        self.again(|database| {
            let mut write = database.begin_write()?;
            write.set_durability(durability)?;
            let mut table = write.open_table(FACTS)?;
            for (name, value) in facts {
                table.insert(*name, value.as_slice())?;
            }
            drop(table);
            Ok(write.commit()?)
        });
    }

    /// Writes entries behind the others.
    pub(super) fn append(&self, entries: &[(u64, Vec<u8>)]) {
        self.again(|database| {
            let write = database.begin_write()?;
            let mut log = write.open_table(LOG)?;
            for (index, entry) in entries {
                log.insert(index, entry.as_slice())?;
            }
            drop(log);
            Ok(write.commit()?)
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
        self.again(|database| {
            let write = database.begin_write()?;
            let mut log = write.open_table(LOG)?;
            log.retain_in::<u64, _>(range, |_, _| false)?;
            drop(log);
            let mut table = write.open_table(FACTS)?;
            for (name, value) in facts {
                table.insert(*name, value.as_slice())?;
            }
            drop(table);
            Ok(write.commit()?)
        });
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

fn open(path: &Path) -> Result<redb::Database, Error> {
    let database = redb::Database::create(path)?;
    let made = database.begin_write()?;
    made.open_table(LOG)?;
    made.open_table(FACTS)?;
    made.commit()?;
    Ok(database)
}

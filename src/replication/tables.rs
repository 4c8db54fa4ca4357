//! What lies in the database of the log: the entries, and facts by name.

use std::ops::RangeBounds;
use std::path::Path;

use redb::{Builder, Database, Error, ReadableDatabase, ReadableTable, TableDefinition};

use super::database::Change;
use super::sealed;

/// Entries by index, as JSON with a checksum.
const LOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");
/// Everything else by name, as JSON.
const FACTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("facts");

/// Opens the file or makes it. All of it is read and compared with its checksums: one that is damaged
/// is `Error::Corrupted`, unless the state before the last write is whole, which is then taken for the
/// last one.
pub(super) fn open(path: &Path) -> Result<Database, Error> {
    let database = Builder::new().set_check_integrity_on_open(true).create(path)?;
    let made = database.begin_write()?;
    made.open_table(LOG)?;
    made.open_table(FACTS)?;
    made.commit()?;
    check(&database)?;
    Ok(database)
}

/// Entries follow each other, and are what was written.
fn check(database: &Database) -> Result<(), Error> {
    let log = database.begin_read()?.open_table(LOG)?;
    let mut next = None;
    for entry in log.iter()? {
        let (index, entry) = entry?;
        let index = index.value();
        let follows = next.replace(index + 1).is_none_or(|next| next == index);
        if !follows || sealed::check(entry.value()).is_err() {
            return Err(Error::Corrupted(format!("entry {index} is not what was written")));
        }
    }
    Ok(())
}

/// Changes the entries and writes facts, all or nothing.
pub(super) fn write<'a>(
    database: &Database,
    change: Change<'_>,
    facts: impl Iterator<Item = (&'a str, &'a [u8])>,
) -> Result<(), Error> {
    let write = database.begin_write()?;
    let mut log = write.open_table(LOG)?;
    match change {
        Change::None => {}
        Change::Append(entries) => {
            for (index, entry) in entries {
                log.insert(index, sealed::seal(entry).as_slice())?;
            }
        }
        Change::Remove(from, to) => log.retain_in::<u64, _>(from..=to, |_, _| false)?,
    }
    drop(log);
    let mut table = write.open_table(FACTS)?;
    for (name, value) in facts {
        table.insert(name, value)?;
    }
    drop(table);
    Ok(write.commit()?)
}

/// A fact.
pub(super) fn fact(database: &Database, name: &str) -> Result<Option<Vec<u8>>, Error> {
    let facts = database.begin_read()?.open_table(FACTS)?;
    Ok(facts.get(name)?.map(|value| value.value().to_vec()))
}

/// The entries of a range, in order.
pub(super) fn entries(
    database: &Database,
    range: impl RangeBounds<u64>,
) -> Result<Vec<Vec<u8>>, Error> {
    let log = database.begin_read()?.open_table(LOG)?;
    let entries = log.range::<u64>(range)?;
    entries.map(|entry| Ok(entry?.1.value().to_vec())).collect()
}

/// The last entry, and its index.
pub(super) fn last(database: &Database) -> Result<Option<(u64, Vec<u8>)>, Error> {
    let log = database.begin_read()?.open_table(LOG)?;
    Ok(log.last()?.map(|(index, entry)| (index.value(), entry.value().to_vec())))
}

/// Has an entry be something else than what is written, as no write does.
#[cfg(test)]
pub(super) fn put_as_it_is(database: &Database, index: u64, entry: &[u8]) {
    let write = database.begin_write().unwrap();
    write.open_table(LOG).unwrap().insert(index, entry).unwrap();
    write.commit().unwrap();
}

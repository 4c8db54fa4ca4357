//! How far a log goes.

use redb::{Database, Error};
use serde::Deserialize;

use super::database::{Change, Fact};
use super::log_store::PURGED;
use super::old_copy::LOST;
use super::raft::LogId;
use super::state::STATE;
use super::tables;

/// Of an entry.
#[derive(Deserialize)]
struct Numbered {
    log_id: LogId,
}

/// Of the state.
#[derive(Deserialize)]
struct Made {
    applied: Option<LogId>,
}

/// The end of what is written.
pub(super) fn of_write(change: Change<'_>, facts: &[Fact<'_>]) -> Option<LogId> {
    let last = match change {
        Change::Append(entries) => entries.last().and_then(|(_, entry)| of_entry(entry)),
        _ => None,
    };
    facts.iter().map(|(name, value)| of_fact(name, value)).fold(last, Option::max)
}

/// The end of what has ever been in a database, as far as that can be seen.
pub(super) fn of_database(database: &Database) -> Result<Option<LogId>, Error> {
    let last = tables::last(database)?.and_then(|(_, entry)| of_entry(&entry));
    [PURGED, STATE, LOST].into_iter().try_fold(last, |last, name| {
        let value = tables::fact(database, name)?;
        Ok(last.max(value.and_then(|value| of_fact(name, &value))))
    })
}

/// The last entry that has been made, by the state in a database.
pub(super) fn made(database: &Database) -> Result<Option<LogId>, Error> {
    Ok(tables::fact(database, STATE)?.and_then(|value| of_fact(STATE, &value)))
}

fn of_entry(entry: &[u8]) -> Option<LogId> {
    Some(serde_json::from_slice::<Numbered>(entry).ok()?.log_id)
}

fn of_fact(name: &str, value: &[u8]) -> Option<LogId> {
    match name {
        PURGED | LOST => serde_json::from_slice(value).ok()?,
        STATE => serde_json::from_slice::<Made>(value).ok()?.applied,
        _ => None,
    }
}

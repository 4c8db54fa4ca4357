//! When the majority is lost for good: one survivor goes on alone.

use std::path::PathBuf;
use std::{fs, io};

use openraft::{Entry, RaftLogId};

use super::database::Database;
use super::journal;
use super::old_copy::LOST;
use super::raft::{LogId, Types};
use super::sharing::with_noted;
use super::state::State;
use crate::accounts;
use crate::layout::Layout;

/// What became of it.
pub struct Recovered {
    /// Entries at the end of the log of which it is not known whether they have been made here: what
    /// has not is lost, if it had been acknowledged at all. None if the log is damaged: nobody knows.
    pub not_made: Option<u64>,
    /// Where the cluster's log is now.
    pub kept: PathBuf,
}

/// Makes this server one that stands alone, with all it has. It must not be running. None if it is
/// no member.
pub fn recover(layout: &Layout) -> io::Result<Option<Recovered>> {
    let log = layout.cluster_log();
    if !log.exists() && !journal::Found::read(&log)?.is_used() {
        return Ok(None);
    }
    let not_made = match Database::open(&log) {
        Ok(database) => {
            let state: State = database.get(super::state::STATE)?.unwrap_or_default();
            leave_accounts(layout, &state).map_err(io::Error::other)?;
            not_made(&database, &state)?
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidData => None,
        Err(error) => return Err(error),
    };
    let name = |n: u32| layout.cluster().with_added_extension(format!("before-recovery-{n}"));
    let kept = (1..).map(name).find(|path| !path.exists());
    let kept = kept.ok_or_else(|| io::Error::other("there is no name left"))?;
    fs::rename(layout.cluster(), &kept)?;
    Ok(Some(Recovered { not_made, kept }))
}

/// The file of accounts is a copy of what the cluster had, and may be damaged.
fn leave_accounts(layout: &Layout, state: &State) -> Result<(), accounts::Error> {
    let file = accounts::File::of(layout);
    let locked = file.lock()?;
    let noted = file.noted()?;
    if !state.accounts.is_empty() {
        locked.write(&with_noted(state, &noted))?;
    }
    locked.forget(&noted)
}

fn not_made(database: &Database, state: &State) -> io::Result<Option<u64>> {
    if database.get::<Option<LogId>>(LOST)?.flatten().is_some() {
        return Ok(None);
    }
    let last: Option<Entry<Types>> = database.last()?;
    let last = last.map_or(0, |entry| entry.get_log_id().index);
    Ok(Some(last.saturating_sub(state.applied.map_or(0, |id| id.index))))
}

//! The log of this member, as openraft keeps one.

use std::collections::HashSet;
use std::fmt::Debug;
use std::io;
use std::ops::RangeBounds;
use std::sync::Arc;

use openraft::storage::{LogFlushed, RaftLogStorage};
use openraft::{
    Entry, EntryPayload, ErrorSubject, ErrorVerb, LogState, OptionalSend, RaftLogId, RaftLogReader,
    Vote,
};
use tokio::task;

use super::database::{Database, fact};
use super::raft::{LogId, StorageError, Types};
use crate::repository::Inbox;

pub(super) const VOTE: &str = "vote";
const PURGED: &str = "purged";

/// The entries, the vote, and how far they are committed.
#[derive(Clone)]
pub(super) struct LogStore {
    database: Arc<Database>,
    inbox: Arc<Inbox>,
}

impl LogStore {
    /// Packs in `inbox` are kept for as long as the entries that name them.
    pub(super) fn new(database: Arc<Database>, inbox: Arc<Inbox>) -> Self {
        Self { database, inbox }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        subject: ErrorSubject<u64>,
        verb: ErrorVerb,
        work: impl FnOnce(&Self) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StorageError> {
        let this = self.clone();
        let done = task::spawn_blocking(move || work(&this)).await.map_err(io::Error::other);
        done.flatten().map_err(|error| StorageError::from_io_error(subject, verb, error))
    }
}

impl RaftLogReader<Types> for LogStore {
    async fn try_get_log_entries<R: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: R,
    ) -> Result<Vec<Entry<Types>>, StorageError> {
        let range = (range.start_bound().cloned(), range.end_bound().cloned());
        self.blocking(ErrorSubject::Logs, ErrorVerb::Read, move |this| this.database.entries(range))
            .await
    }
}

impl RaftLogStorage<Types> for LogStore {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> Result<LogState<Types>, StorageError> {
        self.blocking(ErrorSubject::Logs, ErrorVerb::Read, |this| {
            let last_purged_log_id = this.database.get(PURGED)?;
            Ok(LogState { last_purged_log_id, last_log_id: last_log_id(&this.database)? })
        })
        .await
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote<u64>) -> Result<(), StorageError> {
        let vote = *vote;
        self.blocking(ErrorSubject::Vote, ErrorVerb::Write, move |this| {
            this.database.put(&[fact(VOTE, &vote)?]);
            Ok(())
        })
        .await
    }

    async fn read_vote(&mut self) -> Result<Option<Vote<u64>>, StorageError> {
        self.blocking(ErrorSubject::Vote, ErrorVerb::Read, |this| this.database.get(VOTE)).await
    }

    async fn append<I>(
        &mut self,
        entries: I,
        flushed: LogFlushed<Types>,
    ) -> Result<(), StorageError>
    where
        I: IntoIterator<Item = Entry<Types>> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let written = |entry: Entry<Types>| Ok((entry.log_id.index, serde_json::to_vec(&entry)?));
        let entries: io::Result<Vec<_>> = entries.into_iter().map(written).collect();
        self.blocking(ErrorSubject::Logs, ErrorVerb::Write, move |this| {
            this.database.append(&entries?);
            Ok(())
        })
        .await?;
        flushed.log_io_completed(Ok(()));
        Ok(())
    }

    async fn truncate(&mut self, log_id: LogId) -> Result<(), StorageError> {
        self.blocking(ErrorSubject::Log(log_id), ErrorVerb::Delete, move |this| {
            this.database.remove(log_id.index.., &[]);
            Ok(())
        })
        .await
    }

    async fn purge(&mut self, log_id: LogId) -> Result<(), StorageError> {
        self.blocking(ErrorSubject::Log(log_id), ErrorVerb::Delete, move |this| {
            let purged: Vec<Entry<Types>> = this.database.entries(..=log_id.index)?;
            this.database.remove(..=log_id.index, &[fact(PURGED, &Some(log_id))?]);
            // The same may have been pushed again.
            let kept: Vec<Entry<Types>> = this.database.entries(..)?;
            let named = packs(&kept);
            let unnamed: HashSet<&str> = packs(&purged).difference(&named).copied().collect();
            // A pack that stays takes room, no more.
            let _ = this.inbox.remove(|pack| unnamed.contains(pack));
            Ok(())
        })
        .await
    }
}

/// The end of the log.
pub(super) fn last_log_id(database: &Database) -> io::Result<Option<LogId>> {
    let last: Option<Entry<Types>> = database.last()?;
    match last {
        Some(entry) => Ok(Some(*entry.get_log_id())),
        None => database.get(PURGED),
    }
}

/// The packs that entries name.
pub(super) fn packs(entries: &[Entry<Types>]) -> HashSet<&str> {
    let packs = entries.iter().filter_map(|entry| match &entry.payload {
        EntryPayload::Normal(proposal) => proposal.pack(),
        _ => None,
    });
    packs.collect()
}

#[cfg(test)]
mod tests {
    use openraft::CommittedLeaderId;
    use openraft::storage::RaftLogStorageExt;
    use openraft::testing::StoreBuilder;

    use super::*;
    use crate::replication::change::{Change, Proposal};
    use crate::replication::suite::Builder;
    use crate::repository::{self, Author, Move};

    const PACK: &str = "0123456789abcdef0123456789abcdef01234567";

    fn log_id(index: u64) -> LogId {
        LogId::new(CommittedLeaderId::new(1, 1), index)
    }

    fn push_of_the_pack(index: u64) -> Entry<Types> {
        let change = Move { updates: Vec::new(), pack: Some(PACK.into()) };
        let entry = repository::Entry {
            subcluster: "default".into(),
            change: repository::Change::Move(change),
            author: Author { who: "admin".into(), from: "localhost".into(), when: 0 },
        };
        let proposal = Proposal::new(Change::Subcluster {
            entry,
            through: "m0".into(),
            small: None,
            ticket: 0,
        });
        Entry { log_id: log_id(index), payload: EntryPayload::Normal(proposal) }
    }

    #[tokio::test]
    async fn a_pack_stays_until_the_last_entry_that_names_it_is_purged() {
        let (dir, mut log, machine) = Builder.build().await.unwrap();
        let inbox = dir.path().join("repo/.inbox");
        for ending in ["idx", "pack"] {
            std::fs::write(inbox.join(format!("{PACK}-1-100.{ending}")), "").unwrap();
        }
        log.blocking_append([push_of_the_pack(1), push_of_the_pack(2)]).await.unwrap();
        log.purge(log_id(1)).await.unwrap();
        assert!(machine.inbox.find(PACK).is_some());
        log.purge(log_id(2)).await.unwrap();
        assert!(machine.inbox.find(PACK).is_none());
    }
}

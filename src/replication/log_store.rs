//! The log of this member, as openraft keeps one.

use std::collections::HashSet;
use std::fmt::Debug;
use std::io;
use std::ops::RangeBounds;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use openraft::storage::{LogFlushed, RaftLogStorage};
use openraft::{
    Entry, EntryPayload, ErrorSubject, ErrorVerb, LogState, OptionalSend, RaftLogId, RaftLogReader,
    Vote,
};
use tokio::task;

use super::database::{Database, VOTE, fact};
use super::raft::{LogId, StorageError, Types};
use super::recent::Recent;
use super::unwritten::{MOST, Unwritten, Written};
use crate::repository::{Inbox, SmallPack};

pub(super) const PURGED: &str = "purged";
/// Bytes of packs in the entries that are sent at a time.
const SENT_AT_ONCE: usize = 64 << 10;

/// The entries, the vote, and how far they are committed.
#[derive(Clone)]
pub(super) struct LogStore {
    database: Arc<Database>,
    recent: Arc<Mutex<Recent>>,
    unwritten: Arc<Unwritten>,
    /// This member's number, and the vote it has written down.
    id: u64,
    vote: Arc<Mutex<Option<Vote<u64>>>>,
    inbox: Arc<Inbox>,
}

impl LogStore {
    /// The log of the member `id`. Packs in `inbox` are kept for as long as the entries that name
    /// them.
    pub(super) fn new(id: u64, database: Arc<Database>, inbox: Arc<Inbox>) -> io::Result<Self> {
        let unwritten = Unwritten::start(database.clone())?;
        Ok(Self { database, recent: Arc::default(), unwritten, id, vote: Arc::default(), inbox })
    }

    /// What a leader has not written yet.
    pub(super) fn unwritten(&self) -> Arc<Unwritten> {
        self.unwritten.clone()
    }

    /// Whether this member leads and these are its own: it alone makes entries of its term.
    fn has_just_made(&self, entries: &[Entry<Types>]) -> bool {
        let vote = *self.vote();
        let Some(leader) = vote.filter(Vote::is_committed).map(|vote| vote.leader_id) else {
            return false;
        };
        let is_own = |entry: &Entry<Types>| entry.log_id.leader_id == leader;
        leader.node_id == self.id && entries.len() <= MOST && entries.iter().all(is_own)
    }

    fn vote(&self) -> MutexGuard<'_, Option<Vote<u64>>> {
        // It is replaced as a whole.
        self.vote.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        // Nothing in it panics.
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn blocking<T: Send + 'static>(
        &self,
        subject: ErrorSubject<u64>,
        verb: ErrorVerb,
        work: impl FnOnce(&Self) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StorageError> {
        // In the order in which it was asked for.
        self.unwritten.all_written().await;
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
        if let Some(entries) = self.recent().get(&range) {
            return Ok(entries);
        }
        let range = (range.start_bound().cloned(), range.end_bound().cloned());
        self.blocking(ErrorSubject::Logs, ErrorVerb::Read, move |this| this.database.entries(range))
            .await
    }

    /// As many of a range as go over a slow line between two words of the leader, but at least one:
    /// openraft gives up what takes longer, and then sends the same again.
    async fn limited_get_log_entries(
        &mut self,
        start: u64,
        end: u64,
    ) -> Result<Vec<Entry<Types>>, StorageError> {
        let mut entries = self.try_get_log_entries(start..end).await?;
        let mut bytes = 0;
        let fits = |entry: &Entry<Types>| {
            bytes += carried(entry);
            bytes <= SENT_AT_ONCE
        };
        let sent = entries.iter().map(fits).take_while(|fits| *fits).count();
        entries.truncate(sent.max(1));
        Ok(entries)
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
        .await?;
        *self.vote() = Some(vote);
        Ok(())
    }

    /// A leader that was stopped does not lead on, as openraft would have it: the others may have
    /// been sent entries that it has not written, and it would make others with the same numbers.
    async fn read_vote(&mut self) -> Result<Option<Vote<u64>>, StorageError> {
        let read = |this: &Self| this.database.get::<Vote<u64>>(VOTE);
        let vote = self.blocking(ErrorSubject::Vote, ErrorVerb::Read, read).await?;
        Ok(vote.map(|vote| match vote.leader_id().node_id == self.id {
            true => Vote::new(vote.leader_id().term, self.id),
            false => vote,
        }))
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
        let entries: Vec<Entry<Types>> = entries.into_iter().collect();
        let failed =
            |error| StorageError::from_io_error(ErrorSubject::Logs, ErrorVerb::Write, error);
        let written = in_words(&entries).map_err(failed)?;
        if self.has_just_made(&entries) {
            self.unwritten.write(written).await.map_err(failed)?;
        } else {
            self.blocking(ErrorSubject::Logs, ErrorVerb::Write, move |this| {
                this.database.append(&written);
                Ok(())
            })
            .await?;
        }
        self.recent().append(entries);
        flushed.log_io_completed(Ok(()));
        Ok(())
    }

    async fn truncate(&mut self, log_id: LogId) -> Result<(), StorageError> {
        self.blocking(ErrorSubject::Log(log_id), ErrorVerb::Delete, move |this| {
            this.recent().truncate(log_id.index);
            this.database.remove(log_id.index.., &[]);
            Ok(())
        })
        .await
    }

    async fn purge(&mut self, log_id: LogId) -> Result<(), StorageError> {
        self.blocking(ErrorSubject::Log(log_id), ErrorVerb::Delete, move |this| {
            this.recent().purge(log_id.index);
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

/// Bytes of the pack in an entry.
fn carried(entry: &Entry<Types>) -> usize {
    match &entry.payload {
        EntryPayload::Normal(proposal) => proposal.small().map_or(0, SmallPack::bytes),
        _ => 0,
    }
}

/// Entries as they are written down.
fn in_words(entries: &[Entry<Types>]) -> io::Result<Vec<Written>> {
    let written = |entry: &Entry<Types>| Ok((entry.log_id.index, serde_json::to_vec(entry)?));
    entries.iter().map(written).collect()
}

/// The packs that entries name and do not bring with them.
pub(super) fn packs(entries: &[Entry<Types>]) -> HashSet<&str> {
    let packs = entries.iter().filter_map(|entry| match &entry.payload {
        EntryPayload::Normal(proposal) if proposal.small().is_none() => proposal.pack(),
        _ => None,
    });
    packs.collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use openraft::CommittedLeaderId;
    use openraft::network::{RPCOption, RaftNetwork, RaftNetworkFactory};
    use openraft::raft::AppendEntriesRequest;
    use openraft::storage::{RaftLogStorageExt, RaftStateMachine};
    use openraft::testing::StoreBuilder;
    use tokio::net::TcpListener;
    use tokio::time::timeout;

    use super::*;
    use crate::replication::change::{Change, Proposal};
    use crate::replication::network::Network;
    use crate::replication::raft::Member;
    use crate::replication::suite::Builder;
    use crate::repository::{self, Author, Move};

    /// Enough for whatever waits for nobody.
    const SOON: Duration = Duration::from_millis(100);
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
    async fn a_leader_that_was_stopped_does_not_lead_on() {
        let (_dir, mut log, _machine) = Builder.build().await.unwrap();
        for (id, stays) in [(log.id, false), (log.id + 1, true)] {
            log.save_vote(&Vote::new_committed(7, id)).await.unwrap();
            let read = log.read_vote().await.unwrap().unwrap();
            assert_eq!((read.leader_id().term, read.leader_id().node_id), (7, id));
            assert_eq!(read.is_committed(), stays);
        }
    }

    /// The others' disks are those that count until its own one has them.
    #[tokio::test(flavor = "multi_thread")]
    async fn only_a_leaders_own_entries_are_written_while_others_get_them() {
        let (_dir, mut log, _machine) = Builder.build().await.unwrap();
        let id = log.id;
        for (vote, is_own) in [
            (Vote::new_committed(1, id), true),
            (Vote::new(1, id), false),
            (Vote::new_committed(1, id + 1), false),
            (Vote::new_committed(2, id), false),
        ] {
            log.save_vote(&vote).await.unwrap();
            assert_eq!(log.has_just_made(&[push_of_the_pack(1)]), is_own, "{vote}");
        }
        log.save_vote(&Vote::new_committed(1, id)).await.unwrap();
        let slow = log.database.keep_from_writing();
        log.blocking_append([push_of_the_pack(1), push_of_the_pack(2)]).await.unwrap();
        assert_eq!(log.try_get_log_entries(1..).await.unwrap().len(), 2);
        assert!(log.database.last::<Entry<Types>>().unwrap().is_none());
        drop(slow);
        log.unwritten.written(2).await;
        assert_eq!(last_log_id(&log.database).unwrap(), Some(log_id(2)));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_a_leader_has_not_written_is_not_made_here() {
        let (_dir, mut log, mut machine) = Builder.build().await.unwrap();
        log.save_vote(&Vote::new_committed(1, log.id)).await.unwrap();
        let slow = log.database.keep_from_writing();
        let entry = Entry { log_id: log_id(1), payload: EntryPayload::Blank };
        log.blocking_append([entry.clone()]).await.unwrap();
        let kept = machine.kept.clone();
        let made = machine.apply([entry]);
        tokio::pin!(made);
        assert!(timeout(SOON, &mut made).await.is_err());
        assert_eq!(kept.now().applied, None);
        drop(slow);
        made.await.unwrap();
        assert_eq!(kept.now().applied, Some(log_id(1)));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_a_leader_has_not_written_is_not_told_as_decided() {
        let (_dir, mut log, machine) = Builder.build().await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let key = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned();
        let other = Member { name: "m1".into(), address, key };
        let peers = machine.peers.clone();
        let mut network = Network { peers, unwritten: log.unwritten() };
        let mut to_other = network.new_client(2, &other).await;
        let vote = Vote::new_committed(1, log.id);
        log.save_vote(&vote).await.unwrap();
        let slow = log.database.keep_from_writing();
        log.blocking_append([push_of_the_pack(1)]).await.unwrap();
        let request = |decided| AppendEntriesRequest {
            vote,
            prev_log_id: None,
            entries: Vec::new(),
            leader_commit: decided,
        };
        let option = || RPCOption::new(Duration::from_secs(60));
        // Nothing comes of it but a connection.
        let hung_up = async || drop(listener.accept().await.unwrap());
        let (told, ()) = tokio::join!(to_other.append_entries(request(None), option()), hung_up());
        told.unwrap_err();
        let told = to_other.append_entries(request(Some(log_id(1))), option());
        tokio::pin!(told);
        assert!(timeout(SOON, &mut told).await.is_err());
        assert!(timeout(SOON, listener.accept()).await.is_err());
        drop(slow);
        let (told, ()) = tokio::join!(told, hung_up());
        told.unwrap_err();
    }

    #[tokio::test]
    async fn no_more_is_sent_at_a_time_than_goes_over_a_slow_line() {
        let (_dir, mut log, _machine) = Builder.build().await.unwrap();
        let fat = |index| {
            let mut entry = push_of_the_pack(index);
            if let EntryPayload::Normal(Proposal::V1(Change::Subcluster { small, .. })) =
                &mut entry.payload
            {
                *small = Some(SmallPack::of_bytes(SENT_AT_ONCE / 2));
            }
            entry
        };
        log.blocking_append((1..=3).map(fat).chain((4..=9).map(push_of_the_pack))).await.unwrap();
        let mut sent = Vec::new();
        for start in [1, 3, 4] {
            sent.push(log.limited_get_log_entries(start, 10).await.unwrap().len());
        }
        assert_eq!(sent, [2, 7, 6]);
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

//! Entries that a leader's own disk does not have yet: they go to the others at the same time (10.2.1
//! of Ongaro's dissertation, "Writing to the leader's disk in parallel").
//!
//! openraft counts them as kept by the leader at once. So nothing that rests on them may be heard of
//! before they are: neither is made here, nor told to the others as decided, what is not written.

use std::io;
use std::sync::Arc;
use std::thread;

use tokio::sync::{mpsc, watch};

use super::database::Database;

/// Entries that may wait for the disk.
pub(super) const MOST: usize = 32;

/// An entry's index and its words.
pub(super) type Written = (u64, Vec<u8>);

/// The entries on their way to the disk.
pub(super) struct Unwritten {
    queue: mpsc::Sender<Vec<Written>>,
    /// The first one, and behind the last one.
    range: watch::Sender<Option<(u64, u64)>>,
}

impl Unwritten {
    /// Starts the thread that writes them, which ends with this.
    pub(super) fn start(database: Arc<Database>) -> io::Result<Arc<Self>> {
        let (queue, entries) = mpsc::channel(MOST);
        let this = Arc::new(Self { queue, range: watch::Sender::new(None) });
        let range = this.range.clone();
        thread::Builder::new()
            .name("log".into())
            .spawn(move || write_all(entries, &database, &range))?;
        Ok(this)
    }

    /// Has these written, which follow each other and those before. If there would be too many, waits
    /// for the others.
    pub(super) async fn write(&self, entries: Vec<Written>) -> io::Result<()> {
        let (Some(&(first, _)), Some(&(last, _))) = (entries.first(), entries.last()) else {
            return Ok(());
        };
        let end = last + 1;
        if (*self.range.borrow()).is_some_and(|(from, _)| end - from > MOST as u64) {
            self.all_written().await;
        }
        self.range.send_modify(|range| *range = Some((range.map_or(first, |(from, _)| from), end)));
        self.queue.send(entries).await.map_err(|_| io::Error::other("nobody writes the log"))
    }

    /// Returns when the entry of this index is on the disk, if it is the log's.
    pub(super) async fn written(&self, index: u64) {
        // It cannot be closed.
        let _ = self
            .range
            .subscribe()
            .wait_for(|range| range.is_none_or(|(from, _)| from > index))
            .await;
    }

    /// Returns when all of them are that are there now: there may always be more.
    pub(super) async fn all_written(&self) {
        let range = *self.range.borrow();
        if let Some((_, end)) = range {
            self.written(end - 1).await;
        }
    }
}

fn write_all(
    mut queue: mpsc::Receiver<Vec<Written>>,
    database: &Database,
    range: &watch::Sender<Option<(u64, u64)>>,
) {
    let mut batches = Vec::new();
    while queue.blocking_recv_many(&mut batches, MOST) > 0 {
        let entries: Vec<Written> = batches.drain(..).flatten().collect();
        database.append(&entries);
        let Some(end) = entries.last().map(|(last, _)| last + 1) else { continue };
        range.send_modify(|range| {
            *range = range.filter(|&(_, to)| to > end).map(|(_, to)| (end, to))
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    /// Whether it is so without any waiting.
    async fn at_once(future: impl Future<Output = ()>) -> bool {
        timeout(Duration::ZERO, future).await.is_ok()
    }

    fn entries(indexes: std::ops::Range<u64>) -> Vec<Written> {
        indexes.map(|index| (index, index.to_string().into_bytes())).collect()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_waits_for_the_disk_is_not_written_and_what_was_before_is() {
        let dir = tempfile::tempdir().unwrap();
        let database = Arc::new(Database::open(&dir.path().join("log")).unwrap());
        let unwritten = Unwritten::start(database.clone()).unwrap();
        assert!(at_once(unwritten.all_written()).await);
        let slow = database.keep_from_writing();
        for part in [5..7, 7..8] {
            unwritten.write(entries(part)).await.unwrap();
        }
        assert!(at_once(unwritten.written(4)).await);
        assert!(!at_once(unwritten.written(5)).await);
        assert!(!at_once(unwritten.all_written()).await);
        drop(slow);
        unwritten.written(7).await;
        unwritten.all_written().await;
        assert_eq!(database.entries::<u64>(..).unwrap(), [5, 6, 7]);
    }

    #[tokio::test]
    async fn nobody_waits_for_what_comes_later() {
        let dir = tempfile::tempdir().unwrap();
        let database = Arc::new(Database::open(&dir.path().join("log")).unwrap());
        let unwritten = Unwritten::start(database).unwrap();
        unwritten.range.send_replace(Some((5, 7)));
        let all = unwritten.all_written();
        tokio::pin!(all);
        assert!(!at_once(&mut all).await);
        unwritten.range.send_replace(Some((6, 9)));
        assert!(!at_once(&mut all).await);
        unwritten.range.send_replace(Some((7, 9)));
        assert!(at_once(&mut all).await);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn no_more_than_so_many_wait_for_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        let database = Arc::new(Database::open(&dir.path().join("log")).unwrap());
        let unwritten = Unwritten::start(database.clone()).unwrap();
        let slow = database.keep_from_writing();
        let most = MOST as u64;
        unwritten.write(entries(0..most)).await.unwrap();
        let more = unwritten.write(entries(most..most + 1));
        tokio::pin!(more);
        assert!(timeout(Duration::ZERO, &mut more).await.is_err());
        drop(slow);
        more.await.unwrap();
        unwritten.all_written().await;
        assert_eq!(database.entries::<u64>(..).unwrap(), (0..=most).collect::<Vec<_>>());
    }
}

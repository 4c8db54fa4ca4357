//! The newest entries of the log, in memory: each is read again as often as there are members, and
//! to be made here, right after it has been written.

use std::collections::VecDeque;
use std::ops::{Bound, RangeBounds};

use openraft::Entry;

use super::raft::Types;

/// So many.
const KEPT: usize = 64;

/// They follow each other without a gap, and the last one is the log's.
#[derive(Default)]
pub(super) struct Recent(VecDeque<Entry<Types>>);

impl Recent {
    /// These have been written behind the others.
    pub(super) fn append(&mut self, entries: Vec<Entry<Types>>) {
        self.0.extend(entries);
        let surplus = self.0.len().saturating_sub(KEPT);
        self.0.drain(..surplus);
    }

    /// What begins here has been taken back.
    pub(super) fn truncate(&mut self, from: u64) {
        self.0.retain(|entry| entry.log_id.index < from);
    }

    /// What ends here is not in the log any more.
    pub(super) fn purge(&mut self, to: u64) {
        self.0.retain(|entry| entry.log_id.index > to);
    }

    /// The entries of a range; none if some of it, or its end, is not here.
    pub(super) fn get(&self, range: &impl RangeBounds<u64>) -> Option<Vec<Entry<Types>>> {
        let start = match range.start_bound() {
            Bound::Included(&start) => start,
            Bound::Excluded(&start) => start + 1,
            Bound::Unbounded => return None,
        };
        let first = self.0.front().filter(|first| first.log_id.index <= start)?;
        let skipped = usize::try_from(start - first.log_id.index).ok()?;
        let wanted = self.0.iter().skip(skipped);
        Some(wanted.take_while(|entry| range.contains(&entry.log_id.index)).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use openraft::{CommittedLeaderId, EntryPayload};

    use super::*;
    use crate::replication::raft::LogId;

    fn entries(indexes: impl IntoIterator<Item = u64>) -> Vec<Entry<Types>> {
        let log_id = |index| LogId::new(CommittedLeaderId::new(1, 1), index);
        let entry = |index| Entry { log_id: log_id(index), payload: EntryPayload::Blank };
        indexes.into_iter().map(entry).collect()
    }

    fn get(recent: &Recent, range: impl RangeBounds<u64>) -> Option<Vec<u64>> {
        let found = recent.get(&range)?;
        Some(found.iter().map(|entry| entry.log_id.index).collect())
    }

    #[test]
    fn what_is_here_as_a_whole_is_found_and_nothing_else() {
        let mut recent = Recent::default();
        assert_eq!(get(&recent, 0..), None);
        recent.append(entries(10..13));
        recent.append(entries([13]));
        assert_eq!(get(&recent, 9..11), None);
        assert_eq!(get(&recent, ..11), None);
        assert_eq!(get(&recent, 10..12), Some(vec![10, 11]));
        assert_eq!(get(&recent, 12..), Some(vec![12, 13]));
        assert_eq!(get(&recent, 14..), Some(vec![]));
        recent.truncate(12);
        assert_eq!(get(&recent, 10..), Some(vec![10, 11]));
        recent.purge(10);
        assert_eq!(get(&recent, 10..), None);
        assert_eq!(get(&recent, 11..=11), Some(vec![11]));
    }

    #[test]
    fn no_more_than_so_many_are_kept() {
        let mut recent = Recent::default();
        recent.append(entries(1..=1000));
        assert_eq!(recent.0.len(), KEPT);
        assert_eq!(get(&recent, 999..), Some(vec![999, 1000]));
    }
}

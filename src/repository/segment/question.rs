//! What a fetch asks of the segments.

use std::collections::HashSet;
use std::path::Path;

use git2::{Oid, Repository};

use super::objects::sorted;
use super::plan::Ask;

/// A fetch that asks for whole histories.
pub(in crate::repository) struct Question<'a, N> {
    pub(in crate::repository) repository: &'a Repository,
    /// Commits.
    pub(in crate::repository) wants: &'a [Oid],
    pub(in crate::repository) common: &'a [Oid],
    /// Tags that go with them, whatever else is sent.
    pub(in crate::repository) tags: &'a [Oid],
    /// Tags that go with the commits they lead to: both.
    pub(in crate::repository) tags_of: &'a [(Oid, Oid)],
    /// The number of a revision of the live configuration.
    pub(in crate::repository) number: N,
    /// Where large answers are spooled.
    pub(in crate::repository) spool_dir: &'a Path,
}

impl<N: Fn(Oid) -> Option<u64>> Question<'_, N> {
    pub(super) fn ask(&self) -> Ask<'_, &N> {
        Ask { wants: self.wants, common: self.common, number: &self.number }
    }
}

impl<N> Question<'_, N> {
    pub(super) fn tag_ids(&self) -> Vec<Oid> {
        self.tags_of.iter().map(|(tag, _)| *tag).collect()
    }

    /// The tags that go with these objects.
    pub(super) fn tags_sent(&self, sent: &HashSet<Oid>) -> Vec<Oid> {
        let with_commits =
            self.tags_of.iter().filter(|(_, commit)| sent.contains(commit)).map(|(tag, _)| *tag);
        let tags = sorted(self.tags.iter().copied().chain(with_commits).collect());
        tags.into_iter().filter(|tag| !sent.contains(tag)).collect()
    }
}

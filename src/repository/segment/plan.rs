//! Which segments an answer is put together from.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;

use git2::Oid;

use super::file::Segment;
use super::objects::sorted;
use super::shelf::State;
use super::table::Table;

/// Segments in the order in which they build upon each other.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) segments: Vec<Arc<Segment>>,
}

impl Plan {
    /// Segments that would stand in a base made of these.
    pub(super) fn joined(&self) -> u32 {
        let before: u32 = self.segments.iter().map(|segment| segment.joined).sum();
        before + self.segments.len() as u32
    }

    /// The table of a base made of these.
    pub(super) fn table(&self, tips: &[Oid]) -> io::Result<Table> {
        let mut ids = Vec::new();
        for segment in &self.segments {
            ids.extend(segment.ids()?);
        }
        let (ids, tips) = (sorted(ids), sorted(tips.to_vec()));
        Ok(Table { tips, ids, joined: self.joined(), ..Table::default() })
    }
}

/// What a client wants and has.
pub(super) struct Ask<'a, N> {
    /// Commits.
    pub(super) wants: &'a [Oid],
    pub(super) common: &'a [Oid],
    /// The number of a revision of the live configuration.
    pub(super) number: N,
}

impl<N: Fn(Oid) -> Option<u64>> Ask<'_, N> {
    /// The common commits that say all that the others say.
    pub(super) fn useful_common(&self) -> Vec<Oid> {
        let newest = self.newest(self.common);
        let is_useful = |&&id: &&Oid| (self.number)(id).is_none_or(|number| number == newest);
        self.common.iter().filter(is_useful).copied().collect()
    }

    /// The wants without those that others reach.
    pub(super) fn tips(&self) -> Vec<Oid> {
        let newest = self.newest(self.wants);
        let is_tip = |&&id: &&Oid| (self.number)(id).is_none_or(|number| number >= newest);
        self.wants.iter().filter(is_tip).copied().collect()
    }

    fn newest(&self, commits: &[Oid]) -> u64 {
        commits.iter().filter_map(|&id| (self.number)(id)).max().unwrap_or(0)
    }

    /// How to answer, if segments can.
    pub(super) fn plan(&self, state: &State) -> Option<Plan> {
        let tips = self.tips();
        if !self.common.is_empty() {
            // Who has a part of a segment gets a pack that is made to measure.
            if self.common.iter().any(|id| state.is_inner(id)) {
                return None;
            }
            return self.walk(state, &tips, self.common).map(|(segments, _)| Plan { segments });
        }
        let plans = state.bases.iter().rev().filter_map(|base| self.on(state, &tips, base));
        plans.min_by_key(|plan| plan.segments.len())
    }

    /// The plan that begins with this base. It must not hold what is not wanted.
    fn on(&self, state: &State, tips: &[Oid], base: &Arc<Segment>) -> Option<Plan> {
        let (mut segments, reached) = self.walk(state, tips, &base.tips)?;
        let newest = self.newest(tips);
        let is_wanted = |id: &Oid| {
            reached.contains(id) || (self.number)(*id).is_some_and(|number| number <= newest)
        };
        if !base.tips.iter().all(is_wanted) || base.tips.iter().any(|id| state.is_inner(id)) {
            return None;
        }
        segments.insert(0, base.clone());
        Some(Plan { segments })
    }

    /// The segments from `there` to `tips`, and the commits that they touch.
    fn walk(
        &self,
        state: &State,
        tips: &[Oid],
        there: &[Oid],
    ) -> Option<(Vec<Arc<Segment>>, HashSet<Oid>)> {
        let newest = self.newest(there);
        let there: HashSet<Oid> = there.iter().copied().collect();
        let is_there = |id: Oid| {
            there.contains(&id) || (self.number)(id).is_some_and(|number| number <= newest)
        };
        let mut walk = Walk { segments: Vec::new(), reached: HashSet::new() };
        let mut stack: Vec<Step> = tips.iter().map(|&tip| Step::To(tip)).collect();
        while let Some(step) = stack.pop() {
            match step {
                Step::Take(segment) => walk.segments.push(segment),
                Step::To(commit) => {
                    if !walk.reached.insert(commit) || is_there(commit) {
                        continue;
                    }
                    let segment = state.update_to(commit)?;
                    stack.push(Step::Take(segment.clone()));
                    stack.extend(segment.bases.iter().map(|&base| Step::To(base)));
                }
            }
        }
        Some((walk.segments, walk.reached))
    }
}

/// A way through the segments, those that others build upon first.
struct Walk {
    segments: Vec<Arc<Segment>>,
    reached: HashSet<Oid>,
}

enum Step {
    To(Oid),
    Take(Arc<Segment>),
}

//! Who should be a member and vote, and the next step towards it.

use std::collections::{BTreeMap, BTreeSet};

use super::raft::Member;

/// The most members that vote: more would make each commit slower and lose no less.
const MAX_VOTERS: usize = 7;

/// Who is a member now, as the leader sees it.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    pub(super) members: BTreeMap<u64, Member>,
    pub(super) voters: BTreeSet<u64>,
    /// Those who have nearly all of the log.
    pub(super) current: BTreeSet<u64>,
}

/// A change of the membership.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It gets the log, and does not vote yet.
    Learn(u64, Member),
    /// It has another name or address.
    Readdress(u64, Member),
    /// These vote, and nobody else.
    Vote(BTreeSet<u64>),
    /// These are members no more.
    Leave(BTreeSet<u64>),
}

/// The next step that brings the members nearer to `wanted`; none if they are those.
pub(super) fn next(wanted: &BTreeMap<u64, Member>, view: &View) -> Option<Step> {
    if wanted.is_empty() {
        return None;
    }
    for (&id, member) in wanted {
        match view.members.get(&id) {
            None => return Some(Step::Learn(id, member.clone())),
            Some(known) if known != member => return Some(Step::Readdress(id, member.clone())),
            Some(_) => {}
        }
    }
    let voters = voters(wanted, view);
    if !voters.is_empty() && voters != view.voters {
        return Some(Step::Vote(voters));
    }
    let is_left = |id: &&u64| !wanted.contains_key(id) && !view.voters.contains(id);
    let left: BTreeSet<u64> = view.members.keys().filter(is_left).copied().collect();
    (!left.is_empty()).then_some(Step::Leave(left))
}

/// An odd number, as one more would lose no less: of two both, for one alone would lose what the
/// other had. Who votes goes on doing so, also one that is away for the moment.
fn voters(wanted: &BTreeMap<u64, Member>, view: &View) -> BTreeSet<u64> {
    let ids = wanted.keys().copied();
    let (old, others): (Vec<u64>, Vec<u64>) = ids.partition(|id| view.voters.contains(id));
    let ready = others.into_iter().filter(|id| view.current.contains(id));
    let candidates: Vec<u64> = old.into_iter().chain(ready).collect();
    let count = match candidates.len() {
        few @ 0..=2 => few,
        many => (many - (many + 1) % 2).min(MAX_VOTERS),
    };
    candidates.into_iter().take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(id: u64) -> Member {
        Member { name: format!("m{id}"), address: format!("m{id}:2027"), key: format!("key {id}") }
    }

    fn members(ids: impl IntoIterator<Item = u64>) -> BTreeMap<u64, Member> {
        ids.into_iter().map(|id| (id, member(id))).collect()
    }

    fn view(all: &[u64], voters: &[u64]) -> View {
        let voters = voters.iter().copied().collect();
        View { members: members(all.to_vec()), voters, current: all.iter().copied().collect() }
    }

    #[test]
    fn a_new_member_learns_first_and_votes_when_it_has_the_log() {
        let wanted = members([1, 2]);
        let alone = view(&[1], &[1]);
        assert_eq!(next(&wanted, &alone), Some(Step::Learn(2, member(2))));
        let mut learning = view(&[1, 2], &[1]);
        learning.current.remove(&2);
        assert_eq!(next(&wanted, &learning), None);
        learning.current.insert(2);
        assert_eq!(next(&wanted, &learning), Some(Step::Vote([1, 2].into())));
        assert_eq!(next(&wanted, &view(&[1, 2], &[1, 2])), None);
    }

    #[test]
    fn an_odd_number_votes_and_seven_at_the_most() {
        for (count, voters) in [(1, 1), (2, 2), (3, 3), (4, 3), (5, 5), (6, 5), (7, 7), (9, 7)] {
            let ids: Vec<u64> = (1..=count).collect();
            let then: BTreeSet<u64> = (1..=voters).collect();
            let step = next(&members(ids.clone()), &view(&ids, &[1]));
            assert_eq!(step, (voters != 1).then_some(Step::Vote(then)), "{count}");
        }
    }

    #[test]
    fn one_that_is_away_goes_on_voting_until_it_is_removed() {
        let mut view = view(&[1, 2, 3, 4], &[1, 2, 3]);
        view.current.remove(&3);
        assert_eq!(next(&members([1, 2, 3, 4]), &view), None);
        assert_eq!(next(&members([1, 2, 4]), &view), Some(Step::Vote([1, 2, 4].into())));
    }

    #[test]
    fn one_that_is_not_wanted_loses_its_vote_before_it_leaves() {
        let wanted = members([1, 2, 3]);
        assert_eq!(
            next(&wanted, &view(&[1, 2, 3, 4], &[1, 2, 4])),
            Some(Step::Vote([1, 2, 3].into()))
        );
        assert_eq!(next(&wanted, &view(&[1, 2, 3, 4], &[1, 2, 3])), Some(Step::Leave([4].into())));
        assert_eq!(next(&members([]), &view(&[1], &[1])), None, "a file without anybody in it");
    }

    #[test]
    fn another_address_is_taken_up() {
        let mut wanted = members([1, 2]);
        wanted.get_mut(&2).unwrap().address = "elsewhere:2027".into();
        let step = next(&wanted, &view(&[1, 2], &[1, 2]));
        assert_eq!(step, Some(Step::Readdress(2, wanted[&2].clone())));
    }
}

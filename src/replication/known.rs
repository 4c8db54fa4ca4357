//! Which keys may ask something here, and what.
//!
//! Members are those of the newest membership in this server's log, and nobody else. It counts as
//! soon as it is written here, as it does for openraft: before it is decided, as a leader that was
//! elected with it must be heard for it to be decided; and whoever is left out of it has no vote in
//! any membership that may still be decided, so nobody need wait to refuse him.
//!
//! One whom an administrator has put out, or let in again with another key, is refused as soon as that
//! is made here: the leader takes it out of the members a moment later, if the others answer.
//!
//! A leader may stand in none that is written here: this server was away, and the others have changed
//! meanwhile. Then it asks the members that it knows, who are known by their keys, and believes them
//! until its log goes on ([`Known::strangers`]). That somebody was let in is not enough: an
//! administrator decides by the list who is a member.

use std::sync::{Arc, OnceLock};

use openraft::RaftMetrics;
use tokio::sync::{Notify, watch};

use super::raft::{Member, Membership};
use super::state::Kept;
use crate::tls::{KeyId, KnownKeys};

/// What a key may ask, from the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Right {
    Nothing,
    /// To say that its server has come: an administrator has let it in.
    Announce,
    /// What commands on this host ask: the key is this server's own.
    Command,
    /// All that members ask each other.
    Member,
}

type Metrics = watch::Receiver<RaftMetrics<u64, Member>>;

/// The keys, and who has them.
#[derive(Debug)]
pub(super) struct Known {
    own_key: String,
    kept: Arc<Kept>,
    /// What is in the log, once that has been opened.
    metrics: OnceLock<Metrics>,
    stranger: Notify,
}

impl Known {
    pub(super) fn new(own_key: String, kept: Arc<Kept>) -> Self {
        Self { own_key, kept, metrics: OnceLock::new(), stranger: Notify::new() }
    }

    /// The log has been opened.
    pub(super) fn opened(&self, metrics: Metrics) {
        // It is opened once.
        let _ = self.metrics.set(metrics);
    }

    /// What the server with this key may ask.
    pub(super) fn right(&self, key: &KeyId) -> Right {
        let key = key.to_string();
        if self.is_member(&key) {
            Right::Member
        } else if key == self.own_key {
            Right::Command
        } else if self.kept.now().roster.by_key(&key).is_some() {
            Right::Announce
        } else {
            Right::Nothing
        }
    }

    fn is_member(&self, key: &str) -> bool {
        let name = self.with_newest(|newest| {
            let mut members = newest.nodes().map(|(_, member)| member);
            let written = members.find(|member| member.key == key).cloned();
            written.or_else(|| self.kept.introduced(key, newest)).map(|member| member.name)
        });
        name.is_some_and(|name| !self.kept.now().roster.has_other_key(&name, key))
    }

    /// Whether the server with this key is in the newest membership.
    pub(super) fn is_in_membership(&self, key: &str) -> bool {
        self.with_newest(|newest| newest.nodes().any(|(_, member)| member.key == key))
    }

    /// The newest membership that is written here. What has been applied is ahead of what openraft
    /// tells for a moment, and before openraft has read the log.
    pub(super) fn with_newest<T>(&self, look: impl FnOnce(&Membership) -> T) -> T {
        let state = self.kept.now();
        let metrics = self.metrics.get().map(watch::Receiver::borrow);
        match metrics.as_ref().map(|metrics| &*metrics.membership_config) {
            Some(written) if written.log_id() >= state.membership.log_id() => look(written),
            _ => look(&state.membership),
        }
    }

    /// Returns when the server with this key may ask less than this.
    pub(super) async fn loses(&self, key: &KeyId, right: Right) {
        let mut changed = self.kept.members_moved();
        while self.right(key) >= right {
            // The sender is kept with the state.
            let _ = changed.changed().await;
        }
    }

    /// Somebody came who may not ask what he asks.
    pub(super) fn refused(&self) {
        self.stranger.notify_one();
    }

    /// Returns when that has happened since the last call.
    pub(super) async fn strangers(&self) {
        self.stranger.notified().await;
    }

    /// Tells those who wait of each membership that is written, for as long as this server runs.
    pub(super) async fn keep_telling(self: Arc<Self>) {
        let Some(mut metrics) = self.metrics.get().cloned() else { return };
        loop {
            let now = *metrics.borrow_and_update().membership_config.log_id();
            self.kept.tell_members_moved();
            let other = |m: &RaftMetrics<u64, Member>| *m.membership_config.log_id() != now;
            if metrics.wait_for(other).await.is_err() {
                return;
            }
        }
    }
}

impl KnownKeys for Known {
    fn knows(&self, key: &KeyId) -> bool {
        let is_known = self.right(key) > Right::Nothing;
        if !is_known {
            self.refused();
        }
        is_known
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::{Duration, Instant};

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use openraft::{CommittedLeaderId, StoredMembership};
    use tempfile::TempDir;

    use super::*;
    use crate::replication::database::Database;
    use crate::replication::raft::LogId;
    use crate::replication::state::State;

    fn key(number: u8) -> KeyId {
        format!("sha256//{}", STANDARD.encode([number; 32])).parse().unwrap()
    }

    fn member(number: u8) -> Member {
        Member { name: format!("m{number}"), address: String::new(), key: key(number).to_string() }
    }

    fn log_id(index: u64) -> LogId {
        LogId::new(CommittedLeaderId::new(1, 1), index)
    }

    /// Of these members, in an entry of this index.
    fn state(index: u64, members: &[u8]) -> State {
        let nodes: BTreeMap<u64, Member> =
            members.iter().map(|number| (u64::from(*number), member(*number))).collect();
        let voters = nodes.keys().copied().collect();
        let membership = openraft::Membership::new(vec![voters], nodes);
        State {
            membership: StoredMembership::new(Some(log_id(index)), membership),
            ..State::default()
        }
    }

    /// What is known at m1, to which somebody has introduced these.
    fn at_m1(introduced: &[u8]) -> (TempDir, Arc<Kept>, Known) {
        let dir = tempfile::tempdir().unwrap();
        let database = Arc::new(Database::open(&dir.path().join("log")).unwrap());
        let introduced = introduced.iter().map(|number| member(*number)).collect();
        let kept = Arc::new(Kept::open(database, 1, introduced).unwrap());
        let known = Known::new(key(1).to_string(), kept.clone());
        (dir, kept, known)
    }

    #[test]
    fn those_who_introduced_a_server_are_known_until_it_is_a_member() {
        let (_dir, kept, known) = at_m1(&[2, 3]);
        assert_eq!(known.right(&key(1)), Right::Command);
        assert_eq!(known.right(&key(2)), Right::Member);
        kept.put(state(5, &[4])).unwrap();
        assert_eq!(known.right(&key(2)), Right::Member, "its own log goes on");
        assert_eq!(known.right(&key(4)), Right::Member);
        kept.put(state(6, &[1, 3, 4])).unwrap();
        assert_eq!(known.right(&key(1)), Right::Member);
        assert_eq!(known.right(&key(2)), Right::Nothing);
        assert_eq!(known.right(&key(3)), Right::Member);
    }

    #[test]
    fn what_a_member_is_told_of_others_counts_until_its_log_goes_on_or_for_a_while() {
        let (_dir, kept, known) = at_m1(&[]);
        kept.put(state(5, &[1, 2])).unwrap();
        let soon = Instant::now() + Duration::from_secs(600);
        kept.introduce_until(soon, Some(log_id(5)), vec![member(3)]);
        assert_eq!(known.right(&key(3)), Right::Member);
        kept.put(state(6, &[1, 2, 4])).unwrap();
        assert_eq!(known.right(&key(3)), Right::Nothing);
        kept.introduce_until(Instant::now(), Some(log_id(6)), vec![member(3)]);
        assert_eq!(known.right(&key(3)), Right::Nothing);
    }

    #[test]
    fn whoever_was_let_in_may_announce_itself_until_it_is_put_out() {
        let (_dir, kept, known) = at_m1(&[]);
        let mut now = state(5, &[1]);
        now.roster.let_in("m2".into(), key(2).to_string());
        kept.put(now.clone()).unwrap();
        assert_eq!(known.right(&key(2)), Right::Announce);
        now.roster.let_in("m2".into(), String::new());
        kept.put(now.clone()).unwrap();
        assert_eq!(known.right(&key(2)), Right::Nothing);
        assert_eq!(now.roster.admitted().count(), 0);
    }

    #[test]
    fn a_member_that_was_put_out_or_has_a_new_key_is_none_before_the_members_change() {
        let (_dir, kept, known) = at_m1(&[]);
        let mut now = state(5, &[1, 2, 3]);
        now.roster.let_in("m2".into(), String::new());
        now.roster.let_in("m3".into(), key(9).to_string());
        kept.put(now).unwrap();
        assert_eq!(known.right(&key(2)), Right::Nothing);
        assert_eq!(known.right(&key(3)), Right::Nothing);
        assert_eq!(known.right(&key(9)), Right::Announce);
    }
}

//! Voters that need not wait for a leader that leaves.

use std::time::Duration;

use openraft::raft::{AppendEntriesRequest, AppendEntriesResponse};
use openraft::{CommittedLeaderId, Vote};
use tokio::task::JoinSet;

use super::cluster::Cluster;
use super::peers::Use;
use super::raft::{LogId, Types};
use super::wire::APPEND;

/// Somebody who does not answer by then is not waited for.
const ASK_TIME: Duration = Duration::from_millis(500);
/// An entry that is in no log.
const NO_ENTRY: u64 = u64::MAX >> 1;

impl Cluster {
    /// Has as many of the others forget this leader as the next one needs votes, beside its own and
    /// this member's. They would vote for nobody else for as long as the lease lasts.
    ///
    /// openraft has no order for it, but the lease ends with the vote for this leader, and a member
    /// takes a later vote from whatever comes before it looks at entries. So this is an entry that
    /// fits nowhere, from the next leader's term. None of it elects: whoever is released still
    /// compares the logs before it votes.
    pub(super) async fn release_voters(&self, next: u64) {
        let mut others = self.others_who_vote();
        let voters = others.len() + 1;
        others.remove(&next);
        let mut needed = (voters / 2 + 1).saturating_sub(2);
        if needed == 0 {
            return;
        }
        let term = self.raft.metrics().borrow().current_term;
        let nowhere: AppendEntriesRequest<Types> = AppendEntriesRequest {
            vote: Vote::new(term + 1, next),
            prev_log_id: Some(LogId::new(CommittedLeaderId::new(term, self.id), NO_ENTRY)),
            entries: Vec::new(),
            leader_commit: None,
        };
        let Ok(question) = serde_json::to_vec(&nowhere) else { return };
        let mut asked = JoinSet::new();
        for (id, member) in others {
            let (link, question) = (self.peers.link(&member, Use::Talk), question.clone());
            asked.spawn(
                async move { link.ask(&format!("{APPEND}/{id}"), question, ASK_TIME).await },
            );
        }
        while needed > 0 {
            match asked.join_next().await {
                None => break,
                Some(Ok(Ok(answer))) => needed -= is_released(&answer) as usize,
                Some(Ok(Err(error))) => tracing::debug!("{error}"),
                Some(Err(_)) => {}
            }
        }
        asked.detach_all();
    }
}

fn is_released(answer: &[u8]) -> bool {
    type Answer = Result<AppendEntriesResponse<u64>, openraft::error::RaftError<u64>>;
    matches!(serde_json::from_slice::<Answer>(answer), Ok(Ok(AppendEntriesResponse::Conflict)))
}

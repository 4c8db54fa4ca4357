//! openraft's messages to the other members.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use openraft::error::{
    Fatal, NetworkError, RPCError, RaftError, RemoteError, ReplicationClosed, StreamingError,
    Unreachable,
};
use openraft::network::{RPCOption, RaftNetwork, RaftNetworkFactory};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, VoteRequest, VoteResponse,
};
use openraft::{OptionalSend, Snapshot, Vote};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::link::Unanswered;
use super::peers::{Peers, Use};
use super::raft::{Member, SNAPSHOT_TIME, Types};
use super::unwritten::Unwritten;
use super::wire::{APPEND, SNAPSHOT, SnapshotSent, VOTE};

/// Makes the ways to members.
pub(super) struct Network {
    pub(super) peers: Arc<Peers>,
    pub(super) unwritten: Arc<Unwritten>,
}

/// The way to one member.
pub(super) struct ToMember {
    peers: Arc<Peers>,
    unwritten: Arc<Unwritten>,
    id: u64,
    member: Member,
}

impl RaftNetworkFactory<Types> for Network {
    type Network = ToMember;

    async fn new_client(&mut self, id: u64, member: &Member) -> ToMember {
        let Self { peers, unwritten } = self;
        let (peers, unwritten) = (peers.clone(), unwritten.clone());
        ToMember { peers, unwritten, id, member: member.clone() }
    }
}

type Answer<T> = Result<T, RPCError<u64, Member, RaftError<u64>>>;

impl ToMember {
    /// What is meant for one log must not be taken for another one that its server has begun since.
    fn to(&self, path: &str) -> String {
        format!("{path}/{}", self.id)
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        question: &impl Serialize,
        limit: Duration,
    ) -> Answer<T> {
        let question =
            serde_json::to_vec(question).map_err(|e| RPCError::Network(NetworkError::new(&e)))?;
        let link = self.peers.link(&self.member, Use::Talk);
        let answer = link.ask(&self.to(path), question, limit).await.map_err(unanswered)?;
        let answer: Result<T, RaftError<u64>> = serde_json::from_slice(&answer)
            .map_err(|e| RPCError::Network(NetworkError::new(&e)))?;
        answer.map_err(|e| RPCError::RemoteError(RemoteError::new(self.id, e)))
    }
}

/// openraft asks one that is unreachable again after a while, and others at once: so one that says no
/// is not asked again and again either.
fn unanswered<E: std::error::Error>(error: Unanswered) -> RPCError<u64, Member, E> {
    match error {
        Unanswered::TooLate(_) => RPCError::Network(NetworkError::new(&error)),
        _ => RPCError::Unreachable(Unreachable::new(&error)),
    }
}

impl RaftNetwork<Types> for ToMember {
    async fn append_entries(
        &mut self,
        request: AppendEntriesRequest<Types>,
        option: RPCOption,
    ) -> Answer<AppendEntriesResponse<u64>> {
        if let Some(decided) = request.leader_commit {
            self.unwritten.written(decided.index).await;
        }
        self.ask(APPEND, &request, option.hard_ttl()).await
    }

    async fn vote(
        &mut self,
        request: VoteRequest<u64>,
        option: RPCOption,
    ) -> Answer<VoteResponse<u64>> {
        self.ask(VOTE, &request, option.hard_ttl()).await
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote<u64>,
        snapshot: Snapshot<Types>,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        _option: RPCOption,
    ) -> Result<SnapshotResponse<u64>, StreamingError<Types, Fatal<u64>>> {
        let Snapshot { meta, snapshot } = snapshot;
        let sent = SnapshotSent { vote, meta, manifest: *snapshot };
        let question = serde_json::to_vec(&sent)
            .map_err(|e| StreamingError::Network(NetworkError::new(&e)))?;
        // It takes as long as fetching the objects does, on a connection of its own.
        let link = self.peers.link(&self.member, Use::Bulk);
        let (path, limit) = (self.to(SNAPSHOT), Duration::from_millis(SNAPSHOT_TIME));
        let answer = tokio::select! {
            closed = cancel => return Err(StreamingError::Closed(closed)),
            answer = link.ask(&path, question, limit) => answer,
        };
        let answer = answer.map_err(|error| match error {
            Unanswered::TooLate(_) => StreamingError::Network(NetworkError::new(&error)),
            _ => StreamingError::Unreachable(Unreachable::new(&error)),
        })?;
        let vote: Result<Vote<u64>, String> = serde_json::from_slice(&answer)
            .map_err(|e| StreamingError::Network(NetworkError::new(&e)))?;
        let failed = |text| StreamingError::Network(NetworkError::new(&io::Error::other(text)));
        Ok(SnapshotResponse::new(vote.map_err(failed)?))
    }
}

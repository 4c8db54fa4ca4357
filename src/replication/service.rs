//! What a member answers the others.

use std::convert::Infallible;
use std::sync::Arc;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use openraft::raft::{AppendEntriesRequest, VoteRequest};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};

use super::change::Change;
use super::cluster::Cluster;
use super::old_copy::MAY_BE_OLD;
use super::raft::Types;
use super::stream;
use super::wire::{
    APPEND, BRING, Body, CAME, COMPARE, HAND_OVER, LEAD, MAX_QUESTION, MEMBERS, OBJECTS, PACKS,
    PROMISE, PROPOSE, Propose, READ, ReadIndex, SNAPSHOT, STANDING, SnapshotSent, VOTE,
};
use crate::momentum::is_same_node;
use crate::repository::Error;
use crate::tls::KeyId;

/// What is meant for one log.
const LOGS: [&str; 3] = [APPEND, VOTE, SNAPSHOT];

pub(super) type Failure = (StatusCode, String);

impl Cluster {
    /// Answers a member on its connection, to the end of it.
    pub(super) async fn serve(
        self: Arc<Self>,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        key: KeyId,
    ) {
        let service = service_fn(move |request: Request<Incoming>| {
            let this = self.clone();
            async move { Ok::<_, Infallible>(this.answer(request, key).await) }
        });
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), service);
        if let Err(error) = connection.await {
            tracing::debug!("a member's connection has ended: {error}");
        }
    }

    async fn answer(&self, request: Request<Incoming>, key: KeyId) -> Response<Body> {
        // It may have been a member when the connection was made.
        if !crate::tls::KnownKeys::knows(&*self.kept, &key) {
            return plain((StatusCode::FORBIDDEN, "you are no member of this cluster".into()));
        }
        self.respond(request, key).await.unwrap_or_else(plain)
    }

    async fn respond(
        &self,
        request: Request<Incoming>,
        key: KeyId,
    ) -> Result<Response<Body>, Failure> {
        let mut path = request.uri().path().to_owned();
        if let Some((log, number)) = path.rsplit_once('/').filter(|(log, _)| LOGS.contains(log)) {
            if number != self.id.to_string() {
                return Err((StatusCode::GONE, "this server has begun another log".into()));
            }
            path = log.to_owned();
        }
        match (request.method().clone(), path.as_str()) {
            (Method::POST, APPEND) => {
                let asked: AppendEntriesRequest<Types> = question(request).await?;
                self.must_follow(&asked.vote).await?;
                json(&self.raft.append_entries(asked).await)
            }
            (Method::POST, VOTE) => {
                let asked: VoteRequest<u64> = question(request).await?;
                self.must_vote(&asked).await?;
                json(&self.raft.vote(asked).await)
            }
            (Method::POST, PROMISE) => json(&self.promise().await.map_err(unavailable)?),
            (Method::POST, SNAPSHOT) => {
                let sent: SnapshotSent = question(request).await?;
                self.must_follow(&sent.vote).await?;
                json(&self.take_snapshot(sent).await)
            }
            (Method::POST, PROPOSE) => {
                let Propose { proposal } = question(request).await?;
                json(&self.propose_here(proposal).await.map_err(unavailable)?)
            }
            (Method::POST, READ) => {
                let index = self.is_leader().then(|| self.read_index());
                let index = match index {
                    Some(index) => index.await,
                    None => None,
                };
                json(&ReadIndex(index))
            }
            (Method::POST, MEMBERS) => json(&self.members_now().await),
            (Method::POST, STANDING) => json(&self.own_standing()),
            (Method::POST, COMPARE) => {
                let name: String = question(request).await?;
                json(&self.compare_own(&name).await.map_err(|error| error.to_string()))
            }
            (Method::POST, BRING) => {
                let outcome = self.bring_for(question(request).await?).await;
                json(&outcome.map_err(unavailable)?)
            }
            (Method::POST, HAND_OVER) => {
                let name: String = question(request).await?;
                self.hand_over_to(|_, member| is_same_node(&member.name, &name)).await;
                json(&())
            }
            (Method::POST, LEAD) if self.old_copy.is_suspected() => Err(unavailable(MAY_BE_OLD)),
            // One that leads already would have to be elected again.
            (Method::POST, LEAD) if self.is_leader() => json(&()),
            (Method::POST, LEAD) => json(&self.raft.trigger().elect().await),
            (Method::POST, CAME) => {
                let id: u64 = question(request).await?;
                self.came(key.to_string(), id).await.map_err(unavailable)?;
                let members = self.members().into_values().map(|(member, _)| member);
                json(&members.collect::<Vec<_>>())
            }
            (Method::POST, OBJECTS) => self.give_objects(question(request).await?).await,
            (Method::PUT, _) if path.starts_with(PACKS) => {
                self.take_pack(&path[PACKS.len()..], request).await
            }
            (Method::GET, _) if path.starts_with(PACKS) => self.give_pack(&path[PACKS.len()..]),
            _ => Err((StatusCode::NOT_FOUND, "members do not answer this".into())),
        }
    }

    /// A server that was let in has come, with a log of this number.
    pub(super) async fn came(&self, key: String, id: u64) -> Result<(), Error> {
        let state = self.kept.now();
        if state.roster.by_key(&key).is_some_and(|(_, listed)| listed.id == Some(id)) {
            return Ok(());
        }
        self.decide(Change::Came { key, id }).await.map(drop)
    }
}

async fn question<T: DeserializeOwned>(request: Request<Incoming>) -> Result<T, Failure> {
    let body = Limited::new(request.into_body(), MAX_QUESTION).collect().await;
    let body = body.map_err(|e| (StatusCode::BAD_REQUEST, e.to_string()))?;
    serde_json::from_slice(&body.to_bytes())
        .map_err(|e| (StatusCode::BAD_REQUEST, format!("another version's words: {e}")))
}

fn json(answer: &impl Serialize) -> Result<Response<Body>, Failure> {
    let content = serde_json::to_vec(answer).map_err(unavailable)?;
    Ok(Response::new(stream::bytes(content)))
}

pub(super) fn unavailable(error: impl std::fmt::Display) -> Failure {
    (StatusCode::SERVICE_UNAVAILABLE, error.to_string())
}

fn plain((status, text): Failure) -> Response<Body> {
    let mut response = Response::new(stream::bytes(text.into_bytes()));
    *response.status_mut() = status;
    response
}

//! What a member answers the others.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use openraft::raft::{AppendEntriesRequest, VoteRequest};
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite};

use super::asker::Asker;
use super::change::Change;
use super::cluster::Cluster;
use super::known::Right;
use super::old_copy::MAY_BE_OLD;
use super::raft::Types;
use super::stream;
use super::wire::{
    ADMITTED, APPEND, BRING, Body, CAME, COMPARE, HAND_OVER, LEAD, LOOK_AT, MEMBERS, OBJECTS,
    PACKS, PORT, PROMISE, PROPOSE, PUT_OUT, Propose, READ, ReadIndex, SNAPSHOT, STANDING,
    SnapshotSent, VOTE,
};
use crate::momentum::is_same_node;
use crate::repository::Error;
use crate::tls::KeyId;

/// Between two servers that come, or one that comes again with another log.
const BETWEEN_TWO: Duration = Duration::from_millis(500);

pub(super) type Failure = (StatusCode, String);

impl Cluster {
    /// Answers a member on its connection, to the end of it, or until it is put out.
    pub(super) async fn serve(
        self: Arc<Self>,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        key: KeyId,
        from: IpAddr,
    ) {
        let (this, known) = (self.clone(), self.known.clone());
        let right = known.right(&key);
        let noted = AtomicBool::new(right < Right::Member);
        let service = service_fn(move |request: Request<Incoming>| {
            if !noted.swap(true, Ordering::Relaxed)
                && let Some(port) = port_of(&request)
            {
                this.peers.addresses.came(&key.to_string(), from, port);
            }
            let this = this.clone();
            async move { Ok::<_, Infallible>(this.respond(request, key).await.unwrap_or_else(plain)) }
        });
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), service);
        tokio::select! {
            ended = connection => if let Err(error) = ended {
                tracing::debug!("a member's connection has ended: {error}");
            },
            () = known.loses(&key, right) => tracing::debug!(
                "a connection is closed, as {key} is the key of no member any more",
            ),
        }
    }

    async fn respond(
        &self,
        request: Request<Incoming>,
        key: KeyId,
    ) -> Result<Response<Body>, Failure> {
        let asker = Asker::of(self, key, &request)?;
        let path = asker.path.as_str();
        match (request.method().clone(), path) {
            (Method::POST, APPEND) => {
                let asked: AppendEntriesRequest<Types> = asker.question(request).await?;
                self.must_follow(&asked.vote).await?;
                json(&self.raft.append_entries(asked).await)
            }
            (Method::POST, VOTE) => {
                let asked: VoteRequest<u64> = asker.question(request).await?;
                self.must_vote(&asked).await?;
                json(&self.raft.vote(asked).await)
            }
            (Method::POST, PROMISE) => json(&self.promise().await.map_err(unavailable)?),
            (Method::POST, SNAPSHOT) => {
                let sent: SnapshotSent = asker.question(request).await?;
                self.must_follow(&sent.vote).await?;
                json(&self.take_snapshot(sent).await)
            }
            (Method::POST, PROPOSE) => {
                let Propose { proposal } = asker.question(request).await?;
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
            (Method::POST, ADMITTED) => json(&self.admitted()),
            (Method::POST, LOOK_AT) => {
                let (name, address): (String, String) = asker.question(request).await?;
                json(&self.look_at(&name, &address).await)
            }
            (Method::POST, PUT_OUT) => {
                let name: String = asker.question(request).await?;
                let done = self.put_out(&name).await;
                if done.is_ok() {
                    tracing::info!(
                        "an administrator on this host put the server {name} out of the cluster",
                    );
                }
                json(&done.map_err(|error| error.to_string()))
            }
            (Method::POST, STANDING) => json(&self.own_standing()),
            (Method::POST, COMPARE) => {
                let name: String = asker.question(request).await?;
                json(&self.compare_own(&name).await.map_err(|error| error.to_string()))
            }
            (Method::POST, BRING) => {
                let asked = asker.question(request).await?;
                // What this member hands on is heard as its own: it must know who is none any more.
                self.catch_up().await.map_err(unavailable)?;
                asker.must_be_allowed()?;
                json(&self.bring_for(asked).await.map_err(unavailable)?)
            }
            (Method::POST, HAND_OVER) => {
                let name: String = asker.question(request).await?;
                self.hand_over_to(|_, member| is_same_node(&member.name, &name)).await;
                json(&())
            }
            (Method::POST, LEAD) if self.old_copy.is_suspected() => Err(unavailable(MAY_BE_OLD)),
            // One that leads already would have to be elected again.
            (Method::POST, LEAD) if self.is_leader() => json(&()),
            (Method::POST, LEAD) => json(&self.raft.trigger().elect().await),
            (Method::POST, CAME) => {
                let id: u64 = asker.question(request).await?;
                self.came(key.to_string(), id).await.map_err(unavailable)?;
                let members = self.members().into_values().map(|(member, _)| member);
                json(&members.collect::<Vec<_>>())
            }
            (Method::POST, OBJECTS) => self.give_objects(asker.question(request).await?).await,
            (Method::PUT, _) if path.starts_with(PACKS) => {
                self.take_pack(&path[PACKS.len()..], request).await
            }
            (Method::GET, _) if path.starts_with(PACKS) => self.give_pack(&path[PACKS.len()..]),
            _ => Err((StatusCode::NOT_FOUND, "members do not answer this".into())),
        }
    }

    /// Each new number is an entry of the log, and one that may only announce itself can tell many.
    fn must_not_come_too_often(&self) -> Result<(), Error> {
        let mut came = self.came.lock().unwrap_or_else(PoisonError::into_inner);
        if came.is_some_and(|when| when.elapsed() < BETWEEN_TWO) {
            return Err(Error::Unreplicated("another server has just come; try again".into()));
        }
        *came = Some(Instant::now());
        Ok(())
    }

    /// A server that was let in has come, with a log of this number.
    pub(super) async fn came(&self, key: String, id: u64) -> Result<(), Error> {
        let state = self.kept.now();
        match state.roster.by_key(&key) {
            Some((_, listed)) if listed.id != Some(id) && !state.roster.has_id(id) => {
                self.must_not_come_too_often()?;
                self.decide(Change::Came { key, id }).await.map(drop)
            }
            // Nothing is new, or nobody let it in.
            _ => Ok(()),
        }
    }
}

/// Where whoever asks listens, if it says so.
fn port_of(request: &Request<Incoming>) -> Option<u16> {
    let port = request.headers().get(PORT)?.to_str().ok()?.parse().ok()?;
    Some(port).filter(|port| *port != 0)
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

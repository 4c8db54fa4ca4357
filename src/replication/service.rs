//! What a member answers the others.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use openraft::Snapshot;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task;

use super::change::Change;
use super::cluster::Cluster;
use super::manifest::VERSION;
use super::stream;
use super::wire::{
    APPEND, BRING, Body, CAME, COMPARE, HAND_OVER, LEAD, MAX_QUESTION, MEMBERS, OBJECTS, Objects,
    PACKS, PROPOSE, Propose, READ, ReadIndex, SNAPSHOT, STANDING, SnapshotSent, VOTE,
};
use crate::protocol::FetchRequest;
use crate::repository::{Error, FetchAnswer, Pushed, Spool};
use crate::tls::KeyId;

/// What is meant for one log.
const LOGS: [&str; 3] = [APPEND, VOTE, SNAPSHOT];

type Failure = (StatusCode, String);

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
                json(&self.raft.append_entries(question(request).await?).await)
            }
            (Method::POST, VOTE) => json(&self.raft.vote(question(request).await?).await),
            (Method::POST, SNAPSHOT) => json(&self.take_snapshot(question(request).await?).await),
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
                self.hand_over_to(&name).await;
                json(&())
            }
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

    /// Fetches what a snapshot names from the member that sends it, then takes the snapshot.
    async fn take_snapshot(&self, sent: SnapshotSent) -> Result<openraft::Vote<u64>, String> {
        let SnapshotSent { vote, meta, manifest } = sent;
        if manifest.version > VERSION {
            return Err(told(
                "the leader runs a newer ecconfigd, whose snapshots this one cannot read: upgrade this server",
            ));
        }
        let leader = meta.last_membership.membership().get_node(&vote.leader_id().node_id);
        let leader = leader.cloned().ok_or("the leader is no member")?;
        for standing in &manifest.subclusters {
            let fetched = self.peers.fetch_objects(&leader, &self.store, standing).await;
            fetched.map_err(|error| {
                let text = format!(
                    "the objects of subcluster {} could not be fetched from {}: {error}; it is tried again",
                    standing.name, leader.name,
                );
                tracing::warn!(subcluster = standing.name, "{text}");
                text
            })?;
        }
        let snapshot = Snapshot { meta, snapshot: Box::new(manifest) };
        let taken = self.raft.install_full_snapshot(vote, snapshot).await;
        taken.map(|response| response.vote).map_err(|error| error.to_string())
    }

    async fn take_pack(
        &self,
        pack: &str,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Failure> {
        let bad = || (StatusCode::BAD_REQUEST, "it is not said how much was pushed".to_owned());
        let query = request.uri().query().unwrap_or_default();
        let number = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name)?.1.parse::<u64>().ok()
        };
        let objects = number("objects").and_then(|n| n.try_into().ok()).ok_or_else(bad)?;
        let length = number("length").ok_or_else(bad)?;
        let pushed = Pushed { pack: pack.to_owned(), objects, length };
        let inbox = self.inbox.clone();
        let work = move |input: &mut dyn io::BufRead| inbox.receive(&pushed, input);
        stream::read(request.into_body(), &self.spool_dir, work).await.map_err(unavailable)?;
        Ok(Response::new(stream::nothing()))
    }

    fn give_pack(&self, pack: &str) -> Result<Response<Body>, Failure> {
        let missing = || (StatusCode::NOT_FOUND, format!("there is no pack {pack}"));
        let (pushed, file) = self.inbox.file(pack).ok_or_else(missing)?;
        let mut response = Response::new(stream::file(file));
        response.headers_mut().insert("objects", pushed.objects.into());
        response.headers_mut().insert("length", pushed.length.into());
        Ok(response)
    }

    async fn give_objects(&self, asked: Objects) -> Result<Response<Body>, Failure> {
        let Objects { subcluster, wants, haves } = asked;
        let subcluster = self.store.get(&subcluster).map_err(unavailable)?;
        let request = FetchRequest { wants, haves, done: true, ..FetchRequest::default() };
        let request = Arc::new(request);
        loop {
            let (subcluster, request) = (subcluster.clone(), request.clone());
            let dir = self.spool_dir.clone();
            let work = move || subcluster.fetch(&request, None, &dir);
            match task::spawn_blocking(work).await.map_err(unavailable)? {
                Err(Error::InTheMaking(making)) => making.done().await,
                Ok(FetchAnswer { pack, .. }) => {
                    let pack = pack.unwrap_or(Spool::Memory(Default::default()));
                    return Ok(Response::new(stream::spool(pack)));
                }
                Err(error) => return Err(unavailable(error)),
            }
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

fn told(text: &str) -> String {
    tracing::error!("{text}");
    text.to_owned()
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

fn unavailable(error: impl std::fmt::Display) -> Failure {
    (StatusCode::SERVICE_UNAVAILABLE, error.to_string())
}

fn plain((status, text): Failure) -> Response<Body> {
    let mut response = Response::new(stream::bytes(text.into_bytes()));
    *response.status_mut() = status;
    response
}

//! Packs, objects and snapshots, as members give and take them.

use std::io;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use openraft::{Snapshot, Vote};
use tokio::task;

use super::cluster::Cluster;
use super::manifest::{Standing, VERSION};
use super::service::{Failure, unavailable};
use super::stream;
use super::wire::{Body, Objects, SnapshotSent};
use crate::protocol::FetchRequest;
use crate::repository::{Error, FetchAnswer, Pushed, Spool};

impl Cluster {
    /// Fetches what a snapshot names from the member that sends it, then takes the snapshot.
    pub(super) async fn take_snapshot(&self, sent: SnapshotSent) -> Result<Vote<u64>, String> {
        let SnapshotSent { vote, meta, manifest } = sent;
        if manifest.version > VERSION {
            return Err(told(
                "the leader runs a newer ecconfigd, whose snapshots this one cannot read: upgrade this server",
            ));
        }
        let leader = meta.last_membership.membership().get_node(&vote.leader_id().node_id);
        let leader = leader.cloned().ok_or("the leader is no member")?;
        for standing in &manifest.subclusters {
            let fetched = match self.peers.fetch_objects(&leader, &self.store, standing).await {
                // What is here may be damaged.
                Err(_) => {
                    let _turn = self.machine.turn.lock().await;
                    let Standing { name, refs, orders } = standing.clone();
                    self.machine.bring_to(&name, refs, orders).await
                }
                Ok(()) => Ok(()),
            };
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
        // What was here before may be damaged.
        self.not_whole.notify_one();
        taken.map(|response| response.vote).map_err(|error| error.to_string())
    }

    pub(super) async fn take_pack(
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
        let emptied = stream::read(request.into_body(), &self.spool_dir, work).await;
        let emptied = emptied.map_err(unavailable)?;
        // The sender need not wait for it.
        task::spawn_blocking(|| drop(emptied));
        Ok(Response::new(stream::nothing()))
    }

    pub(super) fn give_pack(&self, pack: &str) -> Result<Response<Body>, Failure> {
        let missing = || (StatusCode::NOT_FOUND, format!("there is no pack {pack}"));
        let (pushed, file) = self.inbox.file(pack).ok_or_else(missing)?;
        let mut response = Response::new(stream::file(file));
        response.headers_mut().insert("objects", pushed.objects.into());
        response.headers_mut().insert("length", pushed.length.into());
        Ok(response)
    }

    pub(super) async fn give_objects(&self, asked: Objects) -> Result<Response<Body>, Failure> {
        let Objects { subcluster, wants, haves } = asked;
        let subcluster = self.store.get(&subcluster).map_err(unavailable)?;
        let request = FetchRequest { wants, haves, done: true, ..FetchRequest::default() };
        let request = Arc::new(request);
        loop {
            let (subcluster, request) = (subcluster.clone(), request.clone());
            let dir = self.spool_dir.clone();
            let work = move || subcluster.fetch(&request, None, &dir, &|| true);
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
}

fn told(text: &str) -> String {
    tracing::error!("{text}");
    text.to_owned()
}

//! The ways to the other members.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, BufRead};
use std::path::PathBuf;
use std::sync::atomic::AtomicU16;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::Method;
use tokio::task;
use tokio::time::timeout;

use super::addresses::Addresses;
use super::link::{Link, Unanswered};
use super::manifest::Standing;
use super::raft::Member;
use super::stream;
use super::wire::{OBJECTS, Objects, PACKS, STANDING};
use crate::protocol::Id;
use crate::repository::{Error, Inbox, Pushed, Ref, Store};
use crate::tls::ServerTls;

/// A pack or the objects of a repository must have gone over within this time.
const TRANSFER_TIME: Duration = Duration::from_secs(15 * 60);

/// One that does not answer within this time is not there.
const ANSWER_TIME: Duration = Duration::from_secs(3);

/// What a connection is used for: large things must not be in the way of the leader's word.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Use {
    /// Short questions.
    Talk,
    /// Packs.
    Bulk,
}

/// One connection for each use and member.
pub(super) struct Peers {
    tls: Arc<ServerTls>,
    own_key: String,
    spool_dir: PathBuf,
    pub(super) addresses: Arc<Addresses>,
    links: Mutex<HashMap<(Use, String, String), Arc<Link>>>,
}

impl Peers {
    /// `port` is where the others find this server.
    pub(super) fn new(
        tls: Arc<ServerTls>,
        own_key: String,
        spool_dir: PathBuf,
        port: Arc<AtomicU16>,
    ) -> Self {
        let (addresses, links) = (Arc::new(Addresses::new(port)), Mutex::default());
        Self { tls, own_key, spool_dir, addresses, links }
    }

    /// The way to a member. One that has another address now gets a new one.
    pub(super) fn link(&self, member: &Member, used: Use) -> Arc<Link> {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (used, member.key.clone(), member.address.clone());
        let new = || {
            let addresses = self.addresses.clone();
            Arc::new(Link::new(member.clone(), addresses, self.tls.clone()))
        };
        links.entry(key).or_insert_with(new).clone()
    }

    /// Lets go of the connections to all who are none of these.
    pub(super) fn keep_links(&self, members: &[Member]) {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.retain(|(_, key, _), _| members.iter().any(|member| member.key == *key));
    }

    /// Whether the member answers now, at its address and nowhere else, over a connection that is made for that: an old one may be to a
    /// server that has another key by now.
    pub(super) async fn answers(&self, member: &Member) -> bool {
        let link = Link::new(member.clone(), Arc::default(), self.tls.clone());
        match link.ask(STANDING, Vec::new(), ANSWER_TIME).await {
            // It is there, and does not know this server yet.
            Ok(_) | Err(Unanswered::Refused { .. }) => true,
            Err(_) => false,
        }
    }

    /// All of these but this server itself.
    pub(super) fn others<'a>(
        &self,
        members: &'a [Member],
    ) -> impl Iterator<Item = &'a Member> + use<'a> {
        let own_key = self.own_key.clone();
        members.iter().filter(move |member| member.key != own_key)
    }

    /// Has this server's own inbox on its disk.
    pub(super) async fn keep_pack(&self, inbox: Arc<Inbox>) -> Result<(), Unanswered> {
        let synced = task::spawn_blocking(move || inbox.sync()).await.map_err(io::Error::other);
        synced.flatten().map_err(|error| Unanswered::Unreachable("the disk".into(), error))
    }

    /// Gives a member a pack to keep. When this returns, it is on the member's disk.
    pub(super) async fn send_pack(
        &self,
        member: &Member,
        inbox: &Inbox,
        pack: &str,
    ) -> Result<(), Unanswered> {
        let Some((pushed, file)) = inbox.file(pack) else { return Ok(()) };
        let Pushed { objects, length, .. } = pushed;
        let path = format!("{PACKS}{pack}?objects={objects}&length={length}");
        let link = self.link(member, Use::Bulk);
        let sent = link.send(Method::PUT, &path, stream::file(file));
        let late = |_| Err(Unanswered::TooLate(member.name.clone()));
        timeout(TRANSFER_TIME, sent).await.unwrap_or_else(late).map(drop)
    }

    /// Gets a pack from whoever has it.
    pub(super) async fn fetch_pack(
        &self,
        members: &[Member],
        pack: &str,
        inbox: &Arc<Inbox>,
    ) -> bool {
        for member in self.others(members) {
            let fetched = timeout(TRANSFER_TIME, self.fetch_from(member, pack, inbox)).await;
            match fetched {
                Ok(Ok(())) => return true,
                Ok(Err(error)) => tracing::debug!("the pack {pack} is not to be had: {error}"),
                Err(_) => tracing::debug!("the pack {pack} took {} too long", member.name),
            }
        }
        false
    }

    async fn fetch_from(&self, member: &Member, pack: &str, inbox: &Arc<Inbox>) -> io::Result<()> {
        let path = format!("{PACKS}{pack}");
        let link = self.link(member, Use::Bulk);
        let response = link.send(Method::GET, &path, stream::nothing()).await;
        let response = response.map_err(io::Error::other)?;
        let number = |name| {
            let value = response.headers().get(name)?;
            value.to_str().ok()?.parse::<u64>().ok()
        };
        let (Some(objects), Some(length)) = (number("objects"), number("length")) else {
            return Err(io::Error::other("it does not say how much was pushed"));
        };
        let objects = u32::try_from(objects).map_err(io::Error::other)?;
        let pushed = Pushed { pack: pack.to_owned(), objects, length };
        let inbox = inbox.clone();
        stream::read(response.into_body(), &self.spool_dir, move |input| {
            inbox.receive(&pushed, input).map(drop)
        })
        .await
    }

    /// Gets what is missing of a subcluster from a member that stands where `standing` says.
    pub(super) async fn fetch_objects(
        &self,
        member: &Member,
        store: &Arc<Store>,
        standing: &Standing,
    ) -> io::Result<()> {
        let (worker, wanted) = (store.clone(), standing.clone());
        let lacks = move || worker.lacks(&wanted.name, &wanted.refs);
        let lacks = task::spawn_blocking(lacks).await?;
        let (haves, wants) = lacks.map_err(io::Error::other)?;
        if wants.is_empty() {
            return Ok(());
        }
        let asked = Objects { subcluster: standing.name.clone(), wants, haves };
        let (store, name) = (store.clone(), standing.name.clone());
        self.get_objects(member, &asked, move |input| store.take_objects(&name, input)).await
    }

    /// Gets all that these references of a subcluster lead to from a member.
    pub(super) async fn fetch_all(
        &self,
        member: &Member,
        store: &Arc<Store>,
        name: &str,
        refs: &[Ref],
    ) -> io::Result<()> {
        let wants: BTreeSet<Id> = refs.iter().map(|(_, id)| *id).collect();
        let wants = wants.into_iter().collect();
        let asked = Objects { subcluster: name.to_owned(), wants, haves: Vec::new() };
        let (store, name) = (store.clone(), name.to_owned());
        self.get_objects(member, &asked, move |input| store.take_all(&name, input)).await
    }

    async fn get_objects(
        &self,
        member: &Member,
        asked: &Objects,
        take: impl FnOnce(&mut dyn BufRead) -> Result<(), Error> + Send + 'static,
    ) -> io::Result<()> {
        let question = serde_json::to_vec(asked)?;
        let link = self.link(member, Use::Bulk);
        let fetched = async {
            let response = link.send(Method::POST, OBJECTS, stream::bytes(question)).await;
            let body = response.map_err(io::Error::other)?.into_body();
            stream::read(body, &self.spool_dir, take).await
        };
        let late = |_| Err(io::Error::from(io::ErrorKind::TimedOut));
        timeout(TRANSFER_TIME, fetched).await.unwrap_or_else(late)
    }
}

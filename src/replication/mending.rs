//! Repositories on this disk that are not what the log has led to: somebody wrote into them, or they
//! are damaged.

use std::io;
use std::time::Duration;

use tokio::task;

use super::cluster::Cluster;
use super::making::tell_other_hands;
use super::manifest::Standing;
use super::peers::Use;
use super::raft::Member;
use super::state::Refs;
use super::wire::COMPARE;
use crate::repository::{Error, Ref};

/// A member must have compared its repository within this time.
const COMPARE_TIME: Duration = Duration::from_secs(60);

impl Cluster {
    /// The same at the start, when the log has been made again as far as it may have been made before.
    pub(super) async fn mend_at_start(&self) {
        self.made_until(self.kept.last_at_start()).await;
        self.mend_all().await;
    }

    /// Compares all repositories with the log, and mends what differs with what the others have.
    pub(super) async fn mend_all(&self) {
        let names: Vec<String> = self.kept.now().refs.keys().cloned().collect();
        for name in names {
            if let Err(error) = self.mend(&name).await {
                tracing::error!(
                    subcluster = name,
                    "the repository of subcluster {name} on this server is not what the cluster has, and could not be mended: {error}; it is tried again at the next start or reload",
                );
            }
        }
    }

    /// Compares the references of one subcluster with the log, and mends them.
    pub(super) async fn mend(&self, name: &str) -> Result<(), Error> {
        let _turn = self.machine.turn.lock().await;
        if self.differs(name) {
            tell_other_hands(name);
            self.fetch_missing(name).await?;
            let (machine, name) = (self.machine.clone(), name.to_owned());
            let mended = task::spawn_blocking(move || machine.set_back(&name)).await;
            mended.map_err(io::Error::other)??;
        }
        Ok(())
    }

    /// Has every member compare and mend its repository of a subcluster. Fails with what is wrong.
    pub(super) async fn compare(&self, name: &str) -> Result<(), Error> {
        let question = serde_json::to_vec(name).map_err(io::Error::other)?;
        let mut wrong = Vec::new();
        for (member, _) in self.members().into_values() {
            let compared = match member.key == self.key {
                true => self.compare_own(name).await.map_err(|error| error.to_string()),
                false => self.compare_at(&member, question.clone()).await,
            };
            wrong.extend(compared.err().map(|error| format!("{}: {error}", member.name)));
        }
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(Error::Unsound(wrong.join("; "))),
        }
    }

    /// The same here alone: whether the history and the newest files are whole, too.
    pub(super) async fn compare_own(&self, name: &str) -> Result<(), Error> {
        self.mend(name).await?;
        let (store, name) = (self.store.clone(), name.to_owned());
        let checked = task::spawn_blocking(move || store.get(&name)?.check()).await;
        checked.map_err(io::Error::other)?
    }

    async fn compare_at(&self, member: &Member, question: Vec<u8>) -> Result<(), String> {
        let link = self.peers.link(member, Use::Talk);
        let answer = link.ask(COMPARE, question, COMPARE_TIME).await.map_err(|e| e.to_string())?;
        serde_json::from_slice(&answer).map_err(|e| e.to_string())?
    }

    /// Whether the references are others than the log's. One that has moved meanwhile is not.
    fn differs(&self, name: &str) -> bool {
        let Ok(subcluster) = self.store.get(name) else { return true };
        let snapshot = subcluster.snapshot();
        let here: Refs = snapshot.refs().iter().map(|r| (r.name.clone(), r.target)).collect();
        self.kept.now().refs.get(name).is_some_and(|refs| *refs != here)
    }

    async fn fetch_missing(&self, name: &str) -> Result<(), Error> {
        let Some(refs) = self.kept.now().refs.get(name).cloned() else { return Ok(()) };
        let refs: Vec<Ref> = refs.into_iter().collect();
        let standing = Standing { name: name.to_owned(), refs, orders: Default::default() };
        let members = self.kept.members();
        let mut failed = None;
        for member in self.peers.others(&members) {
            match self.peers.fetch_objects(member, &self.store, &standing).await {
                Ok(()) => return Ok(()),
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }
}

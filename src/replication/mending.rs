//! Repositories on this disk that are not what the log has led to: somebody wrote into them, or they
//! are damaged.

use std::io;

use tokio::task;

use super::cluster::Cluster;
use super::manifest::Standing;
use super::state::Refs;
use super::state_machine::tell_other_hands;
use crate::repository::{Error, Ref};

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

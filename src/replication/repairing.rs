//! Bringing a repository of this member back to what the log has led to, whatever has happened to it.

use std::io;

use tokio::task;

use super::making::tell_other_hands;
use super::state_machine::StateMachine;
use crate::repository::{Error, Moved, Orders, Ref, Store};

impl StateMachine {
    /// Puts aside what is damaged of a repository, gets what it lacks from the other members, and sets
    /// its references. Whoever calls this has the turn. Fails with what is missing and what to do.
    pub(super) async fn repair(&self, name: &str) -> Result<(), Error> {
        let state = self.kept.now();
        if !state.refs.contains_key(name) {
            return Ok(());
        }
        let (refs, orders) = (self.refs_of(name), state.orders(name));
        self.bring_to(name, refs, orders).await
    }

    /// The same with references and orders that a snapshot has.
    pub(super) async fn bring_to(
        &self,
        name: &str,
        refs: Vec<Ref>,
        orders: Orders,
    ) -> Result<(), Error> {
        if self.deviates(name) {
            self.store.keep_from_readers(name)?;
        } else if self.is_whole(name, &refs, &orders).await {
            // It may be the disk that takes nothing: readers are not shown less than before for that.
            return Ok(());
        }
        let mut damaged = self.at(name, |store, name| store.put_aside_damage(name)).await?;
        let fetched = self.fill(name, &refs).await?;
        let moved = self.at(name, move |store, name| store.bring_back(name, &refs, &orders));
        let Moved { lost, by_hand } = moved.await?;
        damaged.extend(lost);
        damaged.dedup();
        if !damaged.is_empty() || fetched.is_some() {
            let what = match damaged.is_empty() {
                true => "objects were missing".to_owned(),
                false => damaged.join(", "),
            };
            let from = fetched.map_or_else(
                || "from the cluster's log".to_owned(),
                |member| format!("with what {member} has"),
            );
            tracing::warn!(
                subcluster = name,
                "the repository of subcluster {name} on this server was damaged ({what}) and has been mended {from}; what was put aside lies in its directory ecconfigd-damaged and may be deleted",
            );
        } else if !by_hand.is_empty() {
            tell_other_hands(name);
        }
        Ok(())
    }

    /// Where the references of a subcluster are to be.
    pub(super) fn refs_of(&self, name: &str) -> Vec<Ref> {
        let state = self.kept.now();
        let refs = state.refs.get(name).into_iter().flatten();
        refs.map(|(name, id)| (name.clone(), *id)).collect()
    }

    /// Gets the objects that are missing for these references, if there are any, and returns from whom.
    async fn fill(&self, name: &str, refs: &[Ref]) -> Result<Option<String>, Error> {
        let mut why = match self.misses(name, refs).await? {
            None => return Ok(None),
            Some(missing) => missing,
        };
        let members = self.kept.members();
        for member in self.peers.others(&members) {
            match self.peers.fetch_all(member, &self.store, name, refs).await {
                Err(error) => why = format!("{why}; {}: {error}", member.name),
                Ok(()) => match self.misses(name, refs).await? {
                    None => return Ok(Some(member.name.clone())),
                    Some(missing) => {
                        why = format!("{why}; with what {} has: {missing}", member.name)
                    }
                },
            }
        }
        Err(Error::Unsound(format!(
            "objects of subcluster {name} are missing here and no other member could give them ({why}): start the others, or put the files of objects/pack of its repository back from a backup; it is tried again"
        )))
    }

    async fn is_whole(&self, name: &str, refs: &[Ref], orders: &Orders) -> bool {
        let (refs, orders) = (refs.to_vec(), orders.clone());
        let looked = self.at(name, move |store, name| store.is_whole(name, &refs, &orders)).await;
        looked.is_ok_and(|is_whole| is_whole)
    }

    async fn misses(&self, name: &str, refs: &[Ref]) -> Result<Option<String>, Error> {
        let refs = refs.to_vec();
        self.at(name, move |store, name| store.misses(name, &refs)).await
    }

    async fn at<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce(&Store, &str) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (store, name) = (self.store.clone(), name.to_owned());
        let done = task::spawn_blocking(move || work(&store, &name)).await;
        done.map_err(io::Error::other)?
    }
}

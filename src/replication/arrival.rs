//! The pack of an entry, which must be here before the entry is made.

use std::time::Duration;

use tokio::task;
use tokio::time::sleep;

use super::change::{Change, Proposal};
use super::making::pack_of;
use super::state_machine::StateMachine;
use crate::repository;

/// How soon the others are asked again.
const PAUSE: Duration = Duration::from_secs(1);

impl StateMachine {
    /// Waits until the pack of an entry is here.
    pub(super) async fn fetch_pack(&self, proposal: &Proposal) {
        let Proposal::V1(Change::Subcluster { entry, small: None, .. }) = proposal else { return };
        let Some(pack) = pack_of(entry) else { return };
        let mut told = false;
        while !self.has_pack(entry, pack).await {
            if self.peers.fetch_pack(&self.kept.members(), pack, &self.inbox).await {
                return;
            }
            if !std::mem::replace(&mut told, true) {
                tracing::warn!(
                    subcluster = entry.subcluster,
                    "no member that can be reached has the objects of the newest change of {}: it is made here as soon as one is back",
                    entry.subcluster,
                );
            }
            sleep(PAUSE).await;
        }
    }

    async fn has_pack(&self, entry: &repository::Entry, pack: &str) -> bool {
        let (this, entry, pack) = (self.clone(), entry.clone(), pack.to_owned());
        let has = move || {
            let (repository::Change::Move(change) | repository::Change::Create(change)) =
                &entry.change
            else {
                return true;
            };
            this.inbox.find(&pack).is_some()
                || this.store.has_all(&entry.subcluster, &change.updates).unwrap_or(false)
        };
        task::spawn_blocking(has).await.unwrap_or(false)
    }
}

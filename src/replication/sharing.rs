//! Accounts that were changed in this server's file, by `ecconfigd passwd` or by hand, for the others.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task;
use tokio::time::sleep;

use super::change::Change;
use super::cluster::Cluster;
use crate::accounts::Entry;
use crate::repository::Error;

/// How soon what could not be told to the others is tried again.
const PAUSE: Duration = Duration::from_secs(1);

type Accounts = BTreeMap<String, Entry>;

impl Cluster {
    /// Tells the others of changes until there is nothing left to tell, again and again: whenever
    /// the accounts have been read, and at the start.
    pub(super) async fn share_accounts(self: Arc<Self>) {
        let mut told = false;
        loop {
            match self.share_once().await {
                Ok(()) => told = false,
                Err(error) if !std::mem::replace(&mut told, true) => tracing::warn!(
                    "a change of the accounts is known to this server only, until the others can be told: {error}",
                ),
                Err(_) => {}
            }
            match told {
                true => sleep(PAUSE).await,
                false => self.accounts_changed.notified().await,
            }
        }
    }

    /// Returns when all accounts that this server has are those of the cluster.
    pub(super) async fn share_once(&self) -> Result<(), Error> {
        let file = self.machine.accounts.clone();
        let here =
            task::spawn_blocking(move || file.read()).await.map_err(std::io::Error::other)?;
        let here = here.map_err(std::io::Error::other)?;
        let state = self.kept.now();
        // Before the first snapshot has come, what is here is of no account.
        if state.applied.is_none() {
            return Ok(());
        }
        for (name, account) in differences(&here, &state.accounts) {
            let from = state.accounts.get(&name).cloned();
            self.decide(Change::Account { name, from, account }).await?;
        }
        Ok(())
    }
}

/// What takes `there` to `here`.
fn differences(here: &Accounts, there: &Accounts) -> Vec<(String, Option<Entry>)> {
    let changed = here.iter().filter(|(name, account)| there.get(*name) != Some(account));
    let changed = changed.map(|(name, account)| (name.clone(), Some(account.clone())));
    let gone = there.keys().filter(|name| !here.contains_key(*name));
    changed.chain(gone.map(|name| (name.clone(), None))).collect()
}

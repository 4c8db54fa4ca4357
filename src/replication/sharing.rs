//! The accounts: this member's file of them is a copy of what the log has led to. What somebody changes
//! on this server (`ecconfigd passwd`) is noted beside the file, and the others are told of that alone:
//! whatever happens to the file itself, it is written again.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::task;
use tokio::time::sleep;

use super::change::Change;
use super::cluster::Cluster;
use super::state::State;
use crate::accounts::{self, Entries, Noted, OfCluster};
use crate::repository::Error;

/// How soon what could not be done is tried again.
const PAUSE: Duration = Duration::from_secs(1);

impl Cluster {
    /// The accounts that the cluster has, and what has been changed here since. None while nothing is
    /// known of the cluster. Blocks.
    pub(super) fn accounts(&self) -> Option<OfCluster> {
        let state = self.kept.now();
        let noted = self.machine.accounts.noted().unwrap_or_default();
        (!state.accounts.is_empty()).then(|| OfCluster {
            accounts: with_noted(&state, &noted),
            old_names: self.kept.old_names(),
        })
    }

    /// Keeps the file what it should be and tells the others of what is noted, for as long as this
    /// server runs.
    pub(super) async fn share_accounts(self: Arc<Self>) {
        let mut moved = self.kept.accounts_moved();
        let mut told = false;
        // One that has just been let in has a file of its own.
        let mut copied = match self.kept.now().applied {
            None => self.machine.accounts.read().ok(),
            Some(_) => None,
        };
        loop {
            match self.share_once(&mut copied).await {
                Ok(()) => told = false,
                Err(error) if !std::mem::replace(&mut told, true) => tracing::warn!(
                    "the accounts of this server and those of the cluster are not the same, until this can be mended: {error}",
                ),
                Err(_) => {}
            }
            match told {
                true => sleep(PAUSE).await,
                false => tokio::select! {
                    () = self.accounts_changed.notified() => {}
                    _ = moved.changed() => {}
                },
            }
        }
    }

    async fn share_once(&self, copied: &mut Option<Entries>) -> Result<(), Error> {
        let state = self.kept.now();
        if state.accounts.is_empty() {
            return Ok(());
        }
        let (file, before) = (self.machine.accounts.clone(), copied.take());
        let kept = self.kept.clone();
        let written = task::spawn_blocking(move || {
            if let Err(error) = kept.keep_old_names(Default::default()) {
                tracing::warn!("what is known of the original's accounts cannot be kept: {error}");
            }
            write_copy(&file, &state, before)
        });
        let (now, noted) = written.await.map_err(io::Error::other)?.map_err(io::Error::other)?;
        *copied = Some(now);
        if noted.is_empty() {
            return Ok(());
        }
        for Noted { name, from, account } in noted.iter().filter(|n| !n.is_nothing()).cloned() {
            self.decide(Change::Account { name, from, account }).await?;
        }
        let (file, state) = (self.machine.accounts.clone(), self.kept.now());
        let (later, told): (Vec<_>, Vec<_>) =
            noted.into_iter().partition(|noted| !noted.is_nothing() && noted.fits(&state.accounts));
        let forget = move || {
            told.iter().for_each(|noted| warn_of_other(noted, &state));
            file.lock()?.forget(&told)
        };
        let forgotten = task::spawn_blocking(forget).await.map_err(io::Error::other)?;
        forgotten.map_err(io::Error::other)?;
        // What is noted no longer may have been refused.
        self.accounts_changed.notify_one();
        match later.is_empty() {
            true => Ok(()),
            false => Err(Error::Unreplicated("a change of them has not been made here yet".into())),
        }
    }
}

/// The accounts of the cluster with what has been changed here since.
pub(super) fn with_noted(state: &State, noted: &[Noted]) -> Entries {
    let mut accounts = state.accounts.clone();
    noted.iter().filter(|noted| noted.fits(&state.accounts)).for_each(|n| n.make(&mut accounts));
    accounts
}

/// Makes the file what it should be. `before` is what it was when it was looked at last. Returns what
/// it holds, and what the others are to be told of. Blocks.
fn write_copy(
    file: &accounts::File,
    state: &State,
    before: Option<Entries>,
) -> Result<(Entries, Vec<Noted>), accounts::Error> {
    let locked = file.lock()?;
    let noted = file.noted()?;
    let now = with_noted(state, &noted);
    let here = file.read();
    if here.as_ref().ok() != Some(&now) {
        // Changed by nobody but the log, or by `passwd` while the log has moved on.
        let as_left = |here: &Entries| {
            let Some(mut left) = before else { return false };
            let is_left = *here == left;
            noted.iter().for_each(|noted| noted.make(&mut left));
            is_left || *here == left
        };
        let path = file.path().display();
        match &here {
            Ok(here) if as_left(here) => {}
            Ok(_) => tracing::warn!(
                "{path} was not what the cluster has: it was damaged, edited, or an old copy, and has been written again with the accounts of the cluster; to change one, use ecconfigd passwd",
            ),
            Err(error) => tracing::warn!(
                "the file of accounts was damaged and has been written again with the accounts of the cluster: {error}",
            ),
        }
        locked.write(&now)?;
    }
    Ok((now, noted))
}

fn warn_of_other(noted: &Noted, state: &State) {
    let name = &noted.name;
    if state.accounts.get(name) != noted.account.as_ref() {
        tracing::warn!(
            account = name,
            "the account {name}, changed on this server, has been changed on another one too, and stays as it was set there: set its password again if that is not the one you want (ecconfigd passwd {name})",
        );
    }
}

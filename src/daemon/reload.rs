//! Taking up what has changed on disk, without letting go of a connection.

use std::sync::Arc;

use tokio::task;

use super::certificate::Certificate;
use super::watch::Changed;
use crate::server::App;

/// Everything that can be reloaded.
pub(super) struct Reload {
    pub(super) app: Arc<App>,
    pub(super) certificate: Arc<Certificate>,
}

impl Reload {
    /// All of it: accounts, certificate, repositories.
    pub(super) async fn everything(self: &Arc<Self>) {
        let this = self.clone();
        let done = task::spawn_blocking(move || {
            this.accounts();
            this.certificate.reload();
            match this.app.log().is_member() {
                // They are compared with the log before anybody is shown what is there.
                true => this.app.log().mend_repositories(),
                false => this.rescan(),
            }
        });
        if done.await.is_ok() {
            tracing::info!("accounts, certificate and repositories have been read again");
        }
    }

    fn rescan(&self) {
        if let Err(error) = self.app.store().rescan() {
            tracing::error!("the repositories could not be read again: {error}");
        }
    }

    /// What a change of a file asks for. Blocks.
    pub(super) fn changed(&self, what: Changed) {
        match what {
            Changed::Accounts => self.accounts(),
            Changed::Certificate => self.certificate.reload(),
        }
    }

    /// Takes up what other members have changed of the accounts, for as long as the process runs.
    pub(super) async fn follow_accounts(self: Arc<Self>) {
        let mut moved = self.app.log().accounts_moved().await;
        loop {
            let this = self.clone();
            let _ = task::spawn_blocking(move || this.take_accounts()).await;
            if moved.changed().await.is_err() {
                return;
            }
        }
    }

    fn accounts(&self) {
        self.take_accounts();
        self.app.log().accounts_changed();
    }

    fn take_accounts(&self) {
        match self.app.reload_accounts() {
            Ok(()) => tracing::debug!("the accounts have been read again"),
            Err(error) => tracing::error!("the accounts that were known stay in use: {error}"),
        }
    }
}

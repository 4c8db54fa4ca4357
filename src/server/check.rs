//! Checking a password: when it is its turn, and counted whatever becomes of whoever asked.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::time::sleep;

use super::app::App;
use super::attempts::Refused;
use super::error::Error;
use super::throttle::{FREE_FAILURES, Ruling};
use crate::accounts::Account;
use crate::events;

/// A name and a password that somebody has shown.
pub(super) struct Shown {
    pub(super) name: String,
    pub(super) password: String,
    pub(super) client: IpAddr,
}

impl Shown {
    /// Whose they are. What fails has been counted and logged when this returns, and what is right
    /// is remembered.
    pub(super) async fn check(&self, app: &Arc<App>) -> Result<Account, Refused> {
        let Self { name, client, .. } = self;
        let mut turn = app.throttle.turn(*client).await?;
        // It may have been verified while this one waited for its turn.
        let recalled = app.accounts.load().recall(name, &self.password);
        match app.throttle.rule(*client, name, recalled.is_some()) {
            Ruling::Go => {}
            Ruling::Refuse => return Err(Refused::TooMany),
            Ruling::Wait(delay) => {
                drop(turn);
                sleep(delay).await;
                app.throttle.waited(*client);
                turn = app.throttle.turn(*client).await?;
            }
        }
        let account = match recalled {
            Some(account) => account,
            None => self.verify(app).await?,
        };
        drop(turn);
        app.throttle.succeeded(*client, &account.name);
        Ok(account)
    }

    async fn verify(&self, app: &Arc<App>) -> Result<Account, Refused> {
        let (name, password, worker) = (self.name.clone(), self.password.clone(), app.clone());
        let verified = app.hashes.run(move || {
            let accounts = worker.fresh_accounts();
            // It may have been verified while this one waited for its place.
            if let Some(account) = accounts.recall(&name, &password) {
                return Some(account);
            }
            let (account, is_old) = accounts.verify(&name, &password)?;
            if is_old {
                upgrade(&worker, &account, &password);
            }
            Some(account)
        });
        match verified.await {
            Ok(Some(account)) => Ok(account),
            Ok(None) => Err(refuse(app, &self.name, self.client)),
            Err(Error::Busy) => Err(Refused::Busy),
            Err(_) => Err(Refused::Failed),
        }
    }
}

/// Moves a password from the original's file to ours.
fn upgrade(app: &App, account: &Account, password: &str) {
    let name = &account.name;
    match app.accounts_file.add(name, account.role, password) {
        Ok(()) => tracing::info!(
            account = name,
            "the password of {name} is now kept as an argon2id hash; its line in svn-auth.htdigest is no longer used",
        ),
        Err(error) => tracing::warn!(
            account = name,
            "the password of {name} stays an MD5 digest in svn-auth.htdigest: {error}",
        ),
    }
}

/// Counts a failure and logs it.
pub(super) fn refuse(app: &App, name: &str, client: IpAddr) -> Refused {
    let failures = app.throttle.failed(client);
    let account = name.escape_default().to_string();
    log_refused(&account, client, failures);
    Refused::Wrong
}

/// The first failures are told one by one, further ones ever more rarely: the log is not for an
/// attacker to fill.
fn log_refused(account: &str, client: IpAddr, failures: u32) {
    if failures <= FREE_FAILURES {
        tracing::info!(
            account,
            %client,
            failures,
            "login of {account} from {client} refused: unknown name or wrong password",
        );
    } else if (failures - FREE_FAILURES).is_power_of_two() {
        tracing::warn!(
            message_id = events::LOGINS_REFUSED,
            account,
            %client,
            failures,
            "{failures} logins from {client} have been refused, the last one of {account}: its further ones are slowed down",
        );
    }
}

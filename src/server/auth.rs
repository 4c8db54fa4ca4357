//! Who asks: HTTP Basic, checked against the accounts.

use std::net::IpAddr;
use std::sync::Arc;

use headers::authorization::{Authorization, Basic};
use headers::{HeaderMap, HeaderMapExt};
use tokio::time::sleep;

use super::app::App;
use super::error::Error;
use super::throttle::{FREE_FAILURES, Ruling};
use crate::accounts::{Account, MAX_PASSWORD};
use crate::events;

/// The longest name that is worth looking up.
const MAX_NAME: usize = 64;

/// The account whose name and password the request brings.
pub(super) async fn authenticate(
    app: &Arc<App>,
    headers: &HeaderMap,
    client: IpAddr,
) -> Result<Account, Error> {
    let Authorization(basic) =
        headers.typed_get::<Authorization<Basic>>().ok_or(Error::Unauthorized)?;
    if basic.username().len() > MAX_NAME || basic.password().len() > MAX_PASSWORD {
        return Err(refuse(app, "?", client));
    }
    if let Some(account) = recall(app, &basic)
        && app.throttle.lets_pass(client, &account.name)
    {
        return Ok(account);
    }
    // In a box of its own: what it takes is copied with each request otherwise.
    Box::pin(check(app, &basic, client)).await
}

/// Checks a password that is not known yet, when it is its turn.
async fn check(app: &Arc<App>, basic: &Basic, client: IpAddr) -> Result<Account, Error> {
    let mut turn = app.throttle.turn(client).await?;
    // Another request may have verified it while this one waited for its turn.
    let recalled = recall(app, basic);
    match app.throttle.rule(client, basic.username(), recalled.is_some()) {
        Ruling::Go => {}
        Ruling::Refuse => return Err(Error::TooManyLogins),
        Ruling::Wait(delay) => {
            drop(turn);
            let waiting = Waiting { app, client };
            sleep(delay).await;
            drop(waiting);
            turn = app.throttle.turn(client).await?;
        }
    }
    let account = match recalled {
        Some(account) => account,
        None => verify(app, basic, client).await?,
    };
    drop(turn);
    app.throttle.succeeded(client, &account.name);
    Ok(account)
}

fn recall(app: &App, basic: &Basic) -> Option<Account> {
    app.accounts.load().recall(basic.username(), basic.password())
}

async fn verify(app: &Arc<App>, basic: &Basic, client: IpAddr) -> Result<Account, Error> {
    let (name, password) = (basic.username().to_owned(), basic.password().to_owned());
    let worker = app.clone();
    let verified = app.hashes.run(move || {
        let accounts = worker.fresh_accounts();
        // Another request may have verified it while this one waited for its place.
        if let Some(account) = accounts.recall(&name, &password) {
            return Some(account);
        }
        let (account, is_old) = accounts.verify(&name, &password)?;
        if is_old {
            upgrade(&worker, &account, &password);
        }
        Some(account)
    });
    match verified.await? {
        Some(account) => Ok(account),
        None => Err(refuse(app, basic.username(), client)),
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

fn refuse(app: &App, name: &str, client: IpAddr) -> Error {
    let failures = app.throttle.failed(client);
    let account = name.escape_default().to_string();
    log_refused(&account, client, failures);
    Error::Unauthorized
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

/// Gives its place among the waiting back, also when the client goes away.
struct Waiting<'a> {
    app: &'a App,
    client: IpAddr,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.app.throttle.waited(self.client);
    }
}

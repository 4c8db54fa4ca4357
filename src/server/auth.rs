//! Who asks: HTTP Basic, checked against the accounts.

use std::net::IpAddr;
use std::sync::Arc;

use headers::HeaderMapExt;
use headers::authorization::{Authorization, Basic};
use hyper::Request;

use super::app::App;
use super::check::{self, Shown};
use super::error::Error;
use super::request_body::{RequestBody, weight};
use crate::accounts::{Account, MAX_PASSWORD};

/// The longest name that is worth looking up.
const MAX_NAME: usize = 64;

/// The account whose name and password the request brings.
pub(super) async fn authenticate(
    app: &Arc<App>,
    request: &Request<RequestBody>,
    client: IpAddr,
) -> Result<Account, Error> {
    let Authorization(basic) =
        request.headers().typed_get::<Authorization<Basic>>().ok_or(Error::Unauthorized)?;
    if basic.username().len() > MAX_NAME || basic.password().len() > MAX_PASSWORD {
        return Err(check::refuse(app, "?", client).into());
    }
    let recalled = app.accounts.load().recall(basic.username(), basic.password());
    if let Some(account) = recalled
        && app.throttle.lets_pass(client, &account.name)
    {
        return Ok(account);
    }
    let _share = app.requests.take(client, weight(request))?;
    // In a box of its own: what it takes is copied with each request otherwise.
    Box::pin(attempt(app, &basic, client)).await
}

/// Has a password checked that is not known yet.
async fn attempt(app: &Arc<App>, basic: &Basic, client: IpAddr) -> Result<Account, Error> {
    let (name, password) = (basic.username(), basic.password());
    let tag = app.accounts.load().tag(name, password);
    let (awaited, attempt) = app.attempts.join(client, tag)?;
    if let Some(attempt) = attempt {
        let shown = Shown { name: name.to_owned(), password: password.to_owned(), client };
        let app = app.clone();
        tokio::spawn(async move { attempt.end(shown.check(&app).await) });
    }
    awaited.verdict().await
}

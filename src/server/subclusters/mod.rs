//! `/subclusters`: what is asked of subclusters as such, by `eccfg`.

mod admin;
mod conflict;
mod copy;
mod create;
mod events;
mod list;
mod master;
mod news;
mod question;
mod route;
mod standing;
mod wait;

use std::net::IpAddr;
use std::sync::Arc;

use hyper::{Method, Request, Response, StatusCode};

use self::admin::Admin;
pub(super) use self::route::Route;
use self::route::What;
use super::app::App;
use super::error::Error;
use super::request_body::RequestBody;
use super::response::Body;
use super::service::{only_get, only_post};
use crate::accounts::Account;

pub(super) async fn answer(
    app: &Arc<App>,
    route: Route,
    account: Account,
    client: IpAddr,
    request: Request<RequestBody>,
) -> Result<Response<Body>, Error> {
    match route {
        Route::List(question) => {
            question.check(&request)?;
            question.answer(app, account, client, request).await
        }
        // In a box of its own: what it takes is copied with each question otherwise.
        Route::One(name, what) => Box::pin(one(app, name, what, account, client, request)).await,
    }
}

async fn one(
    app: &Arc<App>,
    name: String,
    what: What,
    account: Account,
    client: IpAddr,
    request: Request<RequestBody>,
) -> Result<Response<Body>, Error> {
    let role = account.role;
    let admin = || Admin::new(app, account, client);
    match what {
        What::Itself => match *request.method() {
            Method::GET | Method::HEAD => standing::respond(app, StatusCode::OK, &name),
            Method::PUT => create::put(admin()?, name).await,
            _ => Err(Error::BadMethod("GET, HEAD, PUT")),
        },
        What::Copy => {
            only_post(&request)?;
            copy::post(admin()?, name, request).await
        }
        What::Conflict => match *request.method() {
            Method::PUT => conflict::put(admin()?, name).await,
            Method::DELETE => conflict::delete(admin()?, name).await,
            _ => Err(Error::BadMethod("PUT, DELETE")),
        },
        What::Master => {
            only_get(&request)?;
            master::master(app, role, name).await
        }
        What::Slaves => {
            only_get(&request)?;
            master::slaves(app, role, name).await
        }
        What::Override => match *request.method() {
            Method::PUT => master::pin(admin()?, name, request).await,
            Method::DELETE => master::resume(admin()?, name, request).await,
            _ => Err(Error::BadMethod("PUT, DELETE")),
        },
    }
}

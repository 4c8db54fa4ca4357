//! From a request to its answer.

use std::net::IpAddr;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Method, Request, Response};

use super::app::App;
use super::auth::authenticate;
use super::directory::{Line, Listing};
use super::error::Error;
use super::file::{self, Asked, redirect};
use super::guest::{Guest, Head, Weighed};
use super::request_body::{RequestBody, weight};
use super::request_log::RequestLog;
use super::requests::InFlight;
use super::response::{Body, X_CONFIG_REVISION, without_body};
use super::route::{Route, What};
use super::{
    cross_site, health, held, host, info_refs, members, nodes, receive_pack, subclusters,
    upload_pack,
};
use crate::accounts::{Account, Role};
use crate::protocol::Service;
use crate::repository::{Name, Subcluster};

/// Who asks for this sees all that has been acknowledged anywhere in the cluster before.
const CONSISTENT: &str = "consistent";

/// Answers a request, whatever it is, and logs it.
pub(super) async fn serve(
    app: Arc<App>,
    client: IpAddr,
    guest: &Arc<Guest>,
    (request, head): Weighed<Incoming>,
    in_flight: Arc<InFlight>,
) -> Response<Body> {
    guest.is_active();
    let log = RequestLog::new(client, &request);
    let is_head = *request.method() == Method::HEAD;
    let mut met = Met::default();
    let request = RequestBody::of(request, in_flight);
    let result = respond(&app, client, (guest, head), request, &mut met).await;
    let result = result.and_then(|response| held::hold(&app, met.role, client, response));
    let mut response = result.unwrap_or_else(|error| {
        log.failed(&error);
        error.response()
    });
    if !response.headers().contains_key(X_CONFIG_REVISION)
        && let Some(head) = met.subcluster.and_then(|subcluster| subcluster.snapshot().head)
    {
        response.headers_mut().insert(X_CONFIG_REVISION, head.revision.into());
    }
    log.answered(&response);
    if is_head { without_body(response) } else { response }
}

/// What is known of a request when it has been answered, or refused.
#[derive(Default)]
struct Met {
    /// Whose it is.
    role: Option<Role>,
    /// Which one is asked.
    subcluster: Option<Arc<Subcluster>>,
}

async fn respond(
    app: &Arc<App>,
    client: IpAddr,
    (guest, head): (&Arc<Guest>, Option<Head>),
    request: Request<RequestBody>,
    met: &mut Met,
) -> Result<Response<Body>, Error> {
    known_method(&request)?;
    host::check(&request)?;
    let route = Route::parse(request.uri().path(), request.uri().query());
    match route {
        Ok(Route::Live) => return Ok(health::live()),
        Ok(Route::Ready) => return Ok(health::ready(app)),
        _ => {}
    }
    cross_site::check(&request)?;
    // Whose accounts are not here yet either.
    if app.log.is_joining() {
        return Err(Error::Joining);
    }
    // Nobody without a password learns which addresses there are.
    let account = authenticate(app, &request, client).await?;
    drop(head);
    met.role = Some(account.role);
    guest.known();
    if app.log.only_votes() && !is_about_members(&route, &request) {
        return Err(Error::OnlyVotes);
    }
    if request.uri().query().is_some_and(|query| query.split('&').any(|word| word == CONSISTENT)) {
        // In a box, as are others below: every request would have room for it otherwise.
        let _share = app.requests.take(client, weight(&request))?;
        Box::pin(app.log.catch_up()).await?;
    }
    match route? {
        Route::Live | Route::Ready => unreachable!("answered above"),
        Route::ToList => Ok(redirect("/config/")),
        Route::List => {
            only_get(&request)?;
            Ok(list(app, &request))
        }
        Route::Nodes(subcluster) => {
            only_get(&request)?;
            Box::pin(nodes::get(app, account.role, subcluster)).await
        }
        Route::Members => Box::pin(members::answer(app, account, client, request)).await,
        Route::Member(name) => {
            Box::pin(members::answer_for(app, name, account, client, request)).await
        }
        Route::Subclusters(route) => {
            subclusters::answer(app, route, account, client, request).await
        }
        Route::Subcluster { name, what } => {
            let opened = open(app, account.role, name).await?;
            met.subcluster = Some(opened.clone());
            answer_for(app, opened, what, account, client, request).await
        }
    }
}

fn is_about_members(route: &Result<Route, Error>, request: &Request<RequestBody>) -> bool {
    matches!(route, Ok(Route::Members)) && only_get(request).is_ok()
}

async fn answer_for(
    app: &Arc<App>,
    subcluster: Arc<Subcluster>,
    what: What,
    account: Account,
    client: IpAddr,
    request: Request<RequestBody>,
) -> Result<Response<Body>, Error> {
    match what {
        What::Rpc(service) => {
            only_post(&request)?;
            // In boxes of their own: what they take is copied with each other request otherwise.
            match service {
                Service::UploadPack => {
                    let role = account.role;
                    Box::pin(upload_pack::post(app, subcluster, role, client, request)).await
                }
                Service::ReceivePack => {
                    Box::pin(receive_pack::post(app, subcluster, account, client, request)).await
                }
            }
        }
        What::InfoRefs(service) => {
            only_get(&request)?;
            info_refs::get(&subcluster, service, account.role, request.headers())
        }
        What::Tree { path, slash, revision } => {
            only_get(&request)?;
            let (uri, headers) = (request.uri(), request.headers());
            file::get(
                app,
                subcluster,
                Asked { path, slash, revision, uri, headers, account: &account, client },
            )
            .await
        }
    }
}

/// Opening again what was broken reads files; the rest is a look into a map.
pub(super) async fn open(
    app: &Arc<App>,
    role: Role,
    name: String,
) -> Result<Arc<Subcluster>, Error> {
    if let Some(opened) = app.store.opened(&name) {
        return Ok(opened?);
    }
    let worker = app.clone();
    Ok(app.reads.run_for(role, move || worker.store.get(&name)).await??)
}

fn list(app: &App, request: &Request<RequestBody>) -> Response<Body> {
    let line =
        |name: Name| Line { name: name.to_string(), kind: "directory", size: None, id: None };
    let lines = app.store.names().into_iter().map(line).collect();
    Listing { title: "config", revision: None, lines }.respond(request.headers())
}

/// The names of methods know capital letters from small ones, and no method that there is has any of
/// these (RFC 9110, section 9.1).
fn known_method(request: &Request<RequestBody>) -> Result<(), Error> {
    match request.method().as_str().bytes().any(|letter| letter.is_ascii_lowercase()) {
        true => Err(Error::NoMethod),
        false => Ok(()),
    }
}

pub(super) fn only_get(request: &Request<RequestBody>) -> Result<(), Error> {
    match *request.method() {
        Method::GET | Method::HEAD => Ok(()),
        _ => Err(Error::BadMethod("GET, HEAD")),
    }
}

pub(super) fn only_post(request: &Request<RequestBody>) -> Result<(), Error> {
    match *request.method() {
        Method::POST => Ok(()),
        _ => Err(Error::BadMethod("POST")),
    }
}

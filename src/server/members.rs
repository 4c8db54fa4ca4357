//! `/members`: the servers of the cluster, letting another one in, and putting one out.

use std::net::IpAddr;
use std::sync::Arc;

use hyper::{Method, Request, Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::app::App;
use super::error::Error;
use super::json;
use super::request_body::RequestBody;
use super::response::Body;
use crate::accounts::{Account, Role};
use crate::momentum::is_node_name;
use crate::replication::{Admitted, MemberNow};
use crate::tls::KeyId;

/// Who is to be let in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with \"name\" and \"key\"")]
struct Asked {
    /// The host name by which the cluster's files list it.
    name: String,
    /// The key of its certificate, `sha256//BASE64`.
    key: String,
}

#[derive(Serialize)]
struct Members {
    members: Vec<MemberNow>,
    /// Who has been let in and is none of them.
    admitted: Vec<Admitted>,
}

pub(super) async fn answer(
    app: &Arc<App>,
    account: Account,
    client: IpAddr,
    request: Request<RequestBody>,
) -> Result<Response<Body>, Error> {
    match *request.method() {
        Method::GET | Method::HEAD => {
            let members = app.log.members_now().await;
            let admitted = app.log.admitted();
            Ok(json::respond(StatusCode::OK, &Members { members, admitted }))
        }
        Method::POST => let_in(app, account, client, request).await,
        _ => Err(Error::BadMethod("GET, HEAD, POST")),
    }
}

async fn let_in(
    app: &Arc<App>,
    account: Account,
    client: IpAddr,
    request: Request<RequestBody>,
) -> Result<Response<Body>, Error> {
    if account.role != Role::Administrator {
        return Err(Error::Forbidden("only administrators may let servers into the cluster"));
    }
    let Asked { name, key } = json::read(app, client, request).await?;
    if !is_node_name(&name) {
        return Err(Error::BadRequest("this is no host name".into()));
    }
    let key: KeyId = key.parse().map_err(|()| {
        Error::BadRequest("this is no key: it is written sha256//, and 32 bytes in base64".into())
    })?;
    let (worker, server) = (app.clone(), name.clone());
    let introduction = app.pushes.run(move || worker.log.let_in(&server, key)).await??;
    let who = &account.name;
    tracing::info!(
        account = who,
        %client,
        "{who} let the server {name} with the key {key} into the cluster from {client}",
    );
    Ok(json::respond(StatusCode::OK, &introduction))
}

/// `/members/NAME`.
pub(super) async fn answer_for(
    app: &Arc<App>,
    name: String,
    account: Account,
    client: IpAddr,
    request: Request<RequestBody>,
) -> Result<Response<Body>, Error> {
    if *request.method() != Method::DELETE {
        return Err(Error::BadMethod("DELETE"));
    }
    if account.role != Role::Administrator {
        return Err(Error::Forbidden("only administrators may put servers out of the cluster"));
    }
    let (worker, server) = (app.clone(), name.clone());
    app.pushes.run(move || worker.log.put_out(&server)).await??;
    let who = &account.name;
    tracing::info!(
        account = who,
        %client,
        "{who} put the server {name} out of the cluster from {client}",
    );
    Ok(json::respond(StatusCode::OK, &()))
}

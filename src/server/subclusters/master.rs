//! Which member has the MASTER of a subcluster, which have SLAVES, and the order that one stays.

use std::collections::BTreeMap;
use std::sync::Arc;

use hyper::{Request, Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::admin::Admin;
use crate::accounts::Role;
use crate::repository::Change;
use crate::server::app::App;
use crate::server::error::Error;
use crate::server::json;
use crate::server::request_body::RequestBody;
use crate::server::response::Body;
use crate::server::service::open;

/// The member that is meant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with \"node\"")]
struct Asked {
    node: String,
}

#[derive(Serialize)]
struct Master {
    master: String,
    /// It stays the MASTER by an administrator's order.
    #[serde(rename = "override")]
    is_pinned: bool,
}

#[derive(Serialize)]
struct Slaves {
    /// Those that can be reached.
    slaves: Vec<String>,
    /// How many entries of the cluster's log each of them lacks.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    behind: BTreeMap<String, u64>,
}

/// `GET /subclusters/NAME/master`
pub(super) async fn master(
    app: &Arc<App>,
    role: Role,
    name: String,
) -> Result<Response<Body>, Error> {
    Ok(json::respond(StatusCode::OK, &master_of(app, role, name).await?))
}

async fn master_of(app: &Arc<App>, role: Role, name: String) -> Result<Master, Error> {
    let subcluster = open(app, role, name).await?;
    let pinned = subcluster.snapshot().orders.master.clone();
    let pinned = pinned.and_then(|node| app.log.member(&node));
    let is_pinned = pinned.is_some();
    let master = pinned.unwrap_or_else(|| app.log.master());
    Ok(Master { master, is_pinned })
}

/// `GET /subclusters/NAME/slaves`
pub(super) async fn slaves(
    app: &Arc<App>,
    role: Role,
    name: String,
) -> Result<Response<Body>, Error> {
    let Master { master, .. } = master_of(app, role, name).await?;
    let behind: BTreeMap<String, u64> = app.log.slaves(&master).await.into_iter().collect();
    let slaves = behind.keys().cloned().collect();
    Ok(json::respond(StatusCode::OK, &Slaves { slaves, behind }))
}

/// `PUT /subclusters/NAME/override`
pub(super) async fn pin(
    admin: Admin,
    name: String,
    request: Request<RequestBody>,
) -> Result<Response<Body>, Error> {
    change(admin, name, request, |node| Change::Pin { node }).await
}

/// `DELETE /subclusters/NAME/override`
pub(super) async fn resume(
    admin: Admin,
    name: String,
    request: Request<RequestBody>,
) -> Result<Response<Body>, Error> {
    change(admin, name, request, |node| Change::Resume { node }).await
}

async fn change(
    admin: Admin,
    name: String,
    request: Request<RequestBody>,
    change: fn(String) -> Change,
) -> Result<Response<Body>, Error> {
    let Asked { node } = json::read(&admin.app, admin.client, request).await?;
    let app = admin.app.clone();
    let node = app.log.member(&node).ok_or_else(|| no_member(&app, &node))?;
    let asked = name.clone();
    let change = change(node);
    let next = match &change {
        Change::Resume { node } => Some(node.clone()),
        _ => None,
    };
    app.pushes.run(move || propose(&admin, &asked, change)).await??;
    if let Some(node) = next {
        app.log.lead(&node).await;
    }
    master(&app, Role::Administrator, name).await
}

fn no_member(app: &App, node: &str) -> Error {
    let (node, members) = (node.escape_default(), app.log.members().join(", "));
    Error::NoMember(format!("{node} is no member of the cluster: the members are {members}"))
}

fn propose(admin: &Admin, name: &str, change: Change) -> Result<(), Error> {
    let subcluster = admin.app.store.get(name)?;
    let name = subcluster.name();
    if admin.propose(name, change.clone(), admin.author(), None)?.was_so {
        return Ok(());
    }
    let (who, client) = (&admin.account.name, admin.client);
    match change {
        Change::Pin { node } => tracing::info!(
            account = who,
            %client,
            subcluster = %name,
            node,
            "{who} made {node} the MASTER of subcluster {name} from {client}, until `eccfg resume`",
        ),
        Change::Resume { node } => tracing::info!(
            account = who,
            %client,
            subcluster = %name,
            node,
            "{who} ended the override of subcluster {name} from {client}; {node} is its MASTER for now",
        ),
        _ => {}
    }
    Ok(())
}

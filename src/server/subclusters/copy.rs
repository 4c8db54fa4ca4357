//! `POST /subclusters/NAME/copy`: to a new subcluster with all history, or over another one.

use hyper::{Request, Response, StatusCode};
use serde::Deserialize;

use super::admin::{Admin, new_name};
use super::{create, standing};
use crate::repository::{self, Name, Subcluster};
use crate::server::error::Error;
use crate::server::json;
use crate::server::push::Push;
use crate::server::request_body::RequestBody;
use crate::server::response::Body;

/// How often a copy is made again because somebody has committed to the destination meanwhile.
const TRIES: usize = 5;

/// What is asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with \"to\" and \"history\"")]
struct Asked {
    /// The destination.
    to: String,
    /// Whether it gets the whole history and must not exist, or the newest files and must exist.
    history: bool,
}

pub(super) async fn post(
    admin: Admin,
    source: String,
    request: Request<RequestBody>,
) -> Result<Response<Body>, Error> {
    let Asked { to, history } = json::read(&admin.app, admin.client, request).await?;
    let app = admin.app.clone();
    let (status, name) = match history {
        true => (StatusCode::CREATED, new_name(&to)?.to_string()),
        false => (StatusCode::OK, to),
    };
    let to = name.clone();
    let work = move || match history {
        true => with_history(&admin, &source, &new_name(&to)?),
        false => over(&admin, &source, &to),
    };
    app.pushes.run(work).await??;
    standing::respond(&app, status, &name)
}

fn with_history(admin: &Admin, source: &str, name: &Name) -> Result<(), Error> {
    let source = admin.app.store.get(source)?;
    create::refuse_existing(admin, name)?;
    let prepared = admin.app.store.copy_of(&source, &admin.app.spool_dir)?;
    create::propose(admin, name, prepared)?;
    let (who, client, from) = (&admin.account.name, admin.client, source.name());
    tracing::info!(
        account = who,
        %client,
        subcluster = %name,
        "{who} created subcluster {name} from {client}, with the history of {from}",
    );
    Ok(())
}

fn over(admin: &Admin, source: &str, destination: &str) -> Result<(), Error> {
    let source = admin.app.store.get(source)?;
    let destination = admin.app.store.get(destination)?;
    for _ in 1..TRIES {
        match over_once(admin, &source, &destination) {
            Err(Error::Repository(repository::Error::Stale { .. })) => {}
            result => return result,
        }
    }
    over_once(admin, &source, &destination)
}

/// The copy is a commit like others: judged, logged and told as one that was pushed.
fn over_once(admin: &Admin, source: &Subcluster, destination: &Subcluster) -> Result<(), Error> {
    let Admin { app, account, client } = admin;
    let prepared = destination.overlay(source, &admin.author(), &app.spool_dir)?;
    let Some(prepared) = prepared else { return Ok(()) };
    let push = Push { app, subcluster: destination, account, client: *client };
    push.commit(&prepared)?;
    let (who, from, name) = (&account.name, source.name(), destination.name());
    tracing::info!(
        account = who,
        %client,
        subcluster = %name,
        "{who} laid the files of subcluster {from} over those of {name} from {client}",
    );
    Ok(())
}

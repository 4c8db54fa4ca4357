//! `PUT` and `DELETE /subclusters/NAME/conflict`.

use hyper::{Response, StatusCode};

use super::admin::Admin;
use super::standing;
use crate::events;
use crate::repository::{Change, Error as RepositoryError, Subcluster};
use crate::server::error::Error;
use crate::server::response::Body;

pub(super) async fn put(admin: Admin, name: String) -> Result<Response<Body>, Error> {
    let (app, told) = (admin.app.clone(), name.clone());
    app.pushes.run(move || begin(&admin, &name)).await??;
    standing::respond(&app, StatusCode::OK, &told)
}

pub(super) async fn delete(admin: Admin, name: String) -> Result<Response<Body>, Error> {
    let (app, told) = (admin.app.clone(), name.clone());
    app.pushes.run(move || end(&admin, &name)).await??;
    standing::respond(&app, StatusCode::OK, &told)
}

fn begin(admin: &Admin, name: &str) -> Result<(), Error> {
    let subcluster = admin.app.store.get(name)?;
    let name = subcluster.name();
    if !admin.propose(name, Change::BeginConflict, admin.author(), None)?.was_so {
        let (who, client) = (&admin.account.name, admin.client);
        tracing::warn!(
            message_id = events::CONFLICT,
            account = who,
            %client,
            subcluster = %name,
            "{who} put subcluster {name} into CONFLICT from {client}: updates and commits are refused until an administrator runs `eccfg subcluster resolve {name}`",
        );
    }
    Ok(())
}

fn end(admin: &Admin, name: &str) -> Result<(), Error> {
    let subcluster = admin.app.store.get(name)?;
    let name = subcluster.name();
    if subcluster.refuse_conflict().is_ok() {
        return Ok(());
    }
    admin.app.log.compare(name.as_str()).map_err(|error| stays(&subcluster, error))?;
    if !admin.propose(name, Change::EndConflict, admin.author(), None)?.was_so {
        let (who, client) = (&admin.account.name, admin.client);
        tracing::info!(
            message_id = events::CONFLICT_ENDED,
            account = who,
            %client,
            subcluster = %name,
            "{who} ended the CONFLICT of subcluster {name} from {client}",
        );
    }
    Ok(())
}

fn stays(subcluster: &Subcluster, error: RepositoryError) -> Error {
    let RepositoryError::Unsound(what) = error else { return error.into() };
    let name = subcluster.name();
    RepositoryError::Unsound(format!(
        "subcluster {name} stays in CONFLICT: {what}; mend its repository on the server and try again"
    ))
    .into()
}

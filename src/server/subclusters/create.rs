//! `PUT /subclusters/NAME`: a new subcluster, with the packaged templates as at installation.

use hyper::{Response, StatusCode};

use super::admin::{Admin, new_name};
use super::standing;
use crate::repository::{self, Change, Name, Prepared};
use crate::server::error::Error;
use crate::server::response::Body;

pub(super) async fn put(admin: Admin, name: String) -> Result<Response<Body>, Error> {
    let name = new_name(&name)?;
    refuse_existing(&admin, &name)?;
    let (app, made) = (admin.app.clone(), name.clone());
    app.pushes.run(move || from_templates(&admin, &made)).await??;
    standing::respond(&app, StatusCode::CREATED, name.as_str())
}

/// Before there is any work. Whoever makes one in the meantime is noticed when it is proposed.
pub(super) fn refuse_existing(admin: &Admin, name: &Name) -> Result<(), Error> {
    match admin.app.store.opened(name.as_str()) {
        Some(Err(repository::Error::NoSubcluster(_))) => Ok(()),
        _ => Err(repository::Error::Exists(name.clone()).into()),
    }
}

fn from_templates(admin: &Admin, name: &Name) -> Result<(), Error> {
    let author = admin.author();
    propose(admin, name, admin.app.store.from_templates(name, &author)?)?;
    let (who, client) = (&admin.account.name, admin.client);
    tracing::info!(
        account = who,
        %client,
        subcluster = %name,
        "{who} created subcluster {name} from {client}, from the templates",
    );
    Ok(())
}

/// Makes a subcluster of what has been prepared for it.
pub(super) fn propose(admin: &Admin, name: &Name, prepared: Prepared) -> Result<(), Error> {
    let Prepared { change, quarantine } = prepared;
    let change = Change::Create(change);
    match admin.propose(name, change, admin.author(), Some(&quarantine))?.was_so {
        // Somebody else has just made the very same.
        true => Err(repository::Error::Exists(name.clone()).into()),
        false => Ok(()),
    }
}

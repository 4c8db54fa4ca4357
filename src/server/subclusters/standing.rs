//! Where a subcluster stands, as clients are told.

use hyper::{Response, StatusCode};
use serde::Serialize;

use crate::protocol::Id;
use crate::repository::{RUNNING, Snapshot};
use crate::server::app::App;
use crate::server::error::{Error, unreadable};
use crate::server::json;
use crate::server::response::Body;

/// One subcluster.
#[derive(Serialize)]
pub(super) struct Standing<'a> {
    name: &'a str,
    /// The newest revision of the live configuration; none in an empty repository.
    revision: Option<u64>,
    /// The same, as a commit.
    commit: Option<Id>,
    /// The newest commit of the saved running configurations, if there are any.
    running: Option<Id>,
    conflict: bool,
    /// Why nothing else can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl<'a> Standing<'a> {
    pub(super) fn of(name: &'a str, snapshot: &Snapshot) -> Self {
        Self {
            name,
            revision: snapshot.head.map(|head| head.revision),
            commit: snapshot.head.map(|head| head.commit),
            running: snapshot.get(RUNNING).map(|running| running.target),
            conflict: snapshot.orders.conflict.is_some(),
            error: None,
        }
    }

    /// That of a subcluster as it is known now.
    fn known(app: &App, name: &'a str) -> Result<Self, Error> {
        match app.store.opened(name) {
            Some(Ok(subcluster)) => Ok(Self::of(name, &subcluster.snapshot())),
            Some(Err(error)) => Err(error.into()),
            None => Ok(Self::unreadable(name)),
        }
    }

    /// That of a subcluster whose repository cannot be read.
    pub(super) fn unreadable(name: &'a str) -> Self {
        let (revision, commit, running) = (None, None, None);
        Self { name, revision, commit, running, conflict: false, error: Some(unreadable(name)) }
    }
}

/// One subcluster, as an answer.
pub(super) fn respond(app: &App, status: StatusCode, name: &str) -> Result<Response<Body>, Error> {
    Ok(json::respond(status, &Standing::known(app, name)?))
}

//! Who asks this server something over a connection of members, and what he may ask.

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::{Request, StatusCode};
use serde::de::DeserializeOwned;

use super::cluster::Cluster;
use super::known::Right;
use super::service::Failure;
use super::wire::{
    ADMITTED, APPEND, CAME, LOOK_AT, MAX_QUESTION, MEMBERS, PUT_OUT, SNAPSHOT, VOTE,
};
use crate::tls::KeyId;

/// What is meant for one log.
const LOGS: [&str; 3] = [APPEND, VOTE, SNAPSHOT];
/// What commands on this host ask.
const COMMANDS: [&str; 4] = [MEMBERS, ADMITTED, PUT_OUT, LOOK_AT];
/// What nobody else may ask, for an administrator stands behind it.
const ONLY_COMMANDS: [&str; 2] = [PUT_OUT, LOOK_AT];

/// One who asks.
pub(super) struct Asker<'a> {
    cluster: &'a Cluster,
    key: KeyId,
    /// What he asks, without the number of a log.
    pub(super) path: String,
}

impl<'a> Asker<'a> {
    /// Fails unless he may ask this.
    pub(super) fn of(
        cluster: &'a Cluster,
        key: KeyId,
        request: &Request<Incoming>,
    ) -> Result<Self, Failure> {
        let path = request.uri().path();
        let log = path.rsplit_once('/').filter(|(log, _)| LOGS.contains(log));
        let asker = Self { cluster, key, path: log.map_or(path, |(log, _)| log).to_owned() };
        asker.must_be_allowed()?;
        match log {
            Some((_, number)) if number != cluster.id.to_string() => {
                Err((StatusCode::GONE, "this server has begun another log".into()))
            }
            _ => Ok(asker),
        }
    }

    /// Reads what he asks. He may have been put out while it came.
    pub(super) async fn question<T: DeserializeOwned>(
        &self,
        request: Request<Incoming>,
    ) -> Result<T, Failure> {
        let body = Limited::new(request.into_body(), MAX_QUESTION).collect().await;
        let body = body.map_err(|e| (StatusCode::BAD_REQUEST, e.to_string()))?;
        self.must_be_allowed()?;
        serde_json::from_slice(&body.to_bytes())
            .map_err(|e| (StatusCode::BAD_REQUEST, format!("another version's words: {e}")))
    }

    pub(super) fn must_be_allowed(&self) -> Result<(), Failure> {
        let Self { cluster, key, path } = self;
        let path = path.as_str();
        let is_allowed = match cluster.known.right(key) {
            Right::Member => !ONLY_COMMANDS.contains(&path) || key.to_string() == cluster.key,
            Right::Command => COMMANDS.contains(&path),
            Right::Announce => path == CAME,
            Right::Nothing => false,
        };
        if is_allowed {
            return Ok(());
        }
        // It may be a leader of whom this server has not heard.
        cluster.known.refused();
        Err((StatusCode::FORBIDDEN, "you are no member of this cluster, or not any more".into()))
    }
}

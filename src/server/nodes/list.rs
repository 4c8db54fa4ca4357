//! `GET /nodes`: which node has what.

use std::sync::Arc;

use hyper::{Response, StatusCode};
use serde::Serialize;

use super::known::{Said, now};
use super::word::{Part, Reload};
use crate::accounts::Role;
use crate::protocol::Id;
use crate::repository::Subcluster;
use crate::server::app::App;
use crate::server::error::Error;
use crate::server::json;
use crate::server::limits::NODE_GONE;
use crate::server::response::Body;

/// One subcluster of one node.
#[derive(Serialize)]
struct Line {
    node: String,
    subcluster: String,
    commit: Option<Id>,
    /// The number of the commit's revision; none if it is no revision here.
    revision: Option<u64>,
    /// Revisions that it lacks; none if that cannot be told.
    behind: Option<u64>,
    /// Whether it has another commit than the newest revision's.
    is_behind: bool,
    /// When it last asked, in seconds since 1970, and how many seconds ago.
    seen: u64,
    age: u64,
    /// Whether it has been silent for [`NODE_GONE`].
    gone: bool,
    reload: Option<Reload>,
    error: Option<String>,
}

/// All nodes, or those of one subcluster.
pub(in crate::server) async fn get(
    app: &Arc<App>,
    role: Role,
    subcluster: Option<String>,
) -> Result<Response<Body>, Error> {
    if let Some(name) = &subcluster
        && let Some(Err(error)) = app.store.opened(name)
    {
        return Err(error.into());
    }
    let worker = app.clone();
    // The numbers of revisions may have to be read.
    let lines = app.reads.run_for(role, move || lines(&worker, subcluster.as_deref())).await?;
    Ok(json::respond(StatusCode::OK, &lines))
}

fn lines(app: &App, subcluster: Option<&str>) -> Vec<Line> {
    let now = now();
    let mut lines = Vec::new();
    for said in app.nodes.all() {
        let asked = |part: &&Part| subcluster.is_none_or(|name| part.subcluster == name);
        for part in said.word.parts.iter().filter(asked) {
            // Of one that was deleted, nothing is to be had any more.
            let found = app.store.opened(&part.subcluster).and_then(Result::ok);
            lines.push(line(&said, part, found.as_deref(), now));
        }
    }
    lines
}

fn line(said: &Said, part: &Part, subcluster: Option<&Subcluster>, now: u64) -> Line {
    let head = subcluster.and_then(|subcluster| subcluster.snapshot().head);
    let is_newest = head.is_some_and(|head| part.commit == Some(head.commit));
    let revision = match (is_newest, head) {
        (true, Some(head)) => Some(head.revision),
        _ => part.commit.and_then(|commit| subcluster?.revision_of(commit)),
    };
    let age = now.saturating_sub(said.seen);
    Line {
        node: said.word.node.clone(),
        subcluster: part.subcluster.clone(),
        commit: part.commit,
        revision,
        behind: head.zip(revision).map(|(head, revision)| head.revision.saturating_sub(revision)),
        is_behind: !is_newest,
        seen: said.seen,
        age,
        gone: age > NODE_GONE.as_secs(),
        reload: said.word.reload,
        error: said.word.error.clone(),
    }
}

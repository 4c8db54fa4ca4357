//! `GET NAME/BRANCH/PATH`: a file or a directory at a revision.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{HeaderMap, HeaderValue, LOCATION};
use hyper::{Response, StatusCode, Uri};

use super::app::App;
use super::conditional::Representation;
use super::directory::{self, Line, Listing};
use super::error::Error;
use super::limits::LARGE_FILE;
use super::response::{Body, JSON, TEXT, answer, empty, say_place};
use crate::accounts::Account;
use crate::protocol::Id;
use crate::repository::{self, BOOT, Blob, Found, Head, Place, Snapshot, Subcluster, is_text};

const BINARY: &str = "application/octet-stream";

/// What of the subcluster is asked for.
pub(super) struct Asked<'a> {
    pub(super) path: String,
    pub(super) slash: bool,
    pub(super) revision: Option<String>,
    pub(super) uri: &'a Uri,
    pub(super) headers: &'a HeaderMap,
    pub(super) account: &'a Account,
    pub(super) client: IpAddr,
}

pub(super) async fn get(
    app: &Arc<App>,
    subcluster: Arc<Subcluster>,
    asked: Asked<'_>,
) -> Result<Response<Body>, Error> {
    if asked.path.is_empty() {
        return match asked.slash {
            true => Ok(branches(&subcluster, asked.headers)),
            false => Ok(to_slash(asked.uri)),
        };
    }
    let snapshot = subcluster.snapshot();
    let (branch, path) = split_branch(&snapshot, &asked.path)?;
    let newest = newest(&snapshot, branch).filter(|_| asked.revision.is_none() && !asked.slash);
    if let Some((commit, revision)) = newest
        && let Some(file) = app.hot_files.get(&(commit, revision, path.to_owned()))
    {
        return file.respond(asked.headers);
    }
    let (place, found) = {
        let (branch, path) = (branch.to_owned(), path.to_owned());
        let (revision, subcluster) = (asked.revision.clone(), subcluster.clone());
        let read = move || {
            let place = subcluster.place(&branch, revision.as_deref())?;
            let found = subcluster.find(&place, &path, LARGE_FILE)?;
            Ok::<_, repository::Error>((place, found))
        };
        app.reads.run_for(asked.account.role, read).await??
    };
    let mut response = match found {
        Found::Directory(_) if !asked.slash => to_slash(asked.uri),
        Found::Directory(entries) => {
            let lines = entries.into_iter().map(Line::from).collect();
            Listing { title: &asked.path, revision: asked.revision.as_deref(), lines }
                .respond(asked.headers)
        }
        Found::File(_) | Found::Large(..) if asked.slash => {
            let text = format!(
                "\"{}\" is a file: leave the slash at the end out",
                asked.path.escape_default()
            );
            return Err(repository::Error::NotFound(text).into());
        }
        Found::File(blob) => {
            let file = Arc::new(file(path, blob, &place));
            if asked.revision.is_none() {
                let key = (place.commit, place.revision, path.to_owned());
                app.hot_files.keep(key, &file);
            }
            return file.respond(asked.headers);
        }
        Found::Large(id, length) => {
            return large(app, subcluster, &asked, &place, (id, length), path).await;
        }
    };
    say_place(response.headers_mut(), place.commit, place.revision);
    Ok(response)
}

/// A file that is too large to be in memory for each who asks for it.
async fn large(
    app: &Arc<App>,
    subcluster: Arc<Subcluster>,
    asked: &Asked<'_>,
    place: &Place,
    (id, length): (Id, u64),
    path: &str,
) -> Result<Response<Body>, Error> {
    let answer = |content_type, content| {
        Representation::new(content_type, content, id, place.time).at(place.commit, place.revision)
    };
    // Whoever has it need not have it read.
    if let Some(known) = answer(BINARY, Bytes::new().into()).unchanged(asked.headers) {
        return Ok(known);
    }
    let known = app.large_files.known(id);
    let file = match known {
        Some(file) => file,
        None => {
            let (worker, client) = (app.clone(), asked.client);
            let copy = move || {
                worker.large_files.get(&subcluster, (id, length), client, &worker.spool_dir)
            };
            app.large_reads.run_for(asked.account.role, copy).await??
        }
    };
    answer(content_type(path, file.is_text), file.into()).respond(asked.headers)
}

/// The newest commit of a branch, and its number if it is that of the live configuration.
fn newest(snapshot: &Snapshot, branch: &str) -> Option<(Id, Option<u64>)> {
    let newest = snapshot.branch(branch)?;
    let is_live = |head: &Head| newest.name == BOOT && head.commit == newest.target;
    Some((newest.target, snapshot.head.filter(is_live).map(|head| head.revision)))
}

/// Names of branches may hold slashes; no branch's name is another's beginning up to a slash.
fn split_branch<'a>(snapshot: &Snapshot, path: &'a str) -> Result<(&'a str, &'a str), Error> {
    let ends = path.match_indices('/').map(|(index, _)| index).chain([path.len()]);
    for end in ends {
        let (branch, rest) = path.split_at(end);
        if snapshot.branch(branch).is_some() {
            return Ok((branch, rest.trim_start_matches('/')));
        }
    }
    let text = format!("there is no branch that \"{}\" begins with", path.escape_default());
    Err(repository::Error::NotFound(text).into())
}

fn file(path: &str, blob: Blob, place: &Place) -> Representation {
    let Blob { id, content } = blob;
    let content_type = content_type(path, is_text(&content));
    let content = Bytes::from(content).into();
    Representation::new(content_type, content, id, place.time).at(place.commit, place.revision)
}

/// Text, JSON or bytes: nothing that a browser would run.
fn content_type(path: &str, is_text: bool) -> &'static str {
    match is_text {
        true if path.ends_with(".json") => JSON,
        true => TEXT,
        false => BINARY,
    }
}

fn branches(subcluster: &Subcluster, headers: &HeaderMap) -> Response<Body> {
    let snapshot = subcluster.snapshot();
    let branches = snapshot.refs().iter().filter_map(|reference| {
        let name = reference.name.strip_prefix("refs/heads/")?;
        Some(Line {
            name: name.to_owned(),
            kind: "directory",
            size: None,
            id: Some(reference.target),
        })
    });
    directory::Listing {
        title: subcluster.name().as_str(),
        revision: None,
        lines: branches.collect(),
    }
    .respond(headers)
}

/// Relative links in an index only work with a slash at the end of its address.
fn to_slash(uri: &Uri) -> Response<Body> {
    // Relative, so that the address stays right behind a proxy; the last part is repeated.
    let last = uri.path().rsplit('/').next().unwrap_or_default();
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    // With the dot, a name such as `a:b` is not taken for a scheme, nor `\\b` for a host.
    redirect(&format!("./{last}/{query}"))
}

pub(super) fn redirect(to: &str) -> Response<Body> {
    let mut response = answer(StatusCode::PERMANENT_REDIRECT, TEXT, empty());
    // What the client sent is a valid header value again.
    if let Ok(location) = HeaderValue::from_str(to) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

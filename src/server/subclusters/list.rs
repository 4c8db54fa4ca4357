//! `GET /subclusters`: is there anything new? Every node asks each minute, so it is answered from
//! memory, and mostly with 304.

use std::sync::Arc;

use hyper::Response;
use hyper::header::HeaderMap;
use tokio::task;

use super::standing::Standing;
use crate::server::app::App;
use crate::server::conditional::tagged;
use crate::server::error::Error;
use crate::server::response::{Body, JSON};

/// Where these subclusters stand, or all if none is named.
pub(super) fn get(
    app: &Arc<App>,
    mut names: Vec<String>,
    headers: &HeaderMap,
) -> Result<Response<Body>, Error> {
    let is_named = !names.is_empty();
    match is_named {
        true => names.sort_unstable(),
        false => names = app.store.names().iter().map(ToString::to_string).collect(),
    }
    names.dedup();
    let mut standings = Vec::with_capacity(names.len());
    let mut broken = Vec::new();
    for name in &names {
        match app.store.opened(name) {
            Some(Ok(subcluster)) => standings.push(Standing::of(name, &subcluster.snapshot())),
            Some(Err(error)) if is_named => return Err(error.into()),
            // It was there a moment ago.
            Some(Err(_)) => {}
            None => {
                standings.push(Standing::unreadable(name));
                broken.push(name.clone());
            }
        }
    }
    if !broken.is_empty() {
        try_again(app, broken);
    }
    let content = serde_json::to_vec(&standings).expect("names and numbers can be written as JSON");
    Ok(tagged(headers, JSON, content))
}

/// Opens what may have been mended, for those who will ask next: a disk that hangs must not hold up
/// the answers about the others.
fn try_again(app: &Arc<App>, broken: Vec<String>) {
    let Ok(alone) = app.trying.clone().try_lock_owned() else { return };
    let app = app.clone();
    task::spawn_blocking(move || {
        let _alone = alone;
        for name in broken {
            // Why it cannot be read has been logged when it was found.
            let _ = app.store.get(&name);
        }
    });
}

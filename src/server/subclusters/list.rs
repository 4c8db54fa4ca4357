//! Where subclusters stand, from memory.

use std::sync::Arc;

use tokio::task;

use super::standing::Standing;
use crate::server::app::App;
use crate::server::conditional::Tagged;
use crate::server::error::Error;

/// Where these subclusters stand, or all if none is named, as JSON. Never blocks.
pub(super) fn tell(app: &Arc<App>, names: &[String]) -> Result<Tagged, Error> {
    let is_named = !names.is_empty();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    let all = if is_named { Vec::new() } else { app.store.names() };
    names.extend(all.iter().map(|name| name.as_str()));
    names.sort_unstable();
    names.dedup();
    let mut standings = Vec::with_capacity(names.len());
    let mut broken = Vec::new();
    for name in names {
        match app.store.opened(name) {
            Some(Ok(subcluster)) => standings.push(Standing::of(name, &subcluster.snapshot())),
            Some(Err(error)) if is_named => return Err(error.into()),
            // It was there a moment ago.
            Some(Err(_)) => {}
            None => {
                standings.push(Standing::unreadable(name));
                broken.push(name.to_owned());
            }
        }
    }
    if !broken.is_empty() {
        try_again(app, broken);
    }
    let content = serde_json::to_vec(&standings).expect("names and numbers can be written as JSON");
    Ok(Tagged::new(content))
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

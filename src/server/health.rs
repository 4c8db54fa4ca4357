//! `/livez` and `/readyz`: for those who watch the server. No password, and nothing told but this.

use hyper::{Response, StatusCode};

use super::app::App;
use super::response::{Body, text};

/// The process answers.
pub(super) fn live() -> Response<Body> {
    text(StatusCode::OK, "ok")
}

/// The server can do its work.
pub(super) fn ready(app: &App) -> Response<Body> {
    if app.log.only_votes() {
        return text(StatusCode::SERVICE_UNAVAILABLE, "this server serves nobody");
    }
    match (app.store.names().len(), app.store.broken()) {
        (0, _) => text(StatusCode::SERVICE_UNAVAILABLE, "there are no repositories"),
        (all, broken) if all == broken => {
            text(StatusCode::SERVICE_UNAVAILABLE, "no repository can be read")
        }
        (_, 0) => text(StatusCode::OK, "ok"),
        (_, broken) => {
            text(StatusCode::OK, &format!("ok, but {broken} repositories cannot be read"))
        }
    }
}

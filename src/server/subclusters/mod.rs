//! `/subclusters`: what is asked of subclusters as such, by `eccfg`.

mod list;
mod route;
mod standing;

use std::sync::Arc;

use hyper::{Request, Response};

pub(super) use self::route::Route;
use super::app::App;
use super::error::Error;
use super::request_body::RequestBody;
use super::response::Body;
use super::service::only_get;

pub(super) async fn answer(
    app: &Arc<App>,
    route: Route,
    request: Request<RequestBody>,
) -> Result<Response<Body>, Error> {
    match route {
        Route::List(names) => {
            only_get(&request)?;
            list::get(app, names, request.headers())
        }
    }
}

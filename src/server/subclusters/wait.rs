//! The answer that stays out until there is something new.

use std::sync::Arc;
use std::time::Duration;

use headers::IfNoneMatch;
use tokio::time::sleep;

use super::list::tell;
use super::news::News;
use crate::server::app::App;
use crate::server::conditional::Tagged;
use crate::server::error::Error;

/// Returns where these subclusters stand as soon as that is not `known`, or else when the time is
/// over or the server stops.
pub(super) async fn wait(
    app: &Arc<App>,
    names: &[String],
    known: &IfNoneMatch,
    limit: Duration,
) -> Result<Tagged, Error> {
    let mut drain = app.drain.clone();
    let over = async {
        tokio::select! {
            () = drain.requested() => {}
            () = sleep(limit) => {}
        }
    };
    tokio::pin!(over);
    loop {
        // Before the look: what comes after it is not missed.
        let mut news = News::of(app, names);
        let told = tell(app, names)?;
        if !told.is_known(known) {
            return Ok(told);
        }
        tracing::trace!("a question waits for news");
        tokio::select! {
            () = news.come() => {}
            () = &mut over => return Ok(told),
        }
    }
}

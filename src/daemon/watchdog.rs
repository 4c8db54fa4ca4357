//! Feeding systemd's watchdog, for as long as connections are accepted and the disk answers.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task;
use tokio::time::{interval, timeout};

use super::notify;
use crate::server::{App, Drain, Ping};

/// Feeds it twice in its time, if systemd asks for that.
pub(super) async fn feed(app: Arc<App>, mut acceptors: Vec<mpsc::Sender<Ping>>, drain: Drain) {
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    let mut ticks = interval(limit / 2);
    loop {
        ticks.tick().await;
        if drain.is_requested() {
            // Nothing is accepted any more, and that is well.
            acceptors.clear();
        }
        match timeout(limit / 2, is_well(&app, &acceptors, limit / 4)).await {
            Ok(true) => notify::watchdog(),
            _ => tracing::error!(
                "the watchdog is not fed: connections are not accepted or the disk does not answer",
            ),
        }
    }
}

async fn is_well(app: &Arc<App>, acceptors: &[mpsc::Sender<Ping>], limit: Duration) -> bool {
    for acceptor in acceptors {
        let (ping, pong) = oneshot::channel();
        let answered = async { acceptor.send(ping).await.is_ok() && pong.await.is_ok() };
        if !timeout(limit, answered).await.unwrap_or(false) {
            return false;
        }
    }
    let app = app.clone();
    let disk = task::spawn_blocking(move || app.store().dir().read_dir().is_ok());
    disk.await.unwrap_or(false)
}

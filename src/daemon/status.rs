//! The line that `systemctl status` shows.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::certificate::Certificate;
use super::notify;
use crate::repository::{Name, Snapshot};
use crate::server::App;

/// Subclusters named in the line; the rest are counted.
const MAX_NAMED: usize = 8;
/// A busy server tells its revisions this often and not at each commit.
const PAUSE: Duration = Duration::from_secs(1);

/// What the line is made of.
pub(super) struct Status {
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) app: Arc<App>,
    pub(super) certificate: Arc<Certificate>,
}

impl Status {
    /// The line as it is now.
    pub(super) fn line(&self) -> String {
        let addresses: Vec<String> = self.addresses.iter().map(ToString::to_string).collect();
        format!(
            "listening on {}; {}; {}; certificate valid until {}",
            addresses.join(", "),
            self.app.log().standing(),
            self.subclusters(),
            self.certificate.last_day(),
        )
    }

    fn subclusters(&self) -> String {
        let all = self.app.store().snapshots();
        let mut parts: Vec<String> =
            all.iter().take(MAX_NAMED).map(|(name, snapshot)| standing(name, snapshot)).collect();
        if all.len() > MAX_NAMED {
            parts.push(format!("{} more", all.len() - MAX_NAMED));
        }
        match all.iter().filter(|(_, snapshot)| snapshot.orders.conflict.is_some()).count() {
            0 => {}
            in_conflict => parts.push(format!("{in_conflict} IN CONFLICT")),
        }
        match self.app.store().broken() {
            0 => {}
            broken => parts.push(format!("{broken} CANNOT BE READ")),
        }
        format!("{} subclusters ({})", all.len(), parts.join(", "))
    }

    /// Tells systemd when it changes, for ever.
    pub(super) async fn keep(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.app.committed() => {}
                () = self.certificate.changed() => {}
                () = self.app.log().standing_changed() => {}
            }
            notify::status(&self.line());
            sleep(PAUSE).await;
        }
    }
}

fn standing(name: &Name, snapshot: &Snapshot) -> String {
    format!("{name} at {}", snapshot.head.map_or(0, |head| head.revision))
}

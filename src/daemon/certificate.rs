//! The server's certificate: made at the first start, renewed in time, swapped in while serving.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;
use tokio::task;
use tokio::time::interval;

use super::failure::Failure;
use crate::events;
use crate::layout::Layout;
use crate::tls::{self, Names, Pair, ServerTls, Upkeep};

/// How often to look whether it is due.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The certificate that is served and where it lies.
pub(super) struct Certificate {
    dir: PathBuf,
    tls: Arc<ServerTls>,
    changed: Notify,
}

impl Certificate {
    /// Takes what is there, makes what is missing, renews what is due.
    pub(super) fn start(layout: &Layout) -> Result<Self, Failure> {
        let dir = layout.certificates();
        let host = nix::unistd::gethostname()
            .map_err(|e| Failure::system(format!("cannot find out the host name: {e}")))?;
        let names = Names::of_machine(&host.to_string_lossy())
            .or_else(|_| Names::of_machine("localhost"))?;
        let (pair, _) = tls::ensure(&dir, &names, SystemTime::now())?;
        let certificate = Self { dir, tls: ServerTls::new(pair)?.into(), changed: Notify::new() };
        certificate.renew_if_due();
        Ok(certificate)
    }

    pub(super) fn tls(&self) -> &Arc<ServerTls> {
        &self.tls
    }

    /// The last day of the one that is served.
    pub(super) fn last_day(&self) -> String {
        self.tls.last_day()
    }

    /// Returns when another one is served.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn swap(&self, pair: Pair) {
        self.tls.swap(pair);
        self.changed.notify_one();
    }

    /// Serves what lies there now. What was served goes on if that cannot be used. Blocks.
    pub(super) fn reload(&self) {
        let error = match Pair::load(&self.dir) {
            Ok(pair) if pair.fingerprint() == self.tls.fingerprint() => return,
            Ok(pair) => {
                tracing::info!(
                    message_id = events::CERTIFICATE_RENEWED,
                    "a new certificate is served, {}, valid until {}",
                    pair.fingerprint(),
                    pair.last_day(),
                );
                self.swap(pair);
                return self.renew_if_due();
            }
            Err(error) => error,
        };
        tracing::error!(
            "the certificate in use goes on being served, for the new one cannot be: {error}"
        );
    }

    fn renew_if_due(&self) {
        match tls::renew_if_due(&self.dir, SystemTime::now()) {
            Ok((pair, Upkeep::Renewed)) => {
                tracing::info!(
                    message_id = events::CERTIFICATE_RENEWED,
                    "the certificate has been renewed with the same key: {}, valid until {}",
                    pair.fingerprint(),
                    pair.last_day(),
                );
                self.swap(pair);
            }
            Ok((pair, Upkeep::OperatorMustRenew { days_left })) => tracing::warn!(
                message_id = events::CERTIFICATE_ENDING,
                days_left,
                "the certificate in {} ends on {} ({days_left} days left): put a new one there, or every node's pull will fail",
                self.dir.display(),
                pair.last_day(),
            ),
            Ok(_) => {}
            Err(error) => tracing::error!("the certificate could not be looked after: {error}"),
        }
    }
}

/// Looks after the certificate each day, for ever.
pub(super) async fn look_after(certificate: Arc<Certificate>) {
    let mut days = interval(DAY);
    // The first tick is at once, and the start has just done it.
    days.tick().await;
    loop {
        days.tick().await;
        let certificate = certificate.clone();
        let _ = task::spawn_blocking(move || certificate.renew_if_due()).await;
    }
}

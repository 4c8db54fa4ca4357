//! What waits for the others gives up when this server stops.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task;
use tokio::time::{Instant, sleep_until, timeout};

use super::cluster::Cluster;
use crate::repository::Error;

/// What has been begun is decided within this time after another member leads, if it is at all.
const LAST_DECISIONS: Duration = Duration::from_secs(3);
/// The log is closed within this time.
const CLOSE_TIME: Duration = Duration::from_secs(2);

const STOPS: &str = "this server stops, and the others have not said in time what came of it: it may or may not have been made, look before you try again";

/// Until when to wait; none while the server runs.
pub(super) struct Patience(watch::Sender<Option<Instant>>);

impl Patience {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    fn ends_in(&self, time: Duration) {
        self.0.send_replace(Some(Instant::now() + time));
    }

    async fn ended(&self) {
        let mut end = self.0.subscribe();
        loop {
            let until = *end.borrow_and_update();
            let over = async {
                match until {
                    // The runtime may have stopped its clock.
                    Some(until) if until <= Instant::now() => {}
                    Some(until) => sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = over => return,
                _ = end.changed() => {}
            }
        }
    }
}

impl Cluster {
    /// The server stops: another member leads from now on, and what is not decided soon is given up.
    pub(super) async fn leave_to_others(&self) {
        if self.is_leader() {
            self.hand_over().await;
        }
        self.patience.ends_in(LAST_DECISIONS);
    }

    /// Closes the log.
    pub(super) async fn stop(&self) {
        self.patience.ends_in(Duration::ZERO);
        let kept = self.kept.clone();
        let closed = async {
            let _ = self.raft.shutdown().await;
            let _ = task::spawn_blocking(move || kept.flush()).await;
        };
        let _ = timeout(CLOSE_TIME, closed).await;
    }

    /// Returns why the log has ended by itself.
    pub(super) async fn failed(&self) -> String {
        let mut metrics = self.raft.metrics();
        let ended = metrics.wait_for(|now| now.running_state.is_err()).await;
        let cause =
            ended.ok().and_then(|now| now.running_state.as_ref().err().map(ToString::to_string));
        cause.unwrap_or_else(|| "it has been closed".into())
    }

    /// What comes of it, if it comes before the server stops.
    pub(super) async fn unless_it_stops<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        tokio::select! {
            biased;
            () = self.patience.ended() => Err(Error::Unreplicated(STOPS.into())),
            done = work => done,
        }
    }
}

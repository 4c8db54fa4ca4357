//! Leaders that should not be: one that cannot make what the cluster has decided holds up everybody,
//! and one that serves nobody is none that people expect.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::cluster::Cluster;

/// How often to look.
const PAUSE: Duration = Duration::from_secs(1);

impl Cluster {
    /// Keeps this member from leading while it cannot make what is decided, for as long as it runs.
    pub(super) async fn step_aside_when_stuck(self: Arc<Self>) {
        let mut aside = false;
        loop {
            sleep(PAUSE).await;
            match (self.kept.is_stuck(), aside) {
                (true, _) => {
                    aside = true;
                    self.raft.runtime_config().elect(false);
                    if self.is_leader() {
                        tracing::warn!(
                            "this server does not lead the cluster for now, as it cannot make a change that has been accepted",
                        );
                        self.hand_over().await;
                        // It may have been in vain.
                        self.raft.runtime_config().heartbeat(true);
                    }
                }
                (false, true) => {
                    aside = false;
                    self.raft.runtime_config().elect(!self.old_copy.is_suspected());
                }
                (false, false) => {}
            }
        }
    }

    /// A member that serves nobody leads only while nobody else can, for as long as it runs: as when
    /// it alone has the newest entries.
    pub(super) async fn leave_the_lead_to_those_who_serve(self: Arc<Self>) {
        if !self.only_votes {
            return;
        }
        loop {
            sleep(PAUSE).await;
            let view = self.view();
            self.hand_over_to(|id, _| view.current.contains(&id)).await;
        }
    }

    /// Returns when this member is stuck and does not lead: what it has begun is told by others.
    pub(super) async fn has_stepped_aside(&self) {
        while self.is_leader() || !self.kept.is_stuck() {
            sleep(PAUSE).await;
        }
    }
}

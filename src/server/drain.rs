//! The word that the server stops.

use tokio::sync::watch;

/// Tells everybody who waits for it to finish and take nothing new.
#[derive(Clone, Debug)]
pub struct Drain(watch::Receiver<bool>);

impl Drain {
    /// The word, and what gives it: send `true`.
    pub fn new() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    /// Whether the server stops.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when the server stops.
    pub async fn requested(&mut self) {
        // A sender that is gone means the same.
        let _ = self.0.wait_for(|&stopping| stopping).await;
    }
}

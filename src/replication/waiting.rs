//! Those who wait at this member for what comes of a change: they are told as soon as readers here
//! see it, which is before it is on this disk.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::change::Outcome;

/// All who wait, by the tickets that are in the log.
#[derive(Default)]
pub(super) struct Waiting(Mutex<HashMap<u64, oneshot::Sender<Outcome>>>);

/// One who waits. Dropping it ends that.
pub(super) struct Ticket {
    waiting: Arc<Waiting>,
    pub(super) number: u64,
    outcome: oneshot::Receiver<Outcome>,
}

impl Waiting {
    /// Somebody begins to wait.
    pub(super) fn enter(self: &Arc<Self>) -> io::Result<Ticket> {
        let number = getrandom::u64().map_err(io::Error::other)?;
        let (teller, outcome) = oneshot::channel();
        self.all().insert(number, teller);
        Ok(Ticket { waiting: self.clone(), number, outcome })
    }

    /// Tells whoever waits with this ticket, if it is somebody here.
    pub(super) fn tell(&self, number: u64, outcome: Outcome) {
        if let Some(teller) = self.all().remove(&number) {
            // One who has just gone needs no answer.
            let _ = teller.send(outcome);
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Outcome>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// What came of it. Never returns if nobody tells.
    pub(super) async fn outcome(&mut self) -> Outcome {
        match (&mut self.outcome).await {
            Ok(outcome) => outcome,
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.waiting.all().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_waits_is_told_of_his_own_change_only() {
        let waiting = Arc::new(Waiting::default());
        let (mut one, other) = (waiting.enter().unwrap(), waiting.enter().unwrap());
        waiting.tell(0, Outcome::Done);
        waiting.tell(one.number, Outcome::Done);
        assert_eq!(one.outcome().await, Outcome::Done);
        assert!(waiting.all().contains_key(&other.number));
    }

    #[test]
    fn nothing_is_left_of_those_who_have_gone() {
        let waiting = Arc::new(Waiting::default());
        let ticket = waiting.enter().unwrap();
        let number = ticket.number;
        drop(ticket);
        assert!(waiting.all().is_empty());
        waiting.tell(number, Outcome::Done);
    }
}

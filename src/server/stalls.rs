//! Clients that ask and take nothing. The system notices a socket that nobody reads; a client of HTTP/2
//! can read, answer pings, and leave its answers where they are.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// The answers of one connection of which the client has yet to take something.
#[derive(Default)]
pub(super) struct Stalls {
    since: Mutex<Since>,
    some: Notify,
}

#[derive(Default)]
struct Since {
    next: u64,
    answers: Vec<(u64, Instant)>,
}

impl Stalls {
    /// Returns when the client has taken nothing of some answer for so long.
    pub(super) async fn last(&self, limit: Duration) {
        loop {
            match self.oldest() {
                None => self.some.notified().await,
                Some(since) if since.elapsed() >= limit => return,
                // What is there then may be another one.
                Some(since) => sleep_until(since + limit).await,
            }
        }
    }

    fn oldest(&self) -> Option<Instant> {
        self.lock().answers.iter().map(|&(_, since)| since).min()
    }

    fn lock(&self) -> MutexGuard<'_, Since> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whose turn it is with one answer: the server's, to make more of it, or the client's, to take it.
pub(super) struct Turn {
    stalls: Arc<Stalls>,
    id: Option<u64>,
}

impl Turn {
    pub(super) fn new(stalls: Arc<Stalls>) -> Self {
        Self { stalls, id: None }
    }

    /// The client has been given something that it has not had yet.
    pub(super) fn of_client(&mut self) {
        let mut since = self.stalls.lock();
        let now = Instant::now();
        if let Some(id) = self.id
            && let Some((_, its)) = since.answers.iter_mut().find(|(its, _)| *its == id)
        {
            *its = now;
            return;
        }
        let id = since.next;
        since.next += 1;
        since.answers.push((id, now));
        let is_first = since.answers.len() == 1;
        drop(since);
        self.id = Some(id);
        if is_first {
            self.stalls.some.notify_one();
        }
    }

    /// There is nothing to be taken.
    pub(super) fn of_server(&mut self) {
        if let Some(id) = self.id.take() {
            self.stalls.lock().answers.retain(|&(its, _)| its != id);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.of_server();
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    const LIMIT: Duration = Duration::from_millis(300);

    async fn is_stalled(stalls: &Stalls, within: Duration) -> bool {
        timeout(within, stalls.last(LIMIT)).await.is_ok()
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_noticed_and_nobody_else() {
        let stalls = Arc::new(Stalls::default());
        let mut waiting = Turn::new(stalls.clone());
        waiting.of_client();
        waiting.of_server();
        assert!(!is_stalled(&stalls, 2 * LIMIT).await, "it waits for us");
        let mut stuck = Turn::new(stalls.clone());
        stuck.of_client();
        assert!(is_stalled(&stalls, 100 * LIMIT).await);
        stuck.of_client();
        assert!(!is_stalled(&stalls, LIMIT / 10).await, "it has taken something");
        assert!(is_stalled(&stalls, 100 * LIMIT).await);
        drop(stuck);
        assert!(!is_stalled(&stalls, 2 * LIMIT).await);
    }
}

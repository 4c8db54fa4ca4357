//! Bounded work: so many at once, so many waiting, and not for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::oneshot::{self, Sender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task;
use tokio::time::timeout;

use super::error::Error;
use super::limits::{MAX_WAITING, WAIT_TIME};

/// Places for one kind of blocking work.
pub(super) struct Places {
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl Places {
    pub(super) fn new(places: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(places)), waiting: AtomicUsize::new(0) }
    }

    /// Does blocking work on a thread made for it, as soon as there is a place.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let place = self.take().await?;
        let done = task::spawn_blocking(move || {
            let _place = place;
            work()
        });
        done.await.map_err(|_| Error::Panicked)
    }

    /// The same, but nobody waits for what the work does after its answer. It keeps its place for
    /// that.
    pub(super) async fn run_on<T: Send + 'static>(
        &self,
        work: impl FnOnce(Sender<T>) + Send + 'static,
    ) -> Result<T, Error> {
        let place = self.take().await?;
        let (sender, answer) = oneshot::channel();
        task::spawn_blocking(move || {
            let _place = place;
            work(sender);
        });
        answer.await.map_err(|_| Error::Panicked)
    }

    /// Waits for what somebody else does in their place, without one. As many may wait so as for
    /// places.
    pub(super) async fn wait(&self, done: impl Future<Output = ()>) -> Result<(), Error> {
        let _waiter = Waiter::enter(&self.waiting)?;
        done.await;
        Ok(())
    }

    async fn take(&self) -> Result<OwnedSemaphorePermit, Error> {
        if let Ok(place) = self.free.clone().try_acquire_owned() {
            return Ok(place);
        }
        let _waiter = Waiter::enter(&self.waiting)?;
        match timeout(WAIT_TIME, self.free.clone().acquire_owned()).await {
            Ok(place) => Ok(place.expect("the semaphore is never closed")),
            Err(_) => Err(Error::Busy),
        }
    }
}

/// Counts itself for as long as it lives, also when its request is given up.
struct Waiter<'a>(&'a AtomicUsize);

impl<'a> Waiter<'a> {
    fn enter(waiting: &'a AtomicUsize) -> Result<Self, Error> {
        let before = waiting.fetch_add(1, Ordering::Relaxed);
        let waiter = Self(waiting);
        if before < MAX_WAITING { Ok(waiter) } else { Err(Error::Busy) }
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_place_is_taken_until_its_work_ends_though_nobody_waits_for_it() {
        let places = Arc::new(Places::new(1));
        let (begun, is_begun) = oneshot::channel();
        let (end, ends) = mpsc::channel::<()>();
        let asking = {
            let places = places.clone();
            let work = move || {
                let _ = begun.send(());
                let _ = ends.recv();
            };
            tokio::spawn(async move { places.run(work).await })
        };
        is_begun.await.unwrap();
        asking.abort();
        assert!(asking.await.unwrap_err().is_cancelled());
        assert_eq!(places.free.available_permits(), 0);
        let next = tokio::spawn(async move { places.run(|| "done").await });
        drop(end);
        assert_eq!(next.await.unwrap().unwrap(), "done");
    }

    #[tokio::test]
    async fn whoever_gives_up_waiting_waits_no_more() {
        let places = Arc::new(Places::new(0));
        let waiting = places.clone();
        let asking = tokio::spawn(async move { waiting.run(|| ()).await });
        while places.waiting.load(Ordering::Relaxed) == 0 {
            task::yield_now().await;
        }
        asking.abort();
        assert!(asking.await.unwrap_err().is_cancelled());
        assert_eq!(places.waiting.load(Ordering::Relaxed), 0);
    }
}

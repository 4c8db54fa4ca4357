//! Bounded work: so many at once, so many waiting, and not for ever. Some of it is kept for
//! administrators, whose changes must get through whatever nodes and readers ask for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::oneshot::{self, Sender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task;
use tokio::time::timeout;

use super::error::Error;
use super::limits::{MAX_WAITING, WAIT_TIME};
use crate::accounts::Role;

/// Places for one kind of blocking work.
pub(super) struct Places {
    all: Queue,
    /// The places that others than administrators may have: they take one of these first.
    others: Queue,
}

impl Places {
    /// So many places, and how many of them only administrators get.
    pub(super) fn new(places: usize, kept: usize) -> Self {
        Self { all: Queue::new(places), others: Queue::new(places - kept) }
    }

    /// Does blocking work on a thread made for it, as soon as there is a place: any of them.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        self.run_for(Role::Administrator, work).await
    }

    /// The same, for somebody of this role.
    pub(super) async fn run_for<T: Send + 'static>(
        &self,
        role: Role,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        self.run_on(role, |sender| _ = sender.send(work())).await
    }

    /// The same, for work that may go on after its answer, or looks whether anybody still waits for
    /// that ([`Sender::is_closed`]). It keeps its place to its end.
    pub(super) async fn run_on<T: Send + 'static>(
        &self,
        role: Role,
        work: impl FnOnce(Sender<T>) + Send + 'static,
    ) -> Result<T, Error> {
        let place = self.take(role).await?;
        let (sender, answer) = oneshot::channel();
        task::spawn_blocking(move || {
            let _place = place;
            work(sender);
        });
        answer.await.map_err(|_| Error::Panicked)
    }

    /// Waits for what somebody else does in their place, without one. As many may wait so as for
    /// places.
    pub(super) async fn wait(
        &self,
        role: Role,
        done: impl Future<Output = ()>,
    ) -> Result<(), Error> {
        let queue = match role {
            Role::Administrator => &self.all,
            Role::Service | Role::Reader => &self.others,
        };
        let _waiter = Waiter::enter(&queue.waiting)?;
        done.await;
        Ok(())
    }

    async fn take(&self, role: Role) -> Result<Place, Error> {
        let other = match role {
            Role::Administrator => None,
            Role::Service | Role::Reader => Some(self.others.take().await?),
        };
        Ok(Place { _one: self.all.take().await?, _other: other })
    }
}

/// A place that somebody has.
struct Place {
    _one: OwnedSemaphorePermit,
    _other: Option<OwnedSemaphorePermit>,
}

struct Queue {
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl Queue {
    fn new(places: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(places)), waiting: AtomicUsize::new(0) }
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
        let places = Arc::new(Places::new(1, 0));
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
        assert_eq!(places.all.free.available_permits(), 0);
        let next = tokio::spawn(async move { places.run(|| "done").await });
        drop(end);
        assert_eq!(next.await.unwrap().unwrap(), "done");
    }

    #[tokio::test]
    async fn whoever_gives_up_waiting_waits_no_more() {
        let places = Arc::new(Places::new(0, 0));
        let waiting = places.clone();
        let asking = tokio::spawn(async move { waiting.run(|| ()).await });
        while places.all.waiting.load(Ordering::Relaxed) == 0 {
            task::yield_now().await;
        }
        asking.abort();
        assert!(asking.await.unwrap_err().is_cancelled());
        assert_eq!(places.all.waiting.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn others_leave_places_for_administrators() {
        let places = Arc::new(Places::new(3, 1));
        let (end, ended) = mpsc::channel::<()>();
        let ended = Arc::new(std::sync::Mutex::new(ended));
        let others: Vec<_> = (0..20)
            .map(|_| {
                let (places, ended) = (places.clone(), ended.clone());
                // Until the other end is dropped.
                let work = move || _ = ended.lock().map(|ended| ended.recv());
                tokio::spawn(async move { places.run_for(Role::Service, work).await })
            })
            .collect();
        while places.others.free.available_permits() > 0 {
            task::yield_now().await;
        }
        assert_eq!(places.run_for(Role::Administrator, || 7).await.unwrap(), 7);
        drop(end);
        for other in others {
            other.await.unwrap().unwrap();
        }
    }
}

//! One connection, as those see it who share out places.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use hyper::Request;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::error::Error;
use super::limits::{HANDSHAKE_TIME, MAX_HEADS_OF_STRANGER, STRANGER_GRACE};
use super::request_body::head_weight;
use super::room::{Entry, Room};

/// What times are counted from, as they must fit into an atomic number.
static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A connection's place. It is given back when this is dropped.
pub(super) struct Place(Arc<Guest>);

/// Who is connected.
pub(super) struct Guest {
    room: Room,
    network: IpAddr,
    is_known: AtomicBool,
    /// In milliseconds since [`BEGINNING`].
    last_active: AtomicU64,
    /// Bytes of the heads that wait for their password to be checked.
    heads: AtomicUsize,
    is_put_out: AtomicBool,
    end: Notify,
}

impl Place {
    pub(super) fn new(room: Room, network: IpAddr) -> Self {
        let guest = Guest {
            room,
            network,
            is_known: AtomicBool::new(false),
            last_active: AtomicU64::new(0),
            heads: AtomicUsize::new(0),
            is_put_out: AtomicBool::new(false),
            end: Notify::new(),
        };
        guest.is_active();
        Self(Arc::new(guest))
    }

    pub(super) fn guest(&self) -> &Arc<Guest> {
        &self.0
    }

    /// Waits until there is a place among the strangers. False if there is none in time.
    pub(super) async fn may_talk(&self) -> bool {
        let mut turn = match self.0.room.enter(&self.0) {
            Entry::Now => return true,
            Entry::Never => return false,
            Entry::Later(turn) => turn,
        };
        let deadline = Instant::now() + HANDSHAKE_TIME;
        while Instant::now() < deadline {
            if let Ok(turn) = timeout(STRANGER_GRACE, &mut turn).await {
                self.0.is_active();
                return turn.is_ok();
            }
            self.0.room.press(self.0.network);
        }
        false
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.room.leave(&self.0);
    }
}

impl Guest {
    pub(super) fn network(&self) -> IpAddr {
        self.network
    }

    /// A right password has been shown. Costs next to nothing but for the first time.
    pub(super) fn known(self: &Arc<Self>) {
        if !self.is_known.load(Ordering::Relaxed) && !self.is_known.swap(true, Ordering::Relaxed) {
            self.room.known(self);
        }
    }

    /// The client has said something.
    pub(super) fn is_active(&self) {
        if !self.is_known.load(Ordering::Relaxed) {
            self.was_active(Instant::now());
        }
    }

    pub(super) fn was_active(&self, when: Instant) {
        let since = when.saturating_duration_since(*BEGINNING).as_millis() as u64;
        self.last_active.store(since, Ordering::Relaxed);
    }

    pub(super) fn last_active(&self) -> Instant {
        *BEGINNING + Duration::from_millis(self.last_active.load(Ordering::Relaxed))
    }

    /// Tells the connection to end.
    pub(super) fn put_out(&self) {
        self.is_put_out.store(true, Ordering::Relaxed);
        self.end.notify_one();
    }

    #[cfg(test)]
    pub(super) fn is_put_out(&self) -> bool {
        self.is_put_out.load(Ordering::Relaxed)
    }

    /// Returns when the connection has to make room for another one.
    pub(super) async fn must_end(&self) {
        self.end.notified().await;
    }

    /// Counts a stranger's head until its password has been checked: HTTP/2 brings many at once. What
    /// is too much is dropped here and now, and not when it is its turn to be refused.
    ///
    /// # Errors
    /// [`Error::TooManyLogins`] if too much waits already.
    pub(super) fn weigh<B>(self: &Arc<Self>, request: Request<B>) -> Result<Weighed<B>, Error> {
        if self.is_known.load(Ordering::Relaxed) {
            return Ok((request, None));
        }
        let bytes = head_weight(request.headers());
        let before = self.heads.fetch_add(bytes, Ordering::Relaxed);
        let head = Head { guest: self.clone(), bytes };
        // One alone is never too large: its connection has taken it.
        match before == 0 || before + bytes <= MAX_HEADS_OF_STRANGER {
            true => Ok((request, Some(head))),
            false => Err(Error::TooManyLogins),
        }
    }
}

/// A request, and its head if that counts.
pub(super) type Weighed<B> = (Request<B>, Option<Head>);

/// A head that waits. Dropped when its password has been checked.
pub(super) struct Head {
    guest: Arc<Guest>,
    bytes: usize,
}

impl Drop for Head {
    fn drop(&mut self) {
        self.guest.heads.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn request(bytes: usize) -> Request<()> {
        Request::builder().header("x", "x".repeat(bytes)).body(()).unwrap()
    }

    fn place() -> Place {
        Room::new(1000).admit(Ipv4Addr::LOCALHOST.into()).unwrap()
    }

    #[test]
    fn of_a_strangers_heads_only_so_much_waits() {
        let place = place();
        let mut waiting = Vec::new();
        while let Ok(weighed) = place.guest().weigh(request(16 << 10)) {
            waiting.push(weighed);
        }
        assert_eq!(waiting.len(), 3);
        waiting.pop();
        assert!(place.guest().weigh(request(16 << 10)).is_ok());
        waiting.clear();
        assert_eq!(place.guest().heads.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn one_head_alone_is_not_refused_and_many_small_ones_neither() {
        let place = place();
        assert!(place.guest().weigh(request(MAX_HEADS_OF_STRANGER + 1)).is_ok());
        let weighed: Vec<_> = (0..64).map(|_| place.guest().weigh(request(300))).collect();
        assert!(weighed.iter().all(Result::is_ok));
    }

    #[test]
    fn whoever_has_shown_a_password_is_not_weighed() {
        let place = place();
        place.guest().known();
        let weighed: Vec<_> = (0..64).map(|_| place.guest().weigh(request(16 << 10))).collect();
        assert!(weighed.iter().all(|weighed| matches!(weighed, Ok((_, None)))));
    }
}

//! Passwords that are being checked.
//!
//! A check belongs to nobody who asks for it: it goes on when its request has been given up, or
//! guesses could be made without being counted. Whoever brings the same password from the same
//! address meanwhile is answered by the same check: that many nodes have one password, an old one
//! maybe, makes no guesses of them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::error::Error;
use super::limits::{MAX_ATTEMPTS, MAX_ATTEMPTS_OF_ADDRESS};
use super::network::network;
use crate::accounts::Account;

/// The network it comes from, and the tag of name and password.
type Key = (IpAddr, [u8; 32]);

/// What becomes of an attempt, as soon as it is known.
type Verdict = Option<Result<Account, Refused>>;

/// Why somebody is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Unknown name or wrong password.
    Wrong,
    /// Too many have failed from there, and too many wait.
    TooMany,
    /// There was no turn or no place in time.
    Busy,
    /// The check itself failed.
    Failed,
}

/// All attempts that have not ended.
#[derive(Default)]
pub(super) struct Attempts(Mutex<Going>);

#[derive(Default)]
struct Going {
    all: HashMap<Key, watch::Receiver<Verdict>>,
    of: HashMap<IpAddr, usize>,
}

/// One that has not ended. It ends with this.
pub(super) struct Attempt {
    attempts: Arc<Attempts>,
    key: Key,
    verdict: watch::Sender<Verdict>,
}

/// One that somebody waits for.
pub(super) struct Awaited(watch::Receiver<Verdict>);

impl Attempts {
    /// What is to be waited for, and what is to be done if nobody does so yet. `tag` stands for name
    /// and password.
    pub(super) fn join(
        self: &Arc<Self>,
        client: IpAddr,
        tag: [u8; 32],
    ) -> Result<(Awaited, Option<Attempt>), Error> {
        let key = (network(client), tag);
        let mut going = self.lock();
        if let Some(verdict) = going.all.get(&key) {
            return Ok((Awaited(verdict.clone()), None));
        }
        if going.all.len() >= MAX_ATTEMPTS {
            return Err(Error::Busy);
        }
        let of_network = going.of.entry(key.0).or_default();
        if *of_network >= MAX_ATTEMPTS_OF_ADDRESS {
            return Err(Error::TooManyLogins);
        }
        *of_network += 1;
        let (verdict, awaited) = watch::channel(None);
        going.all.insert(key, awaited.clone());
        Ok((Awaited(awaited), Some(Attempt { attempts: self.clone(), key, verdict })))
    }

    fn lock(&self) -> MutexGuard<'_, Going> {
        // Each attempt stands for itself.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt {
    /// Tells everybody who waits.
    pub(super) fn end(self, verdict: Result<Account, Refused>) {
        self.verdict.send_replace(Some(verdict));
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let mut going = self.attempts.lock();
        going.all.remove(&self.key);
        if let Some(count) = going.of.get_mut(&self.key.0) {
            *count -= 1;
            if *count == 0 {
                going.of.remove(&self.key.0);
            }
        }
    }
}

impl Awaited {
    /// Returns when the attempt has ended.
    pub(super) async fn verdict(mut self) -> Result<Account, Error> {
        match self.0.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(verdict)) => verdict.clone().map_err(Error::from),
            _ => Err(Error::Panicked),
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Wrong => Self::Unauthorized,
            Refused::TooMany => Self::TooManyLogins,
            Refused::Busy => Self::Busy,
            Refused::Failed => Self::Panicked,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 1));
    const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

    fn tag(number: usize) -> [u8; 32] {
        let mut tag = [0; 32];
        tag[..8].copy_from_slice(&number.to_be_bytes());
        tag
    }

    #[tokio::test]
    async fn the_same_password_from_the_same_address_is_one_attempt() {
        let attempts = Arc::new(Attempts::default());
        let (first, attempt) = attempts.join(HERE, tag(1)).unwrap();
        let (second, none) = attempts.join(HERE, tag(1)).unwrap();
        assert!(none.is_none());
        assert!(attempts.join(THERE, tag(1)).unwrap().1.is_some());
        attempt.unwrap().end(Err(Refused::Wrong));
        for awaited in [first, second] {
            assert!(matches!(awaited.verdict().await, Err(Error::Unauthorized)));
        }
        assert!(attempts.join(HERE, tag(1)).unwrap().1.is_some(), "a new one");
    }

    #[test]
    fn one_address_makes_only_so_many_and_leaves_places_to_others() {
        let attempts = Arc::new(Attempts::default());
        let begin = |client, number| attempts.join(client, tag(number)).map(|joined| joined.1);
        let mut going: Vec<_> =
            (0..MAX_ATTEMPTS_OF_ADDRESS).map(|number| begin(HERE, number).unwrap()).collect();
        let more = begin(HERE, MAX_ATTEMPTS_OF_ADDRESS);
        assert!(matches!(more, Err(Error::TooManyLogins)));
        assert!(begin(THERE, 0).is_ok());
        drop(going.pop());
        assert!(begin(HERE, MAX_ATTEMPTS_OF_ADDRESS).is_ok());
    }

    #[test]
    fn nothing_is_left_of_those_that_have_ended() {
        let attempts = Arc::new(Attempts::default());
        for number in 0..3 * MAX_ATTEMPTS_OF_ADDRESS {
            drop(attempts.join(HERE, tag(number)).unwrap());
        }
        let going = attempts.lock();
        assert!(going.all.is_empty() && going.of.is_empty());
    }

    #[test]
    fn there_are_only_so_many_in_all() {
        let attempts = Arc::new(Attempts::default());
        let client = |number: usize| IpAddr::V4(Ipv4Addr::from(number as u32));
        let going: Vec<_> = (0..MAX_ATTEMPTS)
            .map(|number| attempts.join(client(number), tag(number)).unwrap())
            .collect();
        assert!(matches!(attempts.join(HERE, tag(0)), Err(Error::Busy)));
        drop(going);
        assert!(attempts.join(HERE, tag(0)).is_ok());
    }
}

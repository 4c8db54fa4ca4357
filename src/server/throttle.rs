//! Slowing down those who guess passwords, and nobody else.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::attempts::Refused;
use super::limits::WAIT_TIME;
use super::network::network;

/// Failures that cost nothing: people mistype.
pub(super) const FREE_FAILURES: u32 = 5;
/// A failure is forgiven after this time.
const FORGIVEN_AFTER: Duration = Duration::from_secs(30);
/// The delay of the first failure that counts; each further one doubles it.
const FIRST_DELAY: Duration = Duration::from_millis(250);
const MAX_DELAY: Duration = Duration::from_secs(8);
/// Requests of one address that may wait at once.
const MAX_WAITING: u32 = 16;
/// Addresses remembered; the quietest one is forgotten for a new one.
const MAX_ADDRESSES: usize = 16_384;
/// Accounts remembered to have logged in from one address.
const MAX_ACCOUNTS: usize = 64;

/// Failed logins by address.
#[derive(Default)]
pub(super) struct Throttle {
    addresses: Mutex<HashMap<IpAddr, Record>>,
}

struct Record {
    failures: u32,
    last: Instant,
    waiting: u32,
    turn: Arc<Semaphore>,
    /// Accounts that have shown the right password from here: theirs are not guesses.
    trusted: Vec<String>,
}

/// What an attempt has to do first.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ruling {
    /// Nothing.
    Go,
    /// Wait, then call [`Throttle::waited`].
    Wait(Duration),
    /// Come again later.
    Refuse,
}

impl Throttle {
    /// Passwords of one address are checked one after the other: guesses made all at once are
    /// counted like others, and do not keep other addresses waiting.
    pub(super) async fn turn(&self, client: IpAddr) -> Result<OwnedSemaphorePermit, Refused> {
        let turn = {
            let mut addresses = self.lock();
            record(&mut addresses, client).turn.clone()
        };
        match timeout(WAIT_TIME, turn.acquire_owned()).await {
            Ok(turn) => Ok(turn.expect("the semaphore is never closed")),
            Err(_) => Err(Refused::Busy),
        }
    }

    /// Whether a password of `account` that was verified before need not wait for its turn. If so,
    /// it has succeeded.
    pub(super) fn lets_pass(&self, client: IpAddr, account: &str) -> bool {
        let mut addresses = self.lock();
        let record = record(&mut addresses, client);
        let passes = record.lets_pass(account);
        if passes {
            record.trust(account);
        }
        passes
    }

    /// Rules on an attempt. A password of `account` that was verified before, from this address, is
    /// no guess and never waits: `is_recalled` tells.
    pub(super) fn rule(&self, client: IpAddr, account: &str, is_recalled: bool) -> Ruling {
        let mut addresses = self.lock();
        let Some(record) = addresses.get_mut(&network(client)) else { return Ruling::Go };
        let counted = record.counted();
        if counted == 0 || is_recalled && record.lets_pass(account) {
            return Ruling::Go;
        }
        if record.waiting == MAX_WAITING {
            return Ruling::Refuse;
        }
        record.waiting += 1;
        Ruling::Wait((FIRST_DELAY * (1 << (counted - 1).min(16))).min(MAX_DELAY))
    }

    /// An attempt has waited as it was told.
    pub(super) fn waited(&self, client: IpAddr) {
        if let Some(record) = self.lock().get_mut(&network(client)) {
            record.waiting = record.waiting.saturating_sub(1);
        }
    }

    /// An attempt failed. Returns how many failures the address has.
    pub(super) fn failed(&self, client: IpAddr) -> u32 {
        let mut addresses = self.lock();
        let record = record(&mut addresses, client);
        record.forgive();
        record.failures = record.failures.saturating_add(1);
        record.last = Instant::now();
        record.failures
    }

    /// An attempt of `account` succeeded. That forgives nothing, or one known password would buy
    /// guesses at the others.
    pub(super) fn succeeded(&self, client: IpAddr, account: &str) {
        let mut addresses = self.lock();
        record(&mut addresses, client).trust(account);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<IpAddr, Record>> {
        self.addresses.lock().expect("no code panics while it holds the failed logins")
    }
}

impl Record {
    fn new() -> Self {
        let turn = Arc::new(Semaphore::new(1));
        Self { failures: 0, last: Instant::now(), waiting: 0, turn, trusted: Vec::new() }
    }

    fn lets_pass(&mut self, account: &str) -> bool {
        self.counted() == 0 || self.trusted.iter().any(|name| name == account)
    }

    fn trust(&mut self, account: &str) {
        if self.trusted.len() < MAX_ACCOUNTS && !self.trusted.iter().any(|name| name == account) {
            self.trusted.push(account.to_owned());
        }
    }

    /// Failures that cost something.
    fn counted(&mut self) -> u32 {
        self.forgive();
        self.failures.saturating_sub(FREE_FAILURES)
    }

    fn forgive(&mut self) {
        let forgiven = self.last.elapsed().as_secs() / FORGIVEN_AFTER.as_secs();
        if forgiven > 0 {
            self.failures =
                self.failures.saturating_sub(u32::try_from(forgiven).unwrap_or(u32::MAX));
            self.last = Instant::now();
        }
    }
}

fn record(addresses: &mut HashMap<IpAddr, Record>, client: IpAddr) -> &mut Record {
    let network = network(client);
    if !addresses.contains_key(&network) {
        make_room(addresses);
    }
    addresses.entry(network).or_insert_with(Record::new)
}

fn make_room(addresses: &mut HashMap<IpAddr, Record>) {
    if addresses.len() < MAX_ADDRESSES {
        return;
    }
    let idle = addresses.iter().filter(|(_, record)| record.waiting == 0);
    let quietest = idle.min_by_key(|(_, record)| (record.failures, record.last));
    if let Some(address) = quietest.map(|(address, _)| *address) {
        addresses.remove(&address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 2));

    fn guessed(times: u32) -> Throttle {
        let throttle = Throttle::default();
        for _ in 0..times {
            throttle.failed(HERE);
        }
        throttle
    }

    #[test]
    fn a_few_failures_cost_nothing_and_more_cost_ever_more() {
        assert_eq!(guessed(FREE_FAILURES).rule(HERE, "admin", false), Ruling::Go);
        let sixth = guessed(FREE_FAILURES + 1).rule(HERE, "admin", false);
        let seventh = guessed(FREE_FAILURES + 2).rule(HERE, "admin", false);
        assert_eq!(sixth, Ruling::Wait(FIRST_DELAY));
        assert_eq!(seventh, Ruling::Wait(FIRST_DELAY * 2));
        assert_eq!(guessed(1000).rule(HERE, "admin", false), Ruling::Wait(MAX_DELAY));
    }

    #[test]
    fn other_addresses_are_not_affected() {
        assert_eq!(guessed(100).rule(THERE, "admin", false), Ruling::Go);
    }

    #[test]
    fn a_known_password_from_where_it_was_used_before_does_not_wait() {
        let throttle = guessed(100);
        throttle.succeeded(HERE, "ecuser");
        assert_eq!(throttle.rule(HERE, "ecuser", true), Ruling::Go);
        assert_eq!(throttle.rule(HERE, "ecuser", false), Ruling::Wait(MAX_DELAY));
        assert_eq!(throttle.rule(HERE, "admin", true), Ruling::Wait(MAX_DELAY));
    }

    #[test]
    fn only_so_many_wait_at_once() {
        let throttle = guessed(100);
        for _ in 0..MAX_WAITING {
            assert_eq!(throttle.rule(HERE, "admin", false), Ruling::Wait(MAX_DELAY));
        }
        assert_eq!(throttle.rule(HERE, "admin", false), Ruling::Refuse);
        throttle.waited(HERE);
        assert_eq!(throttle.rule(HERE, "admin", false), Ruling::Wait(MAX_DELAY));
    }

    #[test]
    fn the_table_does_not_grow_without_bound() {
        let throttle = Throttle::default();
        for number in 0..MAX_ADDRESSES as u32 + 100 {
            throttle.failed(IpAddr::V4(number.into()));
        }
        assert!(throttle.lock().len() <= MAX_ADDRESSES);
    }

    #[test]
    fn an_ipv6_host_cannot_change_its_address_to_go_on() {
        let throttle = Throttle::default();
        for number in 0..100 {
            throttle.failed(format!("2001:db8::{number:x}").parse().unwrap());
        }
        let other = "2001:db8::ffff".parse().unwrap();
        assert_eq!(throttle.rule(other, "admin", false), Ruling::Wait(MAX_DELAY));
    }
}

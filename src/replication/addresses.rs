//! Where members may be. The cluster reaches a member at one address, which is in the log; beside it
//! this server knows where the list has it, where it has answered before, from where it has
//! come, and what an administrator has said. Whoever answers there with the member's key is the member: a wrong address costs an
//! attempt, and one that has really moved is found though nobody leads who could write it down.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::raft::Member;

/// What is known beside the log, by the members' keys.
#[derive(Default)]
pub(super) struct Addresses {
    beside: Mutex<BTreeMap<String, Beside>>,
    /// Where this server listens; 0 if it does not yet.
    port: Arc<AtomicU16>,
}

/// Of one member.
#[derive(Default)]
struct Beside {
    /// In the newest list.
    listed: Option<String>,
    /// By an administrator, to this server alone.
    told: Option<String>,
    /// By itself: from there it has come, and on that port it listens.
    came: Option<String>,
    /// Where it has answered last, as by the log, and before that elsewhere.
    worked: [Option<String>; 2],
}

impl Addresses {
    pub(super) fn new(port: Arc<AtomicU16>) -> Self {
        Self { port, ..Self::default() }
    }

    /// The port on which this server listens.
    pub(super) fn own_port(&self) -> u16 {
        self.port.load(Ordering::Relaxed)
    }

    /// All at which a member may be, first the one in the log.
    pub(super) fn of(&self, member: &Member) -> Vec<String> {
        let mut all = vec![member.address.clone()];
        if let Some(Beside { listed, told, came, worked }) = self.all().get(&member.key) {
            for address in [listed, told, came].into_iter().chain(worked).flatten() {
                if !all.contains(address) {
                    all.push(address.clone());
                }
            }
        }
        all
    }

    /// The list has these.
    pub(super) fn set_listed(&self, listed: BTreeMap<String, String>) {
        let mut all = self.all();
        all.values_mut().for_each(|beside| beside.listed = None);
        for (key, address) in listed {
            all.entry(key).or_default().listed = Some(address);
        }
    }

    /// Where the list has the server with this key.
    pub(super) fn listed(&self, key: &str) -> Option<String> {
        self.all().get(key)?.listed.clone()
    }

    /// An administrator has said that it is there.
    pub(super) fn set_told(&self, key: &str, address: String) {
        self.all().entry(key.to_owned()).or_default().told = Some(address);
    }

    /// It has come from there.
    pub(super) fn came(&self, key: &str, from: IpAddr, port: u16) {
        let address = SocketAddr::new(from, port).to_string();
        self.all().entry(key.to_owned()).or_default().came = Some(address);
    }

    /// It has answered there.
    pub(super) fn worked(&self, key: &str, address: &str) {
        let mut all = self.all();
        let worked = &mut all.entry(key.to_owned()).or_default().worked;
        if worked[0].as_deref() != Some(address) {
            worked.swap(0, 1);
            worked[0] = Some(address.to_owned());
        }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Beside>> {
        // Nothing in it panics.
        self.beside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(address: &str) -> Member {
        Member { name: "m".into(), address: address.into(), key: "key".into() }
    }

    #[test]
    fn a_member_may_be_where_it_was_before_where_it_is_listed_and_where_somebody_says() {
        let addresses = Addresses::default();
        assert_eq!(addresses.of(&member("log")), ["log"]);
        addresses.worked("key", "first");
        addresses.worked("key", "log");
        addresses.worked("key", "log");
        addresses.set_listed([("key".into(), "listed".into())].into());
        addresses.set_told("key", "told".into());
        addresses.came("key", "2001:db8::1".parse().unwrap(), 2027);
        let came = "[2001:db8::1]:2027";
        assert_eq!(addresses.of(&member("log")), ["log", "listed", "told", came, "first"]);
        addresses.set_listed(BTreeMap::new());
        assert_eq!(addresses.listed("key"), None);
        assert_eq!(addresses.of(&member("log")), ["log", "told", came, "first"]);
    }
}

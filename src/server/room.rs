//! The places for connections, and who gets them.
//!
//! Whoever has not shown a right password yet is a stranger. Only so many strangers are talked to at
//! once, as each may send a head that does not end; more wait, and cost a descriptor. When there is no
//! place, the network with the most strangers loses the one that has been idle longest. So whoever
//! has no account takes places from himself, and from nobody else. The last eighth of all places is
//! kept for networks that have few connections: neither does one account take them all.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot};

use super::guest::{Guest, Place};
use super::limits::{
    FEW_CONNECTIONS, KEPT_FOR_FEW, MAX_CONNECTIONS, MAX_STRANGERS, MAX_WAITING_STRANGERS,
    RESERVED_DESCRIPTORS, STRANGER_GRACE,
};
use super::network::network;
use crate::events;

/// How often the log tells that there is no place.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// The places that there are: all acceptors of the process share them.
#[derive(Clone)]
pub struct Room(Arc<Shared>);

struct Shared {
    places: usize,
    most_strangers: usize,
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Default)]
struct State {
    taken: usize,
    strangers: usize,
    waiting: usize,
    networks: HashMap<IpAddr, Network>,
    told: Option<Instant>,
}

/// What one network has.
#[derive(Default)]
struct Network {
    connections: usize,
    strangers: Vec<Arc<Guest>>,
    waiting: VecDeque<(Arc<Guest>, oneshot::Sender<()>)>,
}

/// What places are short.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    /// Those of all connections.
    All,
    /// Those of strangers, for which newcomers can wait.
    Strangers,
}

impl Of {
    fn of(self, network: &Network) -> usize {
        match self {
            Self::All => network.connections,
            Self::Strangers => network.strangers.len(),
        }
    }
}

/// What a stranger is told who wants to talk.
pub(super) enum Entry {
    /// To do so.
    Now,
    /// To wait for this.
    Later(oneshot::Receiver<()>),
    /// To go: too many of its network wait.
    Never,
}

impl Room {
    /// Connections get what `descriptors` leaves for them.
    pub fn new(descriptors: u64) -> Self {
        let places = descriptors.saturating_sub(RESERVED_DESCRIPTORS).clamp(16, MAX_CONNECTIONS);
        Self::of(places as usize, MAX_STRANGERS)
    }

    fn of(places: usize, most_strangers: usize) -> Self {
        let (state, freed) = (Mutex::default(), Notify::new());
        Self(Arc::new(Shared { places, most_strangers, state, freed }))
    }

    /// Returns when it is worth while to accept a connection.
    pub(super) async fn has_place(&self) {
        loop {
            let freed = self.0.freed.notified();
            if self.lock().may_accept(self.0.places) {
                return;
            }
            freed.await;
        }
    }

    /// A place for a connection from there, unless its network has enough.
    pub(super) fn admit(&self, client: IpAddr) -> Option<Place> {
        let network = network(client);
        let mut state = self.lock();
        let has = state.networks.get(&network).map_or(0, |network| network.connections);
        let kept = if has < FEW_CONNECTIONS { 0 } else { self.0.places / KEPT_FOR_FEW };
        if state.taken >= self.0.places - kept && !state.put_one_out(network, Of::All) {
            state.tell(network, || {
                format!(
                    "no place is left for another connection from {network}, which has {has}: it is closed; raise LimitNOFILE of the service if there are so many nodes"
                )
            });
            return None;
        }
        state.taken += 1;
        state.networks.entry(network).or_default().connections += 1;
        Some(Place::new(self.clone(), network))
    }

    /// A stranger wants to talk.
    pub(super) fn enter(&self, guest: &Arc<Guest>) -> Entry {
        let mut state = self.lock();
        let is_free = state.strangers < self.0.most_strangers && state.waiting == 0;
        if is_free || state.put_one_out(guest.network(), Of::Strangers) {
            state.talk(guest.clone());
            return Entry::Now;
        }
        let network = state.networks.entry(guest.network()).or_default();
        if network.waiting.len() >= MAX_WAITING_STRANGERS {
            return Entry::Never;
        }
        let (turn, later) = oneshot::channel();
        network.waiting.push_back((guest.clone(), turn));
        state.waiting += 1;
        Entry::Later(later)
    }

    /// One of this network has waited for a while: somebody may be idle by now.
    pub(super) fn press(&self, network: IpAddr) {
        let mut state = self.lock();
        if state.put_one_out(network, Of::Strangers) {
            state.hand_over(self.0.most_strangers);
        }
    }

    /// The guest is no stranger any more.
    pub(super) fn known(&self, guest: &Arc<Guest>) {
        let mut state = self.lock();
        state.forget(guest);
        state.hand_over(self.0.most_strangers);
    }

    /// The guest's connection has ended.
    pub(super) fn leave(&self, guest: &Arc<Guest>) {
        let mut state = self.lock();
        state.forget(guest);
        state.taken -= 1;
        if let Some(network) = state.networks.get_mut(&guest.network()) {
            network.connections -= 1;
            if network.connections == 0 {
                state.networks.remove(&guest.network());
            }
        }
        state.hand_over(self.0.most_strangers);
        drop(state);
        self.0.freed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A stranger would have to go, if nothing else is free.
    fn may_accept(&self, places: usize) -> bool {
        self.taken < places || self.strangers > 0
    }

    fn talk(&mut self, guest: Arc<Guest>) {
        self.strangers += 1;
        self.networks.entry(guest.network()).or_default().strangers.push(guest);
    }

    /// Removes it from the strangers and from those who wait to talk.
    fn forget(&mut self, guest: &Arc<Guest>) {
        let Some(network) = self.networks.get_mut(&guest.network()) else { return };
        if let Some(at) = network.strangers.iter().position(|other| Arc::ptr_eq(other, guest)) {
            network.strangers.swap_remove(at);
            self.strangers -= 1;
        } else if let Some(at) = network.waiting.iter().position(|(it, _)| Arc::ptr_eq(it, guest)) {
            network.waiting.remove(at);
            self.waiting -= 1;
        }
    }

    /// Ends a stranger's connection, if one has to make room for one of this network.
    fn put_one_out(&mut self, newcomer: IpAddr, places: Of) -> bool {
        let Some(guest) = self.to_be_put_out(newcomer, places) else { return false };
        let (from, total) = (guest.network(), self.strangers);
        let has = self.networks.get(&from).map_or(0, |network| network.strangers.len());
        self.forget(&guest);
        guest.put_out();
        self.tell(from, || {
            format!(
                "no place is left for another connection: of {total} without an accepted password those that have been idle longest are closed, those of {from} first, which has {has}"
            )
        });
        true
    }

    /// Of the network that has most of these places, the stranger that has been idle longest. None
    /// makes room for a network that has more, and no busy one for a network that has as many. Among
    /// the connections of one network all make room for new ones.
    fn to_be_put_out(&self, newcomer: IpAddr, places: Of) -> Option<Arc<Guest>> {
        let with_strangers = self.networks.iter().filter(|(_, it)| !it.strangers.is_empty());
        let (address, largest) = with_strangers.max_by_key(|(_, network)| places.of(network))?;
        let oldest = largest.strangers.iter().min_by_key(|guest| guest.last_active())?;
        let most = places.of(largest);
        let own = self.networks.get(&newcomer).map_or(0, |network| places.of(network));
        let is_idle = || oldest.last_active().elapsed() >= STRANGER_GRACE;
        let may_be_busy = *address == newcomer && places == Of::All;
        (most > own + 1 || most >= own && (may_be_busy || is_idle())).then(|| oldest.clone())
    }

    /// Lets strangers talk who have waited for it: first those of networks that have fewest.
    fn hand_over(&mut self, most: usize) {
        while self.waiting > 0 && self.strangers < most {
            let waiting = self.networks.values_mut().filter(|network| !network.waiting.is_empty());
            let fewest = waiting.min_by_key(|network| network.strangers.len());
            let Some((guest, turn)) = fewest.and_then(|network| network.waiting.pop_front()) else {
                return;
            };
            self.waiting -= 1;
            if turn.send(()).is_ok() {
                self.talk(guest);
            }
        }
    }

    fn tell(&mut self, client: IpAddr, what: impl FnOnce() -> String) {
        if self.told.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
            self.told = Some(Instant::now());
            tracing::warn!(message_id = events::NO_PLACE, %client, "{}", what());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn address(number: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, number).into()
    }

    /// Connections from there that talk.
    fn strangers(room: &Room, from: u8, count: usize) -> Vec<Place> {
        let connected = (0..count).map(|_| room.admit(address(from)).unwrap());
        connected
            .inspect(|place| assert!(matches!(room.enter(place.guest()), Entry::Now)))
            .collect()
    }

    /// They are not idle, however slow the machine is.
    fn are_busy(places: &[Place]) {
        let later = Instant::now() + Duration::from_secs(3600);
        places.iter().for_each(|place| place.guest().was_active(later));
    }

    fn known(room: &Room, from: u8, count: usize) -> Vec<Place> {
        let places = strangers(room, from, count);
        places.iter().for_each(|place| place.guest().known());
        places
    }

    fn put_out(places: &[Place]) -> usize {
        places.iter().filter(|place| place.guest().is_put_out()).count()
    }

    #[test]
    fn one_address_with_all_places_makes_room_for_another() {
        let room = Room::of(16, 100);
        let first = strangers(&room, 1, 14);
        let few = strangers(&room, 2, 7);
        assert_eq!((put_out(&first), put_out(&few)), (5, 0));
    }

    #[test]
    fn the_one_that_has_been_idle_longest_goes_first() {
        let room = Room::of(100, 3);
        let first = strangers(&room, 1, 3);
        are_busy(&first[..1]);
        are_busy(&first[2..]);
        let _other = strangers(&room, 2, 1);
        assert!(first[1].guest().is_put_out());
        assert_eq!(put_out(&first), 1);
    }

    #[test]
    fn those_with_an_account_are_not_put_out() {
        let room = Room::of(16, 100);
        let nodes = known(&room, 1, 14);
        let others = strangers(&room, 2, 2);
        assert!(room.admit(address(3)).is_none_or(|_| put_out(&others) == 1));
        assert_eq!(put_out(&nodes), 0);
    }

    #[test]
    fn one_account_does_not_put_strangers_of_other_addresses_out() {
        let room = Room::of(16, 100);
        let _nodes = known(&room, 1, 14);
        let others = strangers(&room, 2, 1);
        assert!(room.admit(address(1)).is_none());
        assert_eq!(put_out(&others), 0);
    }

    #[test]
    fn one_account_does_not_take_all_places() {
        let room = Room::of(32, 100);
        let mut nodes = known(&room, 1, 28);
        assert!(room.admit(address(1)).is_none());
        nodes.extend(known(&room, 2, 4));
        assert!(room.admit(address(3)).is_none());
        nodes.pop();
        assert!(room.admit(address(3)).is_some());
    }

    #[test]
    fn whoever_comes_all_at_once_from_one_address_waits_and_is_let_in() {
        let room = Room::of(100, 2);
        let mut talking = strangers(&room, 1, 2);
        are_busy(&talking);
        let waiting = room.admit(address(1)).unwrap();
        let Entry::Later(mut turn) = room.enter(waiting.guest()) else { panic!("no wait") };
        assert!(turn.try_recv().is_err());
        talking[0].guest().known();
        assert!(turn.try_recv().is_ok());
        assert_eq!(put_out(&talking), 0);
        // Its place among the strangers is taken.
        are_busy(std::slice::from_ref(&waiting));
        let other = room.admit(address(1)).unwrap();
        assert!(matches!(room.enter(other.guest()), Entry::Later(_)));
        talking.clear();
    }

    #[test]
    fn of_those_who_wait_the_networks_with_fewest_come_first() {
        let room = Room::of(100, 2);
        let mut talking = strangers(&room, 1, 1);
        talking.extend(strangers(&room, 2, 1));
        are_busy(&talking);
        let [one, two] = [1, 3].map(|from| room.admit(address(from)).unwrap());
        let (Entry::Later(mut one_turn), Entry::Later(mut two_turn)) =
            (room.enter(one.guest()), room.enter(two.guest()))
        else {
            panic!("no wait")
        };
        drop(talking.pop());
        assert!(one_turn.try_recv().is_err());
        assert!(two_turn.try_recv().is_ok());
    }

    #[test]
    fn nothing_is_left_when_all_have_gone() {
        let room = Room::of(16, 3);
        for _ in 0..3 {
            let mut places: Vec<Place> = Vec::new();
            for from in 0..40 {
                if let Some(place) = room.admit(address(from % 5)) {
                    let _ = room.enter(place.guest());
                    places.push(place);
                }
            }
            places.iter().step_by(2).for_each(|place| place.guest().known());
        }
        let state = room.lock();
        assert_eq!((state.taken, state.strangers, state.waiting), (0, 0, 0));
        assert!(state.networks.is_empty());
    }
}

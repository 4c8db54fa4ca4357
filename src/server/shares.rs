//! Something of which there is so much, and so much for one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::Error;
use super::network::network;
use crate::accounts::Role;

/// What is shared out.
pub(super) struct Shares {
    all: usize,
    of_address: usize,
    /// Of all, for administrators alone.
    kept: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    of: HashMap<IpAddr, usize>,
}

/// Some of it. It is given back when this is dropped: whatever works with it holds it.
pub(super) struct Share {
    shares: Arc<Shares>,
    network: IpAddr,
    is_administrators: bool,
    amount: usize,
}

impl Shares {
    /// So much in all, and so much of it for one address.
    pub(super) fn new(all: usize, of_address: usize) -> Arc<Self> {
        Self::keeping(0, all, of_address)
    }

    /// The same, with a part of it for administrators, for whom their address does not count either:
    /// others may have taken what is for it.
    pub(super) fn keeping(kept: usize, all: usize, of_address: usize) -> Arc<Self> {
        Arc::new(Self { all, of_address, kept, taken: Mutex::default() })
    }

    /// So much for this client.
    ///
    /// # Errors
    /// [`Error::Busy`] if there is not so much.
    pub(super) fn take(self: &Arc<Self>, client: IpAddr, amount: usize) -> Result<Share, Error> {
        self.take_for(None, client, amount)
    }

    /// So much for this client, who has this role.
    ///
    /// # Errors
    /// [`Error::Busy`] if there is not so much.
    pub(super) fn take_for(
        self: &Arc<Self>,
        role: Option<Role>,
        client: IpAddr,
        amount: usize,
    ) -> Result<Share, Error> {
        let is_administrators = role == Some(Role::Administrator);
        let (shares, network) = (self.clone(), network(client));
        let mut share = Share { shares, network, is_administrators, amount: 0 };
        share.resize(amount)?;
        Ok(share)
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Takes more, or gives some back.
    ///
    /// # Errors
    /// [`Error::Busy`] if there is not so much.
    pub(super) fn resize(&mut self, amount: usize) -> Result<(), Error> {
        if amount == self.amount {
            return Ok(());
        }
        let mut taken = self.shares.lock();
        let others = taken.all - self.amount;
        let of_network = taken.of.get(&self.network).copied().unwrap_or_default() - self.amount;
        let is_more = amount > self.amount;
        let Shares { all, of_address, kept, .. } = *self.shares;
        let is_too_much = match self.is_administrators {
            true => others + amount > all,
            false => others + amount > all - kept || of_network + amount > of_address,
        };
        if is_more && is_too_much {
            return Err(Error::Busy);
        }
        taken.all = others + amount;
        match of_network + amount {
            0 => drop(taken.of.remove(&self.network)),
            some => drop(taken.of.insert(self.network, some)),
        }
        drop(taken);
        self.amount = amount;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.resize(0).expect("giving back is never refused");
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

    #[test]
    fn one_address_does_not_get_all() {
        let shares = Shares::new(3, 2);
        let mut held = vec![shares.take(HERE, 1).unwrap(), shares.take(HERE, 1).unwrap()];
        assert!(shares.take(HERE, 1).is_err());
        held.push(shares.take(THERE, 1).unwrap());
        assert!(shares.take(THERE, 1).is_err());
        held.remove(0);
        assert!(shares.take(HERE, 1).is_ok());
    }

    #[test]
    fn administrators_have_some_left_when_others_have_all_they_may() {
        let shares = Shares::keeping(1, 4, 2);
        let others = [HERE, HERE, THERE].map(|client| shares.take(client, 1).unwrap());
        assert!(shares.take(THERE, 1).is_err());
        let administrator = Some(Role::Administrator);
        assert!(shares.take_for(Some(Role::Service), THERE, 1).is_err());
        let kept = shares.take_for(administrator, HERE, 1).unwrap();
        assert!(shares.take_for(administrator, HERE, 1).is_err());
        drop((others, kept));
        assert_eq!(shares.lock().all, 0);
    }

    #[test]
    fn what_is_given_back_can_be_had_and_nothing_is_left_in_the_end() {
        let shares = Shares::new(100, 80);
        let mut share = shares.take(HERE, 50).unwrap();
        assert!(share.resize(81).is_err());
        share.resize(80).unwrap();
        let other = shares.take(THERE, 20).unwrap();
        assert!(shares.take(THERE, 1).is_err());
        share.resize(10).unwrap();
        assert!(shares.take(HERE, 70).is_ok());
        drop((share, other));
        let taken = shares.lock();
        assert!(taken.all == 0 && taken.of.is_empty());
    }
}

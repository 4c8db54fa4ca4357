//! A snapshot: all that the log has led to, without the objects. Those are fetched from another
//! member by the repositories' own means, before the snapshot is taken.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::roster::Roster;
use super::state::Refs;
use crate::accounts;
use crate::repository::{Name, Orders, Ref, Snapshot, Store};

/// The version of this form.
pub(super) const VERSION: u32 = 1;

/// What the state is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) version: u32,
    pub(super) subclusters: Vec<Standing>,
    pub(super) accounts: BTreeMap<String, accounts::Entry>,
    pub(super) roster: Roster,
}

/// Where a subcluster stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Standing {
    pub(super) name: String,
    pub(super) refs: Vec<Ref>,
    pub(super) orders: Orders,
}

/// Where all subclusters stand, with the references and orders that the log has led to.
pub(super) fn standings(
    refs: BTreeMap<String, Refs>,
    orders: &BTreeMap<String, Orders>,
) -> Vec<Standing> {
    let of = |(name, refs): (String, Refs)| {
        let orders = orders.get(&name).cloned().unwrap_or_default();
        Standing { name, refs: refs.into_iter().collect(), orders }
    };
    refs.into_iter().map(of).collect()
}

/// The orders that a snapshot has, where there are some.
pub(super) fn orders_of(standings: &[Standing]) -> BTreeMap<String, Orders> {
    let ordered = standings.iter().filter(|standing| standing.orders != Orders::default());
    ordered.map(|standing| (standing.name.clone(), standing.orders.clone())).collect()
}

/// Where all subclusters of a server stand that begins a cluster.
pub(super) fn standings_of(store: &Store) -> Vec<Standing> {
    let of = |(name, snapshot): (Name, Arc<Snapshot>)| {
        let refs = snapshot.refs().iter().map(|r| (r.name.clone(), r.target)).collect();
        Standing { name: name.to_string(), refs, orders: snapshot.orders.clone() }
    };
    store.snapshots().into_iter().map(of).collect()
}

/// The references that a snapshot has.
pub(super) fn refs_of(standings: Vec<Standing>) -> BTreeMap<String, Refs> {
    let of = |standing: Standing| (standing.name, standing.refs.into_iter().collect());
    standings.into_iter().map(of).collect()
}

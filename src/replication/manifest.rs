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

/// Where all subclusters stand, with the references that the log has led to.
pub(super) fn standings(store: &Store, refs: BTreeMap<String, Refs>) -> Vec<Standing> {
    let of = |(name, refs): (String, Refs)| {
        let orders = store.get(&name).map(|there| there.snapshot().orders.clone());
        Standing { name, refs: refs.into_iter().collect(), orders: orders.unwrap_or_default() }
    };
    refs.into_iter().map(of).collect()
}

/// The references that a server has which begins a cluster.
pub(super) fn refs_of(store: &Store) -> BTreeMap<String, Refs> {
    let of = |(name, snapshot): (Name, Arc<Snapshot>)| {
        let refs = snapshot.refs().iter().map(|r| (r.name.clone(), r.target)).collect();
        (name.to_string(), refs)
    };
    store.snapshots().into_iter().map(of).collect()
}

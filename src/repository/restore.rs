//! Bringing a repository to where another member says that it stands.

use std::collections::BTreeSet;
use std::io::BufRead;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::snapshot::ref_on_disk;
use super::{
    Author, Change, Entry, Error, Move, Orders, Quarantine, RefUpdate, Store, Subcluster, apply,
};
use crate::protocol::Id;

/// A reference and its value.
pub type Ref = (String, Id);

impl Store {
    /// What fetching for `refs` may build upon, and what is missing for them: the ids of commits
    /// and tags. A subcluster that is not there is made, without any reference.
    pub fn lacks(&self, name: &str, refs: &[Ref]) -> Result<(Vec<Id>, Vec<Id>), Error> {
        let subcluster = self.get_or_make(name)?;
        let haves = subcluster.snapshot().refs().iter().map(|r| r.target).collect();
        let missing = subcluster.read(|repository| {
            let odb = repository.odb()?;
            odb.refresh()?;
            let lacks = |id: &Id| !odb.exists((*id).into());
            Ok(refs.iter().map(|(_, id)| *id).filter(lacks).collect())
        })?;
        Ok((haves, missing))
    }

    /// Whether a change brings nothing new: all that its references are to name is there.
    pub fn has_all(&self, name: &str, updates: &[RefUpdate]) -> Result<bool, Error> {
        let subcluster = match self.get(name) {
            Err(Error::NoSubcluster(_)) => return Ok(false),
            found => found?,
        };
        subcluster.read(|repository| {
            let odb = repository.odb()?;
            odb.refresh()?;
            let mut ids = updates.iter().map(|update| update.new).filter(|id| !id.is_zero());
            Ok(ids.all(|id| odb.exists(id.into())))
        })
    }

    /// Takes objects into a repository that no reference names yet.
    pub fn take_objects(&self, name: &str, pack: impl BufRead) -> Result<(), Error> {
        let subcluster = self.get(name)?;
        let quarantine = Quarantine::receive(&subcluster, pack)?;
        quarantine.take_in(&subcluster.objects())
    }

    /// Brings a subcluster to these references and orders, and to no others, whatever it had.
    pub fn restore(&self, name: &str, refs: &[Ref], orders: &Orders) -> Result<(), Error> {
        self.get_or_make(name)?.restore(refs, orders)
    }

    fn get_or_make(&self, name: &str) -> Result<Arc<Subcluster>, Error> {
        match self.get(name) {
            Err(Error::NoSubcluster(_)) => {}
            found => return found,
        }
        let change = Change::Create(Move { updates: Vec::new(), pack: None });
        self.apply(&Entry { subcluster: name.to_owned(), change, author: restorer() }, None)?;
        self.get(name)
    }
}

impl Subcluster {
    fn restore(&self, refs: &[Ref], orders: &Orders) -> Result<(), Error> {
        {
            let _one_at_a_time = self.writer();
            self.show_none_ahead();
            self.read(|repository| {
                let updates = differences(&self.snapshot_on_disk(repository)?, refs);
                let transaction = apply::lock_and_compare(repository, &updates)?;
                apply::set(repository, transaction, &updates, &restorer())
            })?;
        }
        self.order(|kept| *kept = orders.clone())?;
        self.reread()
    }

    fn snapshot_on_disk(&self, repository: &git2::Repository) -> Result<Vec<Ref>, Error> {
        let names = self.snapshot().refs().iter().map(|r| r.name.clone()).collect::<Vec<_>>();
        let value = |name: String| Ok((name.clone(), ref_on_disk(repository, &name)?));
        names.into_iter().map(value).collect()
    }
}

/// What takes `now` to `then`. A name that is to go must not be in the way of one that is to come.
pub(super) fn differences(now: &[Ref], then: &[Ref]) -> Vec<RefUpdate> {
    let value = |refs: &[Ref], name: &str| {
        refs.iter().find(|(other, _)| other == name).map_or(Id::ZERO, |(_, id)| *id)
    };
    let names = now.iter().chain(then).map(|(name, _)| name);
    let names: BTreeSet<&String> = names.collect();
    let update = |name: &String| RefUpdate {
        name: name.clone(),
        old: value(now, name),
        new: value(then, name),
    };
    names.into_iter().map(update).filter(|update| update.old != update.new).collect()
}

/// In whose name this program changes repositories.
pub(super) fn restorer() -> Author {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Author { who: "ecconfigd".into(), from: "localhost".into(), when: now.as_secs() as i64 }
}

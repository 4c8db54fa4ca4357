//! A subcluster with the history of another one.

use std::io::BufReader;
use std::path::Path;

use super::{Error, Prepared, Quarantine, RUNNING, RefUpdate, RefValue, Store, Subcluster};
use crate::protocol::{FetchRequest, Id};

impl Store {
    /// Prepares a new subcluster with all branches and tags of `source`, but `running`: the nodes
    /// whose configurations are saved there are not nodes of the new one. Large packs are spooled
    /// into `spool_dir`.
    pub fn copy_of(&self, source: &Subcluster, spool_dir: &Path) -> Result<Prepared, Error> {
        let snapshot = source.snapshot();
        source.refuse_conflict()?;
        source.head()?;
        let kept = snapshot.refs().iter().filter(|reference| reference.name != RUNNING);
        let created = |reference: &RefValue| RefUpdate {
            name: reference.name.clone(),
            old: Id::ZERO,
            new: reference.target,
        };
        let updates: Vec<RefUpdate> = kept.map(created).collect();
        let wants = updates.iter().map(|update| update.new).collect();
        let clone = FetchRequest { wants, done: true, ..FetchRequest::default() };
        let pack = loop {
            match source.fetch(&clone, None, spool_dir, &|| true) {
                Err(Error::InTheMaking(making)) => making.wait(),
                answer => break answer?.pack,
            }
        };
        let pack = pack.expect("a request that is done is answered with a pack");
        let quarantine = Quarantine::receive_apart(self.dir(), BufReader::new(pack.reader()))?;
        Ok(Prepared::new(updates, quarantine))
    }
}

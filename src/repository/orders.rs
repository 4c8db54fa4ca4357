//! What administrators have ordered for a subcluster, beside its content. It is kept in a file of
//! the repository.

use std::path::Path;
use std::{fs, io};

use serde::{Deserialize, Serialize};

use super::{Applied, Author, Error, Subcluster, durable};

/// Its name in the repository.
pub(super) const FILE: &str = "ecconfigd-orders.json";

/// Orders in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Orders {
    /// Who put it into CONFLICT: until that is ended, updates and commits are refused.
    pub conflict: Option<Author>,
    /// The member that is MASTER whatever an election says.
    pub master: Option<String>,
}

impl Orders {
    pub(super) fn read(repository: &Path) -> Result<Self, Error> {
        let damaged =
            |error| io::Error::new(io::ErrorKind::InvalidData, format!("{FILE}: {error}"));
        match fs::read(repository.join(FILE)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(e) => Err(e.into()),
            Ok(content) => Ok(serde_json::from_slice(&content).map_err(damaged)?),
        }
    }

    pub(super) fn write(&self, repository: &Path) -> Result<(), Error> {
        let file = repository.join(FILE);
        if *self == Self::default() {
            return Ok(durable::remove_file(&file)?);
        }
        let content = serde_json::to_vec(self).expect("orders are text and numbers");
        Ok(durable::write_file(&file, &content)?)
    }
}

impl Subcluster {
    /// Changes the orders. When this returns, they are durable and everybody sees them.
    pub(super) fn order(&self, change: impl FnOnce(&mut Orders)) -> Result<Applied, Error> {
        let _one_at_a_time = self.writer();
        let snapshot = self.snapshot();
        let mut orders = snapshot.orders.clone();
        change(&mut orders);
        let was_so = orders == snapshot.orders;
        if !was_so {
            orders.write(self.path())?;
            self.show(snapshot.with(orders));
        }
        Ok(Applied { was_so, head: snapshot.head, ..Applied::default() })
    }

    /// Fails while the subcluster is in CONFLICT.
    pub fn refuse_conflict(&self) -> Result<(), Error> {
        match self.snapshot().orders.conflict {
            Some(_) => Err(Error::InConflict(self.name().clone())),
            None => Ok(()),
        }
    }
}

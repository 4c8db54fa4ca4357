//! What all changes of subclusters have in common.

use std::net::IpAddr;
use std::sync::Arc;

use crate::accounts::{Account, Role};
use crate::repository::{Applied, Author, Change, Entry, Name, Quarantine};
use crate::server::app::App;
use crate::server::author::author;
use crate::server::error::Error;

/// An administrator at work.
#[derive(Clone)]
pub(super) struct Admin {
    pub(super) app: Arc<App>,
    pub(super) account: Account,
    pub(super) client: IpAddr,
}

impl Admin {
    /// Nobody else may change subclusters.
    pub(super) fn new(app: &Arc<App>, account: Account, client: IpAddr) -> Result<Self, Error> {
        match account.role {
            Role::Administrator => Ok(Self { app: app.clone(), account, client }),
            _ => Err(Error::Forbidden("only administrators may change subclusters")),
        }
    }

    pub(super) fn author(&self) -> Author {
        author(&self.account, self.client)
    }

    /// Proposes a change, and returns when it is made. Blocks.
    pub(super) fn propose(
        &self,
        name: &Name,
        change: Change,
        author: Author,
        quarantine: Option<&Quarantine>,
    ) -> Result<Applied, Error> {
        let entry = Entry { subcluster: name.to_string(), change, author };
        let applied = self.app.log.propose(&entry, quarantine)?;
        self.app.committed.notify_one();
        Ok(applied)
    }
}

/// `text` as the name of a new subcluster.
pub(super) fn new_name(text: &str) -> Result<Name, Error> {
    Name::new(text).ok_or_else(|| {
        Error::BadRequest(format!(
            "\"{}\" cannot be a subcluster's name: that is a lower-case letter, then up to 63 lower-case letters, digits, - and _",
            text.escape_default(),
        ))
    })
}

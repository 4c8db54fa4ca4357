//! Servers that an administrator has let in: shown while they are no members, and put out.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::change::Change;
use super::cluster::Cluster;
use super::raft::Member;
use super::roster::Listed;
use crate::momentum::{Address, AddressError, is_same_node};
use crate::repository::Error;

/// The leader takes a vote and then the member away, one after the other, within this time.
const PUT_OUT_TIME: Duration = Duration::from_secs(15);

/// A server that has been let in and is no member.
#[derive(Serialize, Deserialize)]
pub struct Admitted {
    name: String,
    /// By which it is known when it comes.
    key: String,
    /// Whether it has come.
    came: bool,
    /// Where the list has it, if it does.
    listed: Option<String>,
}

impl fmt::Display for Admitted {
    /// One line of a list.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, came, listed, .. } = self;
        let why = match (came, listed) {
            (_, None) => "not listed".to_owned(),
            (false, _) => "has not come".to_owned(),
            (true, Some(listed)) => format!("has not answered at {listed}, where it is listed"),
        };
        write!(f, "{name:<24} LET IN, NO MEMBER: {why} (to end that: --put-out {name})")
    }
}

impl Cluster {
    /// An administrator says where a member is. Fails with what is wrong.
    pub(super) async fn look_at(&self, name: &str, address: &str) -> Result<(), String> {
        let address: Address = address.parse().map_err(|error: AddressError| error.to_string())?;
        let address = address.with_default_port().to_string();
        let members = self.members().into_values().map(|(member, _)| member);
        let mut members = members.chain(self.kept.members());
        let Some(member) = members.find(|member| is_same_node(&member.name, name)) else {
            return Err(format!("this server knows of no member {name}"));
        };
        let there = Member { address: address.clone(), ..member };
        if !self.peers.answers(&there).await {
            return Err(format!(
                "{name} does not answer at {address}, or another server does, which has not its key"
            ));
        }
        self.peers.addresses.set_told(&there.key, address);
        Ok(())
    }

    /// Those who have been let in and are no members.
    pub(super) fn admitted(&self) -> Vec<Admitted> {
        let state = self.kept.now();
        let waiting = state.roster.admitted();
        let waiting = waiting.filter(|(_, listed)| !self.known.is_in_membership(&listed.key));
        let told = waiting.map(|(name, listed)| Admitted {
            name: name.clone(),
            key: listed.key.clone(),
            came: listed.id.is_some(),
            listed: self.peers.addresses.listed(&listed.key),
        });
        told.collect()
    }

    /// Ends the admission of a server, and returns when it is no member either.
    pub(super) async fn put_out(&self, name: &str) -> Result<(), Error> {
        self.catch_up().await?;
        let state = self.kept.now();
        let admitted: Vec<_> = state.roster.admitted().collect();
        // A short name and a full one may be two servers.
        let exact = admitted.iter().find(|(admitted, _)| *admitted == name);
        let found = exact.or_else(|| admitted.iter().find(|(other, _)| is_same_node(other, name)));
        let Some((name, Listed { key, .. })) = found else {
            return Err(Error::NotFound(format!(
                "no server {name} has been let into this cluster"
            )));
        };
        if *key == self.key {
            return Err(Error::BadRef(format!(
                "{name} is this very server: have another member put it out"
            )));
        }
        let mut changed = self.kept.members_moved();
        let name = (*name).clone();
        self.decide(Change::LetIn { name: name.clone(), key: String::new() }).await?;
        let gone = async {
            while self.known.is_in_membership(key) {
                // The sender is kept with the state.
                let _ = changed.changed().await;
            }
        };
        timeout(PUT_OUT_TIME, gone).await.map_err(|_| {
            Error::Unreplicated(format!(
                "{name} is known no more where this has been heard, and goes from the list of members when more than half of those that stay answer: ecconfigd members, on a server, tells which do not"
            ))
        })
    }
}

//! How a cluster begins, and how a server becomes a member of one.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use super::change::Change;
use super::cluster::Cluster;
use super::leading::listed;
use super::manifest::{orders_of, refs_of, standings_of};
use super::peers::Use;
use super::raft::Member;
use super::state::State;
use super::wire::CAME;
use crate::files;
use crate::momentum::{DEFAULT_PORT, is_same_node};
use crate::repository::Error;

/// How often a server says that it has come, until it is a member.
const PAUSE: Duration = Duration::from_secs(1);
/// One that is listed is a member by then; whoever still waits tells what for.
const USUAL_TIME: Duration = Duration::from_secs(10);
/// A member is asked for so long.
const ASK_TIME: Duration = Duration::from_secs(10);
/// What the first member must do by itself is done within this time.
const FOUNDING_TIME: Duration = Duration::from_secs(30);

/// What a server that has been let in is told: who the members are.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Introduction {
    /// Its own host name.
    name: String,
    members: Vec<Member>,
}

impl Introduction {
    pub(super) fn members(&self) -> &[Member] {
        &self.members
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl Cluster {
    /// Makes this server the first member of a new cluster.
    pub(super) async fn found(self: &Arc<Self>) -> io::Result<()> {
        let here = standings_of(&self.store);
        let orders = orders_of(&here);
        // Whoever changes one from now on finds a log, and notes it.
        let accounts = self.machine.accounts.lock().and_then(|_| self.machine.accounts.read());
        let accounts = accounts.map_err(io::Error::other)?;
        self.kept.put(State { orders, refs: refs_of(here), accounts, ..State::default() })?;
        let member = Member {
            name: self.name.clone(),
            address: self.own_address().await,
            key: self.key.clone(),
        };
        let first = [(self.id, member)].into_iter().collect::<std::collections::BTreeMap<_, _>>();
        self.raft.initialize(first).await.map_err(io::Error::other)?;
        let leads = self.raft.wait(Some(FOUNDING_TIME)).current_leader(self.id, "founding").await;
        leads.map_err(io::Error::other)?;
        let (name, key, id) = (self.name.clone(), self.key.clone(), self.id);
        for change in [Change::LetIn { name, key: key.clone() }, Change::Came { key, id }] {
            self.decide(change).await.map_err(io::Error::other)?;
        }
        self.forget_beginning().await
    }

    /// What was here before the log began is in no entry of it: whoever comes later gets a snapshot.
    async fn forget_beginning(&self) -> io::Result<()> {
        let applied = self.raft.metrics().borrow().last_applied.map_or(0, |id| id.index);
        self.raft.trigger().snapshot().await.map_err(io::Error::other)?;
        let mut metrics = self.raft.metrics();
        let taken = metrics.wait_for(|now| now.snapshot.is_some_and(|id| id.index >= applied));
        taken.await.map_err(io::Error::other)?;
        self.raft.trigger().purge_log(applied).await.map_err(io::Error::other)?;
        let purged = metrics.wait_for(|now| now.purged.is_some_and(|id| id.index >= applied));
        purged.await.map_err(io::Error::other)?;
        Ok(())
    }

    async fn own_address(&self) -> String {
        let (store, name) = (self.store.clone(), self.name.clone());
        let own = move || {
            let peers = listed(&store).unwrap_or_default();
            let own =
                peers.into_iter().find(|peer| is_same_node(&peer.name.to_ascii_lowercase(), &name));
            own.map(|peer| peer.address.with_default_port().to_string())
        };
        let found = tokio::task::spawn_blocking(own).await.ok().flatten();
        found.unwrap_or_else(|| format!("{}:{DEFAULT_PORT}", self.name))
    }

    /// Lets a server in.
    pub(super) async fn let_in(&self, name: String, key: String) -> Result<Introduction, Error> {
        self.decide(Change::LetIn { name: name.clone(), key }).await?;
        let members = self.members().into_values().map(|(member, _)| member).collect();
        Ok(Introduction { name, members })
    }

    /// Keeps it written down who the members are, beside the log: a server whose log is lost asks them,
    /// and does not take itself for one that stands alone.
    pub(super) async fn keep_introduction(self: Arc<Self>) {
        let mut written = String::new();
        loop {
            let members: Vec<Member> = self.members().into_values().map(|(m, _)| m).collect();
            let introduction = Introduction { name: self.name.clone(), members };
            let text = serde_json::to_string(&introduction).unwrap_or_default();
            if introduction.members.len() > 1 && text != written {
                let (path, content) = (self.introduction.clone(), text.clone());
                let done = spawn_blocking(move || files::replace_private(&path, &content)).await;
                match done.map_err(io::Error::other).flatten() {
                    Ok(()) => written = text,
                    Err(error) => tracing::warn!(
                        "who the members of the cluster are cannot be written down in {}: {error}",
                        self.introduction.display(),
                    ),
                }
            }
            self.standing_changed().await;
        }
    }

    /// Tells the others that this server has come, until they have made it a member.
    pub(super) async fn come(self: Arc<Self>) {
        let began = Instant::now();
        let mut told = false;
        // What the log says of members counts when it is applied: until then this server knows those
        // it was told of, and nobody else may fill it.
        while !self.kept.is_member(self.id) {
            let members = self.kept.members();
            let mut heard = false;
            for member in self.peers.others(&members) {
                let link = self.peers.link(member, Use::Talk);
                let id = self.id.to_string().into_bytes();
                match link.ask(CAME, id, ASK_TIME).await {
                    Ok(answer) => {
                        heard = true;
                        if let Ok(members) = serde_json::from_slice(&answer) {
                            self.kept.introduce(members);
                        }
                    }
                    Err(error) => tracing::debug!("{error}"),
                }
                if heard {
                    break;
                }
            }
            if began.elapsed() >= USUAL_TIME && !std::mem::replace(&mut told, true) {
                match heard {
                    true => tracing::warn!(
                        "this server waits to become a member of the cluster: it does as soon as {} stands in global/msgc_server.conf",
                        self.name,
                    ),
                    false => tracing::warn!(
                        "no member of the cluster can be reached, or none knows this server any more; it goes on asking",
                    ),
                }
            }
            sleep(PAUSE).await;
        }
        if told {
            tracing::info!("this server is a member of the cluster");
        }
    }
}

//! From what lies on the disk to a running member.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU16;
use std::{fs, io};

use openraft::Entry;
use rustls::ServerConfig;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use super::cluster::{Cluster, Parts};
use super::database::{Database, SELF, fact};
use super::joining::Introduction;
use super::journal;
use super::known::Known;
use super::log_store::{LogStore, packs};
use super::old_copy::OldCopy;
use super::opening::{self, IfDamaged};
use super::peers::Peers;
use super::raft::Types;
use super::state::Kept;
use super::state_machine::StateMachine;
use crate::accounts;
use crate::layout::Layout;
use crate::repository::{Inbox, Store};
use crate::tls::ServerTls;

/// What a member is, beside its log.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Identity {
    /// The number of the log: another one for each log that begins empty, so that a member whose
    /// disk was lost cannot vote twice.
    id: u64,
    name: String,
}

/// Where a member lives.
#[derive(Clone)]
pub struct Setting {
    /// All paths.
    pub layout: Layout,
    /// The repositories.
    pub store: Arc<Store>,
    /// The certificate.
    pub tls: Arc<ServerTls>,
    /// Where what waits is done.
    pub runtime: Handle,
    /// Whether this server keeps everything and votes, and serves nobody.
    pub only_votes: bool,
    /// The port on which this server listens, once it does; 0 before.
    pub port: Arc<AtomicU16>,
}

impl Setting {
    /// Whether this server is a member, or has been let in.
    pub(super) fn is_member(&self) -> bool {
        let log = self.layout.cluster_log();
        let journal = journal::paths(&log);
        log.exists()
            || self.layout.introduction().exists()
            || journal.iter().any(|path| path.exists())
    }

    /// Starts the member. A server that was let in begins with an empty log.
    pub(super) fn start(&self, name: &str) -> io::Result<Arc<Cluster>> {
        fs::create_dir_all(self.layout.cluster())?;
        let key = self.tls.key().map_err(io::Error::other)?.to_string();
        let introduction = self.introduction()?;
        let database = Arc::new(self.database(&introduction, &key)?);
        let name = match introduction.name() {
            "" => name,
            name => name,
        };
        let identity = self.identity(&database, name)?;
        let old_copy = OldCopy::look(database.clone())?;
        let inbox = Arc::new(Inbox::open(self.store.dir())?);
        // What a lost log has named may be asked for again.
        if !old_copy.is_suspected() {
            tidy(&inbox, &database)?;
        }
        let kept =
            Arc::new(Kept::open(database.clone(), identity.id, introduction.members().to_vec())?);
        kept.keep_old_names(accounts::old_names(&self.layout.htdigest()))?;
        let spool_dir = self.layout.spool();
        let peers = Arc::new(Peers::new(
            self.tls.clone(),
            key.clone(),
            spool_dir.clone(),
            self.port.clone(),
        ));
        let known = Arc::new(Known::new(key.clone(), kept.clone()));
        let tls: ServerConfig = self.tls.for_members(known.clone()).map_err(io::Error::other)?;
        let log = LogStore::new(identity.id, database, inbox.clone())?;
        let parts = Parts {
            id: identity.id,
            name: identity.name,
            key,
            machine: StateMachine {
                unwritten: log.unwritten(),
                store: self.store.clone(),
                accounts: accounts::File::of(&self.layout),
                inbox,
                kept,
                peers,
                waiting: Arc::default(),
                turn: Arc::default(),
                has_snapshot: false,
            },
            log,
            spool_dir,
            introduction: self.layout.introduction(),
            tls: Arc::new(tls),
            known,
            only_votes: self.only_votes,
            old_copy,
        };
        self.runtime.block_on(Cluster::start(parts, self.runtime.clone()))
    }

    /// The log; where it is damaged and there are others, a new one that they fill.
    fn database(&self, introduction: &Introduction, key: &str) -> io::Result<Database> {
        let path = self.layout.cluster_log();
        let if_damaged = match introduction.members().iter().any(|member| member.key != key) {
            true => IfDamaged::BeginAgain,
            false => IfDamaged::Fail,
        };
        opening::open_or(&path, if_damaged).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => io::Error::other(format!(
                "{} {error}, and no other server is known that has it: put a backup of {} back, or have this server go on with the repositories that it has (ecconfigd recover --force-new-cluster)",
                path.display(),
                self.layout.state().display(),
            )),
            _ => error,
        })
    }

    fn identity(&self, database: &Database, name: &str) -> io::Result<Identity> {
        if let Some(identity) = database.get(SELF)? {
            return Ok(identity);
        }
        let id = getrandom::u64().map_err(io::Error::other)?;
        let identity = Identity { id, name: name.to_owned() };
        database.put(&[fact(SELF, &identity)?]);
        Ok(identity)
    }

    fn introduction(&self) -> io::Result<Introduction> {
        match fs::read(self.layout.introduction()) {
            Ok(content) => Ok(serde_json::from_slice(&content).unwrap_or_else(|error| {
                tracing::warn!(
                    "who the members of the cluster are cannot be read in {}: {error}; it is written again when they are known from the log",
                    self.layout.introduction().display(),
                );
                Introduction::default()
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Introduction::default()),
            Err(error) => Err(error),
        }
    }
}

/// Removes packs that no entry names.
fn tidy(inbox: &Inbox, database: &Database) -> io::Result<()> {
    let entries: Vec<Entry<Types>> = database.entries(..)?;
    let named = packs(&entries);
    inbox.tidy(|pack| named.contains(pack))
}

/// The host name of a server in its cluster, and those of all members, as it has written them down;
/// none if it stands alone.
pub fn known_members(layout: &Layout) -> io::Result<Option<(String, Vec<String>)>> {
    match fs::read(layout.introduction()) {
        Ok(content) => {
            let told: Introduction = serde_json::from_slice(&content)?;
            let members = told.members().iter().map(|member| member.name.clone()).collect();
            Ok(Some((told.name().to_owned(), members)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Puts aside what a server that has just been let in had before: it gets everything from the
/// others. Returns where it is, if there was anything. Must be called before the repositories are
/// opened.
pub fn put_aside(layout: &Layout) -> io::Result<Option<PathBuf>> {
    let repositories = layout.repositories();
    let log = layout.cluster_log();
    // One that has lost its log goes on with what it has.
    let was_member = log.exists() || journal::Found::read(&log)?.is_used();
    let is_new = layout.introduction().exists() && !was_member;
    if !is_new || !repositories.exists() {
        return Ok(None);
    }
    let name = |n: u32| repositories.with_added_extension(format!("before-joining-{n}"));
    let aside = (1..).map(name).find(|path| !path.exists());
    let aside = aside.ok_or_else(|| io::Error::other("there is no name left"))?;
    fs::rename(&repositories, &aside)?;
    Ok(Some(aside))
}

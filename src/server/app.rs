//! What all requests share.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::{Mutex, Notify};

use super::attempts::Attempts;
use super::drain::Drain;
use super::hot_files::HotFiles;
use super::large_files::LargeFiles;
use super::limits::{
    HASHES_AT_ONCE, KEPT_ANSWERS, KEPT_BODIES, KEPT_LARGE_READS, KEPT_PACKS, KEPT_PUSHES,
    KEPT_READS, LARGE_READS_AT_ONCE, MAX_ANSWERS, MAX_ANSWERS_OF_ADDRESS, MAX_BODIES_IN_MEMORY,
    MAX_BODIES_IN_MEMORY_OF_ADDRESS, MAX_REQUESTS_IN_MEMORY, MAX_REQUESTS_IN_MEMORY_OF_ADDRESS,
    MAX_WAITS, MAX_WAITS_OF_ADDRESS, PACKS_AT_ONCE, PUSHES_AT_ONCE, READS_AT_ONCE, WRITES_AT_ONCE,
};
use super::nodes::{self, Nodes};
use super::places::Places;
use super::shares::Shares;
use super::throttle::Throttle;
use crate::accounts::{self, Accounts};
use crate::layout::Layout;
use crate::replication::Log;
use crate::repository::Store;

/// The server's state.
pub struct App {
    pub(super) store: Arc<Store>,
    pub(super) log: Log,
    pub(super) accounts: ArcSwap<Accounts>,
    pub(super) accounts_file: accounts::File,
    pub(super) throttle: Throttle,
    pub(super) attempts: Arc<Attempts>,
    pub(super) spool_dir: PathBuf,
    pub(super) packs: Places,
    pub(super) pushes: Places,
    pub(super) reads: Places,
    pub(super) hashes: Places,
    pub(super) writes: Places,
    pub(super) requests: Arc<Shares>,
    pub(super) bodies: Arc<Shares>,
    pub(super) waits: Arc<Shares>,
    pub(super) hot_files: HotFiles,
    pub(super) large_files: LargeFiles,
    /// Making copies of large files, which takes their memory.
    pub(super) large_reads: Places,
    /// Bytes that answers hold.
    pub(super) answers: Arc<Shares>,
    pub(super) committed: Notify,
    pub(super) drain: Drain,
    /// Held while broken repositories are tried again for nobody in particular.
    pub(super) trying: Arc<Mutex<()>>,
    pub(super) nodes: Nodes,
    /// Where what nodes say is written. Held by whoever does.
    pub(super) nodes_file: std::sync::Mutex<PathBuf>,
    htdigest: PathBuf,
}

impl App {
    /// Puts the parts together. `drain` gives the word to those who wait for something else.
    pub fn new(
        layout: &Layout,
        store: Arc<Store>,
        log: Log,
        drain: Drain,
    ) -> Result<Self, accounts::Error> {
        let accounts_file = accounts::File::of(layout);
        let htdigest = layout.htdigest();
        let accounts = Accounts::load(&accounts_file, &htdigest, log.accounts())?;
        Ok(Self {
            store,
            log,
            accounts: ArcSwap::from_pointee(accounts),
            accounts_file,
            throttle: Throttle::default(),
            attempts: Arc::default(),
            spool_dir: layout.spool(),
            packs: Places::new(PACKS_AT_ONCE, KEPT_PACKS),
            pushes: Places::new(PUSHES_AT_ONCE, KEPT_PUSHES),
            reads: Places::new(READS_AT_ONCE, KEPT_READS),
            hashes: Places::new(HASHES_AT_ONCE, 0),
            writes: Places::new(WRITES_AT_ONCE, 0),
            requests: Shares::new(MAX_REQUESTS_IN_MEMORY, MAX_REQUESTS_IN_MEMORY_OF_ADDRESS),
            bodies: Shares::keeping(
                KEPT_BODIES,
                MAX_BODIES_IN_MEMORY,
                MAX_BODIES_IN_MEMORY_OF_ADDRESS,
            ),
            waits: Shares::new(MAX_WAITS, MAX_WAITS_OF_ADDRESS),
            hot_files: HotFiles::default(),
            large_files: LargeFiles::default(),
            large_reads: Places::new(LARGE_READS_AT_ONCE, KEPT_LARGE_READS),
            answers: Shares::keeping(KEPT_ANSWERS, MAX_ANSWERS, MAX_ANSWERS_OF_ADDRESS),
            committed: Notify::new(),
            drain,
            trying: Arc::default(),
            nodes: nodes::read(&layout.nodes()),
            nodes_file: layout.nodes().into(),
            htdigest,
        })
    }

    /// Reads the accounts again; those there were stay if that fails. Blocks.
    pub fn reload_accounts(&self) -> Result<(), accounts::Error> {
        let of_cluster = self.log.accounts();
        let accounts = Accounts::load(&self.accounts_file, &self.htdigest, of_cluster)?;
        self.accounts.store(Arc::new(accounts));
        Ok(())
    }

    /// The accounts as they are on disk now. The watch on the files comes a moment after a change;
    /// somebody who has just been given a password need not wait for it. Blocks.
    pub(super) fn fresh_accounts(&self) -> Arc<Accounts> {
        let of_cluster = self.log.accounts();
        let known = self.accounts.load();
        if !known.are_current(&self.accounts_file, &self.htdigest, of_cluster.as_ref())
            && let Err(error) = self.reload_accounts()
        {
            tracing::error!("the accounts that were known stay in use: {error}");
        }
        self.accounts.load_full()
    }

    /// Returns when a repository has changed since the last call.
    pub async fn committed(&self) {
        self.committed.notified().await;
    }

    /// The log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The repositories.
    pub fn store(&self) -> &Store {
        &self.store
    }
}

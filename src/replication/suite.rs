//! openraft's own suite for stores.

use std::sync::Arc;

use openraft::testing::{StoreBuilder, Suite};
use tempfile::TempDir;

use super::database::Database;
use super::log_store::LogStore;
use super::peers::Peers;
use super::raft::{StorageError, Types};
use super::state::Kept;
use super::state_machine::StateMachine;
use crate::accounts;
use crate::layout::Layout;
use crate::repository::{Inbox, Store};
use crate::tls::{Names, ServerTls, ensure};

pub(super) struct Builder;

impl StoreBuilder<Types, LogStore, StateMachine, TempDir> for Builder {
    async fn build(&self) -> Result<(TempDir, LogStore, StateMachine), StorageError> {
        let dir = tempfile::tempdir().unwrap();
        let repositories = dir.path().join("repo");
        std::fs::create_dir(&repositories).unwrap();
        let database = Arc::new(Database::open(&dir.path().join("log")).unwrap());
        let names = Names::of_machine("mgr.example.com").unwrap();
        let (pair, _) = ensure(dir.path(), &names, std::time::SystemTime::now()).unwrap();
        let tls = Arc::new(ServerTls::new(pair).unwrap());
        let inbox = Arc::new(Inbox::open(&repositories).unwrap());
        let log = LogStore::new(1, database.clone(), inbox.clone()).unwrap();
        let machine = StateMachine {
            unwritten: log.unwritten(),
            store: Arc::new(Store::open(repositories).unwrap()),
            accounts: accounts::File::of(&Layout::new(dir.path())),
            inbox,
            kept: Arc::new(Kept::open(database, 1, Vec::new()).unwrap()),
            peers: Arc::new(Peers::new(tls, String::new(), dir.path().to_owned(), Arc::default())),
            waiting: Arc::default(),
            turn: Arc::default(),
            has_snapshot: false,
        };
        Ok((dir, log, machine))
    }
}

#[test]
fn the_store_passes_the_suite_of_openraft() {
    Suite::test_all(Builder).unwrap();
}

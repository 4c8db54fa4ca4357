//! A change that is in the log twice, as the answer to whoever proposed it was lost.

use git2::{Repository, Signature, Time};
use openraft::storage::RaftStateMachine;
use openraft::testing::StoreBuilder;
use openraft::{CommittedLeaderId, Entry, EntryPayload};

use super::change::{Change, Outcome, Proposal, Refusal};
use super::raft::LogId;
use super::state_machine::StateMachine;
use super::suite::Builder;
use crate::protocol::Id;
use crate::repository::{self, Applied, Author, Head, Move, RefUpdate};

const BOOT: &str = "refs/heads/boot";

/// What comes of these changes of `default`, one after the other.
async fn outcomes(machine: &mut StateMachine, changes: &[repository::Change]) -> Vec<Outcome> {
    let entry = |(index, change): (usize, &repository::Change)| {
        let author = Author { who: "admin".into(), from: "localhost".into(), when: 0 };
        let entry =
            repository::Entry { subcluster: "default".into(), change: change.clone(), author };
        let change = Change::Subcluster { entry, through: "m0".into() };
        let log_id = LogId::new(CommittedLeaderId::new(1, 1), index as u64 + 1);
        Entry { log_id, payload: EntryPayload::Normal(Proposal::new(change)) }
    };
    machine.apply(changes.iter().enumerate().map(entry).collect::<Vec<_>>()).await.unwrap()
}

fn moves(old: Id, new: Id) -> repository::Change {
    let updates = vec![RefUpdate { name: BOOT.into(), old, new }];
    repository::Change::Move(Move { updates, pack: None })
}

/// Three commits, one upon the other, that no reference names yet.
fn commits(machine: &StateMachine) -> [Id; 3] {
    let repository = Repository::open(machine.store.dir().join("default")).unwrap();
    let tree = repository.treebuilder(None).unwrap().write().unwrap();
    let tree = repository.find_tree(tree).unwrap();
    let who = Signature::new("admin", "admin@localhost", &Time::new(0, 0)).unwrap();
    let mut parent = None;
    [1, 2, 3].map(|number| {
        let parents = parent.iter().collect::<Vec<_>>();
        let text = number.to_string();
        let id = repository.commit(None, &who, &who, &text, &tree, &parents).unwrap();
        parent = Some(repository.find_commit(id).unwrap());
        id.into()
    })
}

#[tokio::test]
async fn a_change_that_is_decided_again_after_others_is_not_refused() {
    let (_dir, _log, mut machine) = Builder.build().await.unwrap();
    let none = Move { updates: Vec::new(), pack: None };
    outcomes(&mut machine, &[repository::Change::Create(none)]).await;
    let [first, second, third] = commits(&machine);
    let mine = moves(first, second);
    let log = [moves(Id::ZERO, first), mine.clone(), moves(second, third), mine];
    let outcomes = outcomes(&mut machine, &log).await;
    let head = Some(Head { commit: second, revision: 2 });
    let was_so = Outcome::Applied(Applied { was_so: true, head, ..Applied::default() });
    assert_eq!(outcomes[3], was_so);
}

#[tokio::test]
async fn a_change_upon_an_old_revision_is_refused() {
    let (_dir, _log, mut machine) = Builder.build().await.unwrap();
    let none = Move { updates: Vec::new(), pack: None };
    outcomes(&mut machine, &[repository::Change::Create(none)]).await;
    let [first, second, third] = commits(&machine);
    let log = [moves(Id::ZERO, first), moves(first, third), moves(second, first)];
    let outcomes = outcomes(&mut machine, &log).await;
    assert_eq!(outcomes[2], Outcome::Refused(Refusal::Stale(BOOT.into())));
}

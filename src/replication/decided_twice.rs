//! Changes that come twice: in the log, as the answer to whoever proposed them was lost, or out of it,
//! as the server was killed before it had written down that they were made.

use git2::{Repository, Signature, Time};
use openraft::storage::RaftStateMachine;
use openraft::testing::StoreBuilder;
use openraft::{CommittedLeaderId, Entry, EntryPayload};

use super::change::{Change, Outcome, Proposal, Refusal};
use super::raft::LogId;
use super::state_machine::StateMachine;
use super::suite::Builder;
use crate::accounts::{self, Role};
use crate::protocol::Id;
use crate::repository::{self, Applied, Author, Head, Move, Orders, RefUpdate};

const BOOT: &str = "refs/heads/boot";

/// What comes of these changes of `default`, one after the other.
async fn outcomes(machine: &mut StateMachine, changes: &[repository::Change]) -> Vec<Outcome> {
    let author = Author { who: "admin".into(), from: "localhost".into(), when: 0 };
    let changes = changes.iter().map(|change| Change::Subcluster {
        entry: repository::Entry {
            subcluster: "default".into(),
            change: change.clone(),
            author: author.clone(),
        },
        through: "m0".into(),
        small: None,
        ticket: 0,
    });
    decide(machine, changes).await
}

async fn decide(machine: &mut StateMachine, changes: impl Iterator<Item = Change>) -> Vec<Outcome> {
    let entry = |(index, change): (usize, Change)| {
        let log_id = LogId::new(CommittedLeaderId::new(1, 1), index as u64 + 1);
        Entry { log_id, payload: EntryPayload::Normal(Proposal::new(change)) }
    };
    machine.apply(changes.enumerate().map(entry).collect::<Vec<_>>()).await.unwrap()
}

fn moves(old: Id, new: Id) -> repository::Change {
    let updates = vec![RefUpdate { name: BOOT.into(), old, new }];
    repository::Change::Move(Move { updates, pack: None })
}

/// Four commits, one upon the other, that no reference names yet.
fn commits(machine: &StateMachine) -> [Id; 4] {
    let repository = Repository::open(machine.store.dir().join("default")).unwrap();
    let tree = repository.treebuilder(None).unwrap().write().unwrap();
    let tree = repository.find_tree(tree).unwrap();
    let who = Signature::new("admin", "admin@localhost", &Time::new(0, 0)).unwrap();
    let mut parent = None;
    [1, 2, 3, 4].map(|number| {
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
    let [first, second, third, _] = commits(&machine);
    let mine = moves(first, second);
    let log = [moves(Id::ZERO, first), mine.clone(), moves(second, third), mine];
    let outcomes = outcomes(&mut machine, &log).await;
    let head = Some(Head { commit: second, revision: 2 });
    let was_so = Outcome::Applied(Applied { was_so: true, head, ..Applied::default() });
    assert_eq!(outcomes[3], was_so);
}

#[tokio::test]
async fn a_change_that_is_decided_again_after_others_takes_nothing_back() {
    let (_dir, _log, mut machine) = Builder.build().await.unwrap();
    let none = Move { updates: Vec::new(), pack: None };
    outcomes(&mut machine, &[repository::Change::Create(none)]).await;
    let [first, second, third, fourth] = commits(&machine);
    let mine = moves(first, second);
    let fork = moves(second, fourth);
    let log = [moves(Id::ZERO, first), mine.clone(), moves(second, third), mine, fork];
    let outcomes = outcomes(&mut machine, &log).await;
    assert_eq!(outcomes[4], Outcome::Refused(Refusal::Stale(BOOT.into())));
    let here = machine.store.get("default").unwrap().snapshot();
    assert_eq!(here.get(BOOT).map(|reference| reference.target), Some(third));
}

#[tokio::test]
async fn a_change_upon_an_old_revision_is_refused() {
    let (_dir, _log, mut machine) = Builder.build().await.unwrap();
    let none = Move { updates: Vec::new(), pack: None };
    outcomes(&mut machine, &[repository::Change::Create(none)]).await;
    let [first, second, third, _] = commits(&machine);
    let log = [moves(Id::ZERO, first), moves(first, third), moves(second, first)];
    let outcomes = outcomes(&mut machine, &log).await;
    assert_eq!(outcomes[2], Outcome::Refused(Refusal::Stale(BOOT.into())));
}

#[tokio::test]
async fn a_password_that_is_decided_again_after_another_one_does_not_come_back() {
    let (_dir, _log, mut machine) = Builder.build().await.unwrap();
    let account = |salt: &str| {
        let hash = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let hash = format!("$argon2id$v=19$m=19456,t=2,p=1${salt}${hash}");
        Some(accounts::Entry { role: Role::Reader, hash })
    };
    let [old, mine, newer] =
        ["b2xkb2xkb2xkb2xkb2xkbw", "bWluZW1pbmVtaW5lbWluZQ", "bmV3ZXJuZXdlcm5ld2VybmU"]
            .map(account);
    let change = |from: &Option<accounts::Entry>, to: &Option<accounts::Entry>| Change::Account {
        name: "jane".into(),
        from: from.clone(),
        account: to.clone(),
    };
    let log =
        [change(&None, &old), change(&old, &mine), change(&mine, &newer), change(&old, &mine)];
    decide(&mut machine, log.into_iter()).await;
    assert_eq!(machine.kept.now().accounts.get("jane").cloned(), newer);
}

/// What comes of the last `again` of these changes before a restart that has forgotten them, and after
/// it; and where the repository stands both times.
async fn made_again(
    machine: &mut StateMachine,
    changes: &[repository::Change],
    again: usize,
) -> [(Vec<Outcome>, Option<Id>, Orders); 2] {
    let known = changes.len() - again;
    outcomes(machine, &changes[..known]).await;
    let state = machine.kept.now();
    let mut results = Vec::new();
    for _ in 0..2 {
        let outcomes = outcomes(machine, &changes[known..]).await;
        let here = machine.store.get("default").unwrap().snapshot();
        let target = here.get(BOOT).map(|reference| reference.target);
        results.push((outcomes, target, here.orders.clone()));
        machine.kept = machine.kept.restarted(state.clone(), u64::MAX).into();
    }
    results.try_into().unwrap()
}

fn without_was_so(outcomes: &[Outcome]) -> Vec<Outcome> {
    let forget = |outcome: &Outcome| match outcome {
        Outcome::Applied(applied) => Outcome::Applied(Applied { was_so: false, ..*applied }),
        other => other.clone(),
    };
    outcomes.iter().map(forget).collect()
}

#[tokio::test]
async fn what_was_made_before_an_order_is_made_again_after_it() {
    use repository::Change::{BeginConflict, EndConflict, Pin, Resume};
    let (pin, resume) = (Pin { node: "m1".into() }, Resume { node: "m1".into() });
    for (order, end) in [(pin, resume), (BeginConflict, EndConflict)] {
        let (_dir, _log, mut machine) = Builder.build().await.unwrap();
        let none = Move { updates: Vec::new(), pack: None };
        outcomes(&mut machine, &[repository::Change::Create(none)]).await;
        let [first, second, third, _] = commits(&machine);
        let (made, refused) = (moves(first, second), moves(second, third));
        let log = [moves(Id::ZERO, first), made, order.clone(), refused.clone()];
        let [before, after] = made_again(&mut machine, &log, 3).await;
        assert!(matches!(before.0[..], [Outcome::Applied(_), _, Outcome::Refused(_)]));
        assert_eq!(without_was_so(&before.0), without_was_so(&after.0), "{order:?}");
        assert_eq!((before.1, before.2), (after.1, after.2), "{order:?}");

        // What was refused then is refused again, although nothing hinders it any more.
        let [before, after] = made_again(&mut machine, &[refused, end], 2).await;
        assert!(matches!(before.0[..], [Outcome::Refused(_), _]));
        assert_eq!(without_was_so(&before.0), without_was_so(&after.0), "{order:?}");
        assert_eq!((before.1, before.2), (after.1, after.2), "{order:?}");
    }
}

#[tokio::test]
async fn what_is_made_again_where_somebody_has_removed_the_repository_holds_nobody_up() {
    let (_dir, _log, mut machine) = Builder.build().await.unwrap();
    let none = Move { updates: Vec::new(), pack: None };
    outcomes(&mut machine, &[repository::Change::Create(none)]).await;
    let [first, second, ..] = commits(&machine);
    outcomes(&mut machine, &[moves(Id::ZERO, first)]).await;
    std::fs::remove_dir_all(machine.store.dir().join("default")).unwrap();
    machine.store.rescan().unwrap();
    machine.kept = machine.kept.restarted(machine.kept.now(), u64::MAX).into();
    let outcomes = outcomes(&mut machine, &[moves(first, second)]).await;
    assert_eq!(outcomes, [Outcome::Refused(Refusal::NoSubcluster("default".into()))]);
}

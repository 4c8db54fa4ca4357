//! Somebody fetches before the segments of what has just been accepted are made.

use git2::{Oid, Repository, Signature, Time};
use tempfile::TempDir;

use super::{Question, Segments};
use crate::repository::{Error, RefUpdate};

/// So many commits, one upon the other.
fn repository(commits: usize) -> (TempDir, Repository, Vec<Oid>) {
    let dir = tempfile::tempdir().unwrap();
    let repository = Repository::init_bare(dir.path()).unwrap();
    let mut history: Vec<Oid> = Vec::new();
    let who = Signature::new("Jane", "jane@example.com", &Time::new(0, 0)).unwrap();
    for number in 0..commits {
        let mut tree = repository.treebuilder(None).unwrap();
        let content = repository.blob(number.to_string().as_bytes()).unwrap();
        tree.insert("some.conf", content, 0o100_644).unwrap();
        let tree = repository.find_tree(tree.write().unwrap()).unwrap();
        let parent = history.last().map(|id| repository.find_commit(*id).unwrap());
        let parents: Vec<_> = parent.iter().collect();
        history.push(repository.commit(None, &who, &who, "", &tree, &parents).unwrap());
    }
    (dir, repository, history)
}

#[track_caller]
fn fetch(segments: &Segments, dir: &TempDir, repository: &Repository, want: Oid) {
    let question = Question {
        repository,
        wants: &[want],
        common: &[],
        tags: &[],
        tags_of: &[],
        number: |_| None,
        spool_dir: dir.path(),
    };
    segments.answer(&question, || Err(Error::NotFound("segments".into()))).unwrap();
}

#[test]
fn what_is_not_settled_yet_costs_no_new_base() {
    let (dir, repository, history) = repository(4);
    let segments = Segments::new(dir.path());
    fetch(&segments, &dir, &repository, history[0]);
    for pair in history.windows(2) {
        let (name, old, new) = ("refs/heads/boot".into(), pair[0].into(), pair[1].into());
        segments.accepted(&[RefUpdate { name, old, new }], &[pair[0]], None);
    }
    fetch(&segments, &dir, &repository, history[3]);
    let bases: Vec<_> = segments.shelf.state().bases.iter().map(|b| b.tips.clone()).collect();
    assert_eq!(bases, [[history[0]]]);
}

//! The answer to a node that is some revisions behind: the segments of these revisions, joined.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use git2::{Oid, Repository, Signature};

use ecconfigd::protocol::{Command, FetchRequest, ask_for_pack, parse_v2};
use ecconfigd::repository::{BOOT, Store, Subcluster};

const REVISIONS: usize = 129;

/// Each revision changes a file of its own.
fn make(dir: &Path) -> Result<Vec<Oid>, git2::Error> {
    let repository = Repository::init_bare(dir.join("default"))?;
    let who = Signature::now("bench", "bench@localhost")?;
    let mut commits: Vec<Oid> = Vec::new();
    let mut tree = repository.treebuilder(None)?;
    for number in 0..REVISIONS {
        let content = format!("option = {number}\n").repeat(50);
        tree.insert(format!("{number}.conf"), repository.blob(content.as_bytes())?, 0o100644)?;
        let parent = commits.last().map(|&id| repository.find_commit(id)).transpose()?;
        let parents: Vec<_> = parent.iter().collect();
        let files = repository.find_tree(tree.write()?)?;
        commits.push(repository.commit(Some(BOOT), &who, &who, "Change", &files, &parents)?);
    }
    Ok(commits)
}

fn open(dir: &Path) -> Arc<Subcluster> {
    let store = Store::open(dir.to_owned()).expect("the repositories can be read");
    store.get("default").expect("it is one of them")
}

fn update(known: Oid, newest: Oid) -> FetchRequest {
    let body = ask_for_pack(&[newest.into()], &[known.into()]);
    match parse_v2(&body[..]) {
        Ok(Some(Command::Fetch(request))) => request,
        _ => panic!("this is no fetch"),
    }
}

fn segments(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("there is a place for temporary files");
    let (repositories, spool) = (dir.path().join("repo"), dir.path().to_owned());
    let commits = make(&repositories).expect("a repository can be made there");
    let fetch = |subcluster: &Subcluster, request: &FetchRequest| {
        let answer = subcluster.fetch(request, None, &spool, &|| true).expect("it can be answered");
        answer.pack.expect("there is something newer").len()
    };
    // Each makes the segment of a revision, which stays.
    let subcluster = open(&repositories);
    for pair in commits.windows(2) {
        fetch(&subcluster, &update(pair[0], pair[1]));
    }
    let mut group = c.benchmark_group("segments");
    for revisions in [1, 16, 128] {
        let newest = commits.len() - 1;
        let request = update(commits[newest - revisions], commits[newest]);
        let id = BenchmarkId::new("joined", revisions);
        // One that has just been opened: an answer that was given before is kept.
        group.bench_function(id, |b| {
            let fetch = |subcluster: Arc<Subcluster>| fetch(&subcluster, black_box(&request));
            b.iter_batched(|| open(&repositories), fetch, BatchSize::PerIteration);
        });
        let id = BenchmarkId::new("given before", revisions);
        group.bench_function(id, |b| b.iter(|| fetch(&subcluster, black_box(&request))));
    }
    group.finish();
}

criterion_group!(benches, segments);
criterion_main!(benches);

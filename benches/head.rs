//! Where does a subcluster stand? What every node asks, among many subclusters.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use git2::{Repository, Signature};

use ecconfigd::repository::{BOOT, Store};

const SUBCLUSTERS: usize = 20;

fn make(dir: &Path) -> Result<(), git2::Error> {
    for number in 0..SUBCLUSTERS {
        let repository = Repository::init_bare(dir.join(format!("subcluster{number}")))?;
        let tree = repository.find_tree(repository.treebuilder(None)?.write()?)?;
        let who = Signature::now("bench", "bench@localhost")?;
        repository.commit(Some(BOOT), &who, &who, "First", &tree, &[])?;
    }
    Ok(())
}

fn head(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("there is a place for temporary files");
    make(dir.path()).expect("repositories can be made there");
    let store = Store::open(dir.path().to_owned()).expect("they can be read");
    let subcluster = store.get("subcluster7").expect("it is one of them");
    assert_eq!(subcluster.snapshot().head.map(|head| head.revision), Some(1));
    let mut group = c.benchmark_group("head");
    group.bench_function("by name", |b| {
        b.iter(|| {
            let subcluster = store.opened(black_box("subcluster7"))?.ok()?;
            subcluster.snapshot().head
        });
    });
    group.bench_function("of one at hand", |b| b.iter(|| black_box(&subcluster).snapshot().head));
    group.finish();
}

criterion_group!(benches, head);
criterion_main!(benches);

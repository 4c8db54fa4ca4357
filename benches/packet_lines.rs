//! Reading what clients send: packet lines as such, and the requests that are made of them.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

use ecconfigd::protocol::{
    Id, PktReader, PushRequest, RefCommand, ask_for_pack, ask_for_refs, ask_to_change, parse_v2,
};

const OLD: Id = Id::from_bytes([1; 20]);
const NEW: Id = Id::from_bytes([2; 20]);

/// What a node sends whose history has many ends.
fn many_haves() -> Vec<u8> {
    let haves: Vec<Id> = (0..=255).map(|byte| Id::from_bytes([byte; 20])).collect();
    ask_for_pack(&[NEW], &haves)
}

fn count(body: &[u8]) -> usize {
    let mut lines = PktReader::new(body);
    std::iter::from_fn(|| lines.read().ok()?.map(|_| ())).count()
}

fn packet_lines(c: &mut Criterion) {
    let body = many_haves();
    let mut group = c.benchmark_group("packet lines");
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function("read 260", |b| b.iter(|| count(black_box(&body))));
    group.bench_function("fetch with 256 haves", |b| b.iter(|| parse_v2(black_box(&body[..]))));
    group.finish();
}

fn requests(c: &mut Criterion) {
    let update = ask_for_pack(&[NEW], &[OLD]);
    let refs = ask_for_refs(&["refs/heads/boot"]);
    let push = ask_to_change(&RefCommand { old: OLD, new: NEW, name: "refs/heads/boot".into() });
    let mut group = c.benchmark_group("requests");
    group.bench_function("fetch of one revision", |b| b.iter(|| parse_v2(black_box(&update[..]))));
    group.bench_function("ls-refs", |b| b.iter(|| parse_v2(black_box(&refs[..]))));
    group.bench_function("push of one branch", |b| {
        b.iter(|| PushRequest::parse(black_box(&push[..])).map(|(request, _)| request));
    });
    group.finish();
}

criterion_group!(benches, packet_lines, requests);
criterion_main!(benches);

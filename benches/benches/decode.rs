//! Headers, each by a new decoder.
#![allow(missing_docs, reason = "criterion's macros")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jsonframe_benches::headers::{ANY_ORDER, Filling, SEED, longest, with_extensions};
use jsonframe_benches::ours::Headers;
use jsonframe_benches::sink::Glance;
use jsonframe_benches::work::Work;

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    let extended = with_extensions();
    for (name, header) in [
        ("golden-103B", SEED),
        ("any-order-escapes", ANY_ORDER),
        ("extensions-1KiB", &extended),
        ("longest-plain", &longest(Filling::Plain)),
        ("longest-members", &longest(Filling::Members)),
        ("longest-short-members", &longest(Filling::ShortMembers)),
        ("longest-escapes", &longest(Filling::Escapes)),
    ] {
        group.throughput(Throughput::Bytes(header.len() as u64));
        let mut headers = Headers::new(header, 1);
        group.bench_function(name, |bencher| bencher.iter(|| glance(&mut headers)));
    }
    let mut headers = Headers::new(&extended, 1).and_extensions();
    group.throughput(Throughput::Bytes(extended.len() as u64));
    group.bench_function("extensions-1KiB-read", |bencher| bencher.iter(|| glance(&mut headers)));
    group.finish();
}

fn glance(work: &mut impl Work) -> u64 {
    let mut glance = Glance::default();
    work.run(&mut glance);
    black_box(glance.sum)
}

criterion_group!(benches, decode);
criterion_main!(benches);

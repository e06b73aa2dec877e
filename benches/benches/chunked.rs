//! Streams of messages, cut into pieces of one size wherever that falls.
#![allow(missing_docs, reason = "criterion's macros")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jsonframe_benches::ours::Stream;
use jsonframe_benches::sink::Glance;
use jsonframe_benches::streams::{Message, wire};
use jsonframe_benches::work::Work;

/// The least that a stream holds, in bytes.
const LENGTH: usize = 64 << 10;

fn chunked(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("chunked");
    for (name, length) in [("16B", 16), ("144B", 144), ("4KiB", 4 << 10), ("64KiB", 64 << 10), ("1MiB", 1 << 20)] {
        let stream = wire(&vec![Message::of_length(length); LENGTH.div_ceil(length)]);
        group.throughput(Throughput::Bytes(stream.len() as u64));
        for piece in [1, 7, 1448, 65_536] {
            let mut stream = Stream::new(stream.clone()).in_pieces(piece);
            group.bench_function(BenchmarkId::new(name, piece), |bencher| {
                bencher.iter(|| {
                    let mut glance = Glance::default();
                    stream.run(&mut glance);
                    black_box(glance.sum)
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, chunked);
criterion_main!(benches);

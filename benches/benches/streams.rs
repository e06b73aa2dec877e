//! Streams of messages in one piece, by the size of the content.
#![allow(missing_docs, reason = "criterion's macros")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jsonframe_benches::ours::Stream;
use jsonframe_benches::sink::Glance;
use jsonframe_benches::streams::{Message, equal, mixed, varied, wire};
use jsonframe_benches::work::Work;

/// How many messages are in a stream, but for the longest.
const COUNT: usize = 100;

fn streams(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("streams");
    for (name, messages) in [
        ("16B", vec![Message::of_length(16); COUNT]),
        ("144B", vec![Message::of_length(144); COUNT]),
        ("4KiB", vec![Message::of_length(4 << 10); COUNT]),
        ("64KiB", vec![Message::of_length(64 << 10); COUNT]),
        ("1MiB", vec![Message::of_length(1 << 20); 8]),
        ("equal", equal(COUNT)),
        ("varied", varied(COUNT)),
        ("mixed", mixed(COUNT)),
    ] {
        group.throughput(Throughput::Elements(messages.len() as u64));
        let mut stream = Stream::new(wire(&messages));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut glance = Glance::default();
                stream.run(&mut glance);
                black_box(glance.sum)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, streams);
criterion_main!(benches);

//! Heads of messages.
#![allow(missing_docs, reason = "criterion's macros")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jsonframe::{ByteOrder, Header, Message, Outgoing, Value};
use jsonframe_benches::streams::CONTENT;

fn encode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode");
    let mut buffer = [0; 2048];
    let golden = Header::for_json(CONTENT.len() as u64).with_byte_order(ByteOrder::Little);
    let names: Vec<String> = (0..20).map(|number| format!("extension-{number}")).collect();
    let values =
        [Value::from("a text of thirty-two characters."), Value::from(1_763_829_600_123_u64), Value::from(true)];
    let members = names.iter().map(String::as_str).zip(values.into_iter().cycle());
    let members: Vec<(&str, Value<'_>)> = members.collect();
    let escaped = Header::new("text/\"quoted\"\n", "utf-8\\", 39);
    for (name, header) in
        [("golden-103B", golden), ("20-extensions", golden.with_extensions(&members)), ("escapes", escaped)]
    {
        group.throughput(Throughput::Bytes(header.encoded_len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(black_box(header).encode(&mut buffer)).map(<[u8]>::len));
        });
    }
    group.throughput(Throughput::Bytes(144));
    group.bench_function("golden-outgoing", |bencher| {
        bencher
            .iter(|| black_box(Outgoing::new(black_box(&golden), CONTENT, &mut buffer)).map(|message| message.len()));
    });
    let message = Message::new(golden, CONTENT).expect("the content is as long as announced");
    group.bench_function("golden-vec", |bencher| bencher.iter(|| black_box(message).to_vec()));
    group.finish();
}

criterion_group!(benches, encode);
criterion_main!(benches);

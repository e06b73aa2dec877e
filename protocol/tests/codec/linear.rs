//! The work of receiving is linear in the bytes, however they are cut: counted in instructions, by valgrind.
#![cfg(target_os = "linux")]
#![allow(clippy::cast_precision_loss, reason = "counts are compared as ratios")]

#[path = "../counted/mod.rs"]
mod counted;

use bytes::BytesMut;
use jsonframe::{Codec, EventCodec, Header};
use tokio_util::codec::Decoder;

use crate::pieces::receive;
use crate::wire;

/// Does the work that the last argument names, when the test below runs this one.
#[test]
fn workload() {
    let Some(workload) = counted::workload() else { return };
    let mut words = workload.split(' ');
    let (what, length, piece) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
    let (length, piece): (usize, usize) = (length.parse().unwrap(), piece.parse().unwrap());
    if what == "buffered" {
        // Large messages, all in one buffer before the first is decoded.
        let mut source = BytesMut::from(wire(&vec![7; piece]).repeat(length / piece).as_slice());
        let mut codec = Codec::new();
        while codec.decode(&mut source).unwrap().is_some() {}
        return;
    }
    if what == "events" {
        let mut codec = EventCodec::new();
        let mut source = BytesMut::new();
        for piece in wire(&vec![7; length]).chunks(piece) {
            source.extend_from_slice(piece);
            while codec.decode(&mut source).unwrap().is_some() {}
        }
        return;
    }
    let stream = match what {
        "content" => wire(&vec![7; length]),
        // Small messages of this total length.
        "messages" => wire(&[7; 100]).repeat(length / 200),
        "header" => {
            let long = "x".repeat(length);
            let header = Header::new(&long, "", 0);
            jsonframe::Message::new(header, b"").unwrap().to_vec().unwrap()
        }
        other => panic!("no workload {other}"),
    };
    let (messages, error) = receive(Codec::new().with_max_header(u16::MAX), stream.chunks(piece));
    assert!(error.is_none() && !messages.is_empty());
}

fn instructions(workload: &str) -> Option<u64> {
    counted::instructions("linear::workload", workload)
}

#[test]
fn work_is_linear_however_the_stream_is_cut() {
    let Some(start) = instructions("content 1 100") else { return };
    for (what, length, piece) in [
        ("header", 10_000, 1),
        ("header", 30_000, 100_000),
        ("content", 10_000, 1),
        ("content", 2_000_000, 1_000),
        ("content", 2_000_000, 2_000_000),
        ("messages", 30_000, 1),
        ("messages", 200_000, 1_000_000),
        ("buffered", 10_000_000, 70_000),
        ("events", 10_000, 1),
        ("events", 2_000_000, 1_000),
    ] {
        let of = |length| instructions(&format!("{what} {length} {piece}")).unwrap() - start;
        let (once, twice) = (of(length), of(2 * length));
        let growth = twice as f64 / once as f64;
        println!(
            "{what} of {length} bytes, {piece} at a time: {once} instructions, {growth:.2} times for twice as many"
        );
        assert!(growth < 2.3, "{what} of {length} bytes, {piece} at a time: {growth:.2} times");
    }
}

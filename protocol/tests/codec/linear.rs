//! The work of receiving is linear in the bytes, however they are cut: counted in instructions, by valgrind.
#![cfg_attr(not(target_os = "linux"), allow(dead_code))]

use std::env;
use std::process::Command;

use bytes::BytesMut;
use jsonframe::{Codec, Header};
use tokio_util::codec::Decoder;

use crate::pieces::receive;
use crate::wire;

const WORKLOAD: &str = "JSONFRAME_CODEC_WORKLOAD";

/// Receives what the environment says, when the test is run by the one below.
#[test]
fn workload() {
    let Ok(workload) = env::var(WORKLOAD) else { return };
    let mut words = workload.split(' ');
    let (what, length, piece) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
    let (length, piece): (usize, usize) = (length.parse().unwrap(), piece.parse().unwrap());
    if what == "buffered" {
        // Large messages that are all in one buffer before the first is taken.
        let mut source = BytesMut::from(wire(&vec![7; piece]).repeat(length / piece).as_slice());
        let mut codec = Codec::new();
        while codec.decode(&mut source).unwrap().is_some() {}
        return;
    }
    let stream = match what {
        "content" => wire(&vec![7; length]),
        // As many messages as make up this length, and with much behind each of them in the buffer.
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

/// The instructions that a workload takes, start and end of the program included.
fn instructions(workload: &str) -> Option<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe().unwrap())
        .args(["--exact", "linear::workload", "--test-threads=1"])
        .env(WORKLOAD, workload)
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) if env::var_os("CI").is_some() => panic!("valgrind is needed: {error}"),
        Err(error) => {
            eprintln!("SKIPPED, valgrind is needed: {error}");
            return None;
        }
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let report = String::from_utf8(output.stderr).unwrap();
    let collected = report.lines().find_map(|line| line.split_once("Collected : "));
    Some(collected.expect("valgrind reports a count").1.trim().parse().unwrap())
}

#[cfg(target_os = "linux")]
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
    ] {
        let of = |length| instructions(&format!("{what} {length} {piece}")).unwrap() - start;
        let (once, twice) = (of(length), of(2 * length));
        let growth = twice / once;
        println!(
            "{what} of {length} bytes, {piece} at a time: {once} instructions, {growth:.2} times for twice as many"
        );
        assert!(growth < 2.3, "{what} of {length} bytes, {piece} at a time: {growth:.2} times");
    }
}

//! Law 5, counted in instructions: the work is linear in the bytes, however they are cut and whatever they are.
//!
//! The test runs itself under valgrind, which counts the same instructions every time.
#![cfg(target_os = "linux")]
#![allow(clippy::cast_precision_loss, reason = "counts are compared as ratios")]

mod counted;

use std::hint::black_box;

use jsonframe::{Decoder, Event};
use proptest::prelude::*;

/// What makes a workload compare each name with all before it: work that grows with the square.
const COMPARED: &str = "compared";

/// How often a workload decodes its header: enough for the rest of the program to weigh little.
const ROUNDS: usize = 4;

/// What a header may be filled with.
const FILLINGS: [&str; 11] = [
    "plain",
    "escapes",
    "surrogates",
    "beyond-ascii",
    "nested-beyond-ascii",
    "members",
    "escaped-names",
    "escaped-beyond-ascii",
    "nesting",
    "numbers",
    "white-space",
];

/// A header of this length.
fn header(filling: &str, length: usize) -> Vec<u8> {
    let before = r#"{"byteorder":"big","content-type":"","content-encoding":"","content-length":0"#;
    let room = length - before.len() - 1;
    let repeat = |unit: &str, fixed: usize| unit.repeat((room - fixed) / unit.len());
    let members = match filling {
        "plain" => format!(",\"x\":\"{}\"", repeat("x", 7)),
        "escapes" => format!(",\"x\":\"{}\"", repeat("\\n", 7)),
        "surrogates" => format!(",\"x\":\"{}\"", repeat("\\ud83d\\udc36", 7)),
        "beyond-ascii" => format!(",\"x\":\"{}\"", repeat("é", 7)),
        // Once, each of these was checked for UTF-8 together with all that follows when the extensions were gone through.
        "nested-beyond-ascii" => repeat(",\"\":[\"é\"]", 0),
        "members" => repeat(",\"x\":0", 0),
        "escaped-names" => repeat(",\"\\u0062yteordeR\":\"\\n\"", 0),
        // Once, each of these was checked for UTF-8 together with all that follows when their escapes were resolved.
        "escaped-beyond-ascii" => repeat(",\"\\né\":\"é\\n\"", 0),
        "nesting" => format!(",\"x\":[{}0]", repeat(&format!("{}{},", "[".repeat(60), "]".repeat(60)), 8)),
        "numbers" => format!(",\"x\":{}", repeat("1", 5)),
        "white-space" => repeat(" ", 0),
        other => panic!("no filling {other}"),
    };
    format!("{before}{members}{}}}", " ".repeat(room - members.len())).into_bytes()
}

/// Decodes as the last argument says, when the test is run by another of its kind.
#[test]
fn workload() {
    let Some(workload) = counted::workload() else { return };
    let mut words = workload.split(' ');
    let (filling, length, piece) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
    let header = header(filling, length.parse().unwrap());
    let stream = [&u16::try_from(header.len()).unwrap().to_be_bytes(), header.as_slice()].concat();
    let mut decoder = Decoder::new(vec![0; header.len()]);
    for _ in 0..ROUNDS {
        for mut input in stream.chunks(piece.parse().unwrap()) {
            while let Some(event) = decoder.decode(&mut input).unwrap() {
                if let Event::Header(header) = event {
                    black_box(header.extensions().count());
                    black_box(header.extension("x"));
                    if words.clone().next() == Some(COMPARED) {
                        for (at, (name, _)) in header.extensions().enumerate() {
                            let before = header.extensions().take(at);
                            black_box(before.filter(|(other, _)| *other == name).count());
                        }
                    }
                }
            }
        }
    }
    decoder.finish().unwrap();
    assert_eq!(decoder.position(), (ROUNDS * stream.len()) as u64);
}

fn instructions(workload: &str) -> Option<u64> {
    counted::instructions("workload", workload)
}

#[test]
fn work_is_linear_in_the_header_whatever_it_holds_and_however_it_is_cut() {
    let Some(start) = instructions("plain 100 65537") else { return };
    let of = |workload: &str| instructions(workload).unwrap().saturating_sub(start);

    let plain = of("plain 65535 65537");
    for filling in FILLINGS {
        let half = of(&format!("{filling} 32768 65537"));
        let whole = of(&format!("{filling} 65535 65537"));
        let growth = whole as f64 / half as f64;
        let to_plain = whole as f64 / plain as f64;
        println!(
            "{filling:19} {whole:10} instructions, {growth:.2} times those of half the length, {to_plain:.2} times plain"
        );
        assert!(growth < 2.1, "{filling}: twice the length takes {growth:.2} times the work");
    }

    let bytewise_half = of("plain 32768 1");
    let bytewise = of("plain 65535 1");
    let growth = bytewise as f64 / bytewise_half as f64;
    println!("one byte at a time {bytewise} instructions, {growth:.2} times those of half the length");
    assert!(growth < 2.1, "twice the length, one byte at a time, takes {growth:.2} times the work");
}

/// The measure is one that sees it: for who compares every name with all before it, it grows with the square.
#[test]
fn work_is_linear_no_more_if_names_are_compared() {
    let Some(start) = instructions("plain 100 65537") else { return };
    let of = |length| instructions(&format!("members {length} 65537 {COMPARED}")).unwrap().saturating_sub(start);
    let growth = of(1200) as f64 / of(600) as f64;
    println!("names that are compared with each other take {growth:.2} times the instructions of half as many");
    assert!(growth > 3.0, "twice as many names take {growth:.2} times the work");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// A constant number of instructions a byte and a piece; generous, for the build may not be optimised. Work that grew
    /// with the square would take a thousand times as many.
    #[test]
    fn work_is_linear_bounded_by_a_constant_a_byte_and_a_piece(
        filling in prop::sample::select(&FILLINGS[..]),
        length in 1_000_usize..65_536,
        piece in prop_oneof![Just(1_usize), 1_usize..2_000],
    ) {
        let Some(count) = instructions(&format!("{filling} {length} {piece}")) else { return Ok(()) };
        let start = instructions("plain 100 65537").unwrap();
        let (bytes, pieces) = ((ROUNDS * length) as u64, (ROUNDS * length.div_ceil(piece)) as u64);
        let bound = 3_000 * bytes + 5_000 * pieces;
        prop_assert!(count.saturating_sub(start) < bound, "{} instructions, {} expected at most", count, bound);
    }
}

//! Counts instructions: the work of every encoding is linear in the length of the text, both ways, whole and in pieces, and
//! does not depend on the spare capacity of the string.
#![allow(clippy::cast_precision_loss, reason = "counts are compared as ratios")]

use std::hint::black_box;

use jsonframe::{Encoding, TextDecoder};

use crate::counted::{self, instructions_between_marks, mark};
use crate::{all, encoding};

/// The number of characters of the shorter text. The longer one is twice that.
const CHARACTERS: usize = 600;

/// The spare capacity of the string, where it must make no difference: thousands of pages.
const SPARE: usize = 32 << 20;

/// What is done with the text.
const WAYS: [&str; 6] = [
    "decoded whole",
    "decoded in pieces of one byte",
    "decoded whole to spare memory",
    "decoded in pieces of one byte to spare memory",
    "encoded whole",
    "encoded in pieces of one character",
];

/// Returns a text of every kind of character of the encoding: those of the web's encoding, and the others.
fn text(encoding: Encoding) -> String {
    let bytes = (0x80..=0xFF_u8).map(|byte| vec![byte]);
    let pairs = (0x8140..=0xFFFE_u16).step_by(97).map(|pair| pair.to_be_bytes().to_vec());
    let fours = ["é", "я", "カ", "가", "🐶"].map(|text| encoding.encode(text).map(Vec::from).unwrap_or_default());
    let decoded = bytes.chain(pairs).chain(fours).filter_map(|bytes| Some(encoding.decode(&bytes).ok()?.into_owned()));
    let written = decoded.filter(|text| encoding.encode(text).is_ok());
    // With ASCII between them, since runs of one kind might be decoded at once.
    let text: Vec<char> = written.collect::<Vec<_>>().join("a").chars().chain("plain".chars()).collect();
    text.into_iter().cycle().take(CHARACTERS).collect()
}

fn run(way: &str, encoding: Encoding, text: &str, content: &[u8]) {
    let spare = if way.ends_with("spare memory") { SPARE } else { 0 };
    let mut decoded = String::with_capacity(spare);
    let mut decoder = TextDecoder::new(encoding);
    let one = way.contains("pieces");
    mark();
    if way.starts_with("decoded") {
        for piece in content.chunks(if one { 1 } else { content.len() }) {
            decoder.decode(piece, &mut decoded).unwrap();
        }
    } else if one {
        for (at, character) in text.char_indices() {
            black_box(encoding.encode(&text[at..at + character.len_utf8()]).unwrap());
        }
    } else {
        black_box(encoding.encode(text).unwrap());
    }
    mark();
    assert!(decoded == text || decoded.is_empty());
}

/// Does everything whose instructions are counted. Runs only when the counting test starts it.
#[test]
fn workload() {
    if counted::workload().is_none() {
        return;
    }
    for name in all() {
        let encoding = encoding(name);
        let once = text(encoding);
        let texts = [once.repeat(2), once].map(|text| (encoding.encode(&text).unwrap().into_owned(), text));
        for way in WAYS {
            for (content, text) in &texts {
                run(way, encoding, text, content);
            }
        }
    }
}

#[test]
fn text_of_every_encoding_is_decoded_and_encoded_in_linear_time() {
    let Some(counts) = instructions_between_marks("linear::workload", "all encodings") else { return };
    // Every second count is that of preparing the next text.
    let mut counts = counts.into_iter().step_by(2);
    let (mut most, mut most_spare) = (0.0_f64, 0.0_f64);
    for name in all() {
        let counts = WAYS.map(|way| (way, [counts.next().unwrap(), counts.next().unwrap()]));
        for (way, [whole, half]) in counts {
            let growth = whole as f64 / half as f64;
            assert!(growth < 2.2, "{name}, {way}: twice the text takes {growth:.2} times the work ({half}, {whole})");
            most = most.max(growth);
        }
        for [(_, [plain, _]), (way, [spare, _])] in [[counts[0], counts[2]], [counts[1], counts[3]]] {
            let more = spare as f64 / plain as f64;
            assert!(more < 1.2, "{name}, {way}: {more:.2} times the work ({plain}, {spare})");
            most_spare = most_spare.max(more);
        }
    }
    assert_eq!(counts.next(), None);
    println!(
        "twice the text takes at most {most:.2} times the work, and spare memory at most {most_spare:.2} times, in {} encodings",
        all().count()
    );
}

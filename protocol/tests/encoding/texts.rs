//! Encodes every character, and decodes and encodes whole texts.

use std::collections::BTreeSet;

use jsonframe::TextError;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::python::{ask, order, text};
use crate::{SEVERAL, SINGLE, all, encoding};

/// The numbers of characters that Python can encode, by what becomes of them here.
#[derive(Debug, Default, PartialEq)]
struct Written {
    /// Encoded as the same bytes.
    same: usize,
    /// Encoded as other bytes, which Python decodes to the same character.
    otherwise: usize,
    /// Refused.
    refused: usize,
}

fn write_all(name: &str, theirs: &str, characters: impl Iterator<Item = char>) -> Written {
    let encoding = encoding(name);
    let mut written = Written::default();
    let mut otherwise = Vec::new();
    let mut theirs = theirs.split(',');
    for character in characters {
        let theirs = theirs.next().expect("an answer a character");
        match encoding.encode(character.encode_utf8(&mut [0; 4])) {
            Ok(ours) if hex::encode(&ours) == theirs => written.same += 1,
            Ok(ours) => otherwise.push((character, hex::encode(ours))),
            Err(TextError::Unmappable { character: named, offset: 0, .. }) => {
                assert_eq!(named, character);
                written.refused += usize::from(theirs != "-");
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(theirs.next(), None);
    written.otherwise = otherwise.len();
    let requests: Vec<_> = otherwise.iter().map(|(_, bytes)| format!("decode {name} {bytes}")).collect();
    for ((character, bytes), answer) in otherwise.iter().zip(ask(&requests).unwrap_or_default()) {
        assert_eq!(text(answer.strip_prefix('=').unwrap()), character.to_string(), "{name} {bytes}");
    }
    written
}

#[test]
fn every_character_of_one_byte_is_written_as_in_python() {
    // The characters of all these encodings: each lacks most of those of the others.
    let bytes = (0..=255_u8).map(|byte| [byte]);
    let every = bytes.flat_map(|byte| SINGLE.map(|name| encoding(name).decode(&byte).unwrap_or_default().into_owned()));
    let characters: BTreeSet<char> = every.flat_map(|text| text.chars().collect::<Vec<_>>()).collect();
    let text: String = characters.iter().collect();
    println!("{} characters", characters.len());
    let requests: Vec<_> = SINGLE.iter().map(|name| format!("characters {name} {}", hex::encode(&text))).collect();
    let Some(answers) = ask(&requests) else { return };
    for (name, answer) in SINGLE.iter().zip(answers) {
        let written = write_all(name, &answer, text.chars());
        assert_eq!((written.otherwise, written.refused), (0, 0), "{name}");
    }
}

#[test]
fn every_character_of_several_bytes_is_written_so_that_python_reads_it() {
    let text: String = ('\0'..='\u{FFFF}').collect();
    let text_hex = hex::encode(&text);
    let requests: Vec<_> = SEVERAL.iter().map(|name| format!("characters {name} {text_hex}")).collect();
    let Some(answers) = ask(&requests) else { return };
    for (name, answer) in SEVERAL.iter().zip(answers) {
        let written = write_all(name, &answer, text.chars());
        let (otherwise, refused) = match *name {
            // Characters with two sequences; the kana and others, which are other characters in the web's encoding.
            "big5" => (2, 254),
            "cp950" => (4, 260),
            // The characters for private use; and six signs that Python encodes as others.
            "cp932" => (373, 1886),
            // JIS X 0212.
            "euc_jp" => (0, 6068),
            // The syllables that Python writes as eight bytes.
            "euc_kr" => (0, 8823),
            // The yen sign and the overline, which Python encodes as others.
            "shift_jis" => (0, 2),
            _ => (0, 0),
        };
        assert_eq!((written.otherwise, written.refused), (otherwise, refused), "{name}");
    }
}

/// Returns characters of the encoding, and some that it may lack.
fn repertoire(name: &str) -> Vec<char> {
    let encoding = encoding(name);
    let bytes = (0x80..=0xFF_u8).map(|byte| vec![byte]);
    let pairs = (0x8100..=0xFFFF_u16).step_by(7).map(|pair| pair.to_be_bytes().to_vec());
    let sequences = bytes.chain(pairs);
    let decoded: String =
        sequences.filter_map(|bytes| encoding.decode(&bytes).ok().map(std::borrow::Cow::into_owned)).collect();
    let mut characters: Vec<char> = decoded.chars().chain("é€🐶\u{FEFF}〜".chars()).collect();
    characters.sort_unstable();
    characters.dedup();
    characters
}

#[test]
fn random_texts_go_to_python_and_come_from_it() {
    let mut runner = TestRunner::deterministic();
    let mut requests = Vec::new();
    let mut texts = Vec::new();
    for name in all() {
        let character = prop_oneof![
            2 => prop::sample::select(repertoire(name)),
            1 => prop::char::range(' ', '~'),
        ];
        // Most are of this encoding alone, so that most texts can be encoded.
        let text = prop::collection::vec(character, 0..12).prop_map(String::from_iter);
        for _ in 0..200 {
            let text = text.new_tree(&mut runner).unwrap().current();
            requests.push(format!("encode {name} {}", hex::encode(&text)));
            texts.push((name, text));
        }
    }
    let Some(answers) = ask(&requests) else { return };
    // Python does not decode everything that it encodes to the same text.
    let theirs: Vec<_> = texts.iter().zip(&answers).map(|(text, answer)| (text, answer.strip_prefix('='))).collect();
    let requests: Vec<_> =
        theirs.iter().map(|((name, _), theirs)| format!("decode {name} {}", theirs.unwrap_or_default())).collect();
    let read = ask(&requests).expect("Python answered before");
    let (mut back, mut both, mut neither) = (Vec::new(), 0, 0);
    for (((name, text), theirs), read) in theirs.into_iter().zip(&read) {
        let encoding = encoding(name);
        if let Some(theirs) = theirs {
            match encoding.decode(&hex::decode(theirs).unwrap()) {
                Ok(ours) => assert_eq!(format!("={}", hex::encode(&*ours)), *read, "{name} from Python"),
                Err(error) => assert!(["big5", "cp950", "euc_kr"].contains(name), "{name} {theirs}: {error}"),
            }
        }
        match encoding.encode(text) {
            Ok(ours) => back.push((name, text, hex::encode(ours))),
            Err(_) if theirs.is_none() => neither += 1,
            Err(_) => {}
        }
        both += usize::from(theirs.is_some());
    }
    let requests: Vec<_> = back.iter().map(|(name, _, bytes)| format!("decode {name} {bytes}")).collect();
    for ((name, sent, _), read) in back.iter().zip(ask(&requests).expect("Python answered before")) {
        assert_eq!(text(read.strip_prefix('=').unwrap()), **sent, "{name} to Python");
    }
    println!("{} texts: {both} from Python, {} to Python, {neither} that neither can write", texts.len(), back.len());
    assert!(back.len() > texts.len() / 3 && both > texts.len() / 3);
}

#[test]
fn random_bytes_are_what_they_are_in_python() {
    let mut runner = TestRunner::deterministic();
    let byte = prop_oneof![
        any::<u8>(),
        0x20..0x7F_u8,
        0x81..=0xFE_u8,
        prop::sample::select(vec![0x00, 0xD8, 0xDC, 0xFE, 0xFF, 0xEF, 0xBB, 0xBF, 0x30, 0x81])
    ];
    let bytes = prop_oneof![
        prop::collection::vec(byte.clone(), 0..8),
        // Bytes that are likely to begin with text.
        prop::collection::vec((0xA4..0xC8_u8, 0xA1..=0xFE_u8), 0..8)
            .prop_map(|pairs| { pairs.into_iter().flat_map(|(lead, trail)| [lead, trail]).collect::<Vec<u8>>() }),
        (any::<String>(), prop::collection::vec(byte, 0..3), any::<u8>()).prop_map(|(text, tail, kind)| {
            let name = ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"][usize::from(kind % 6)];
            [&*encoding(name).encode(&text).unwrap(), &tail].concat()
        }),
    ];
    let mut requests = Vec::new();
    let mut inputs = Vec::new();
    for name in all() {
        for _ in 0..400 {
            let bytes = bytes.new_tree(&mut runner).unwrap().current();
            requests.push(format!("decode {name} {}", hex::encode(&bytes)));
            inputs.push((name, bytes));
        }
    }
    let (Some(answers), Some(order)) = (ask(&requests), order()) else { return };
    let (mut texts, mut refused) = (0, 0);
    for ((name, bytes), theirs) in inputs.iter().zip(&answers) {
        match (encoding(name).with_byte_order(order).decode(bytes), theirs.strip_prefix('=')) {
            (Ok(ours), Some(theirs)) => {
                assert_eq!(ours, text(theirs), "{name} {bytes:02X?}");
                texts += 1;
            }
            (Err(TextError::Malformed { offset, .. }), None) => {
                // If both refuse it, they do so at the same byte, unless one that is refused only here comes first.
                let theirs: u64 = theirs.parse().unwrap();
                let agrees =
                    if ["big5", "cp950", "euc_kr"].contains(name) { offset <= theirs } else { offset == theirs };
                assert!(agrees, "{name} {bytes:02X?}: {offset}, in Python {theirs}");
            }
            (Err(_), Some(_)) => {
                assert!(["big5", "cp950", "euc_kr"].contains(name), "{name} {bytes:02X?} is refused");
                refused += 1;
            }
            (ours, theirs) => panic!("{name} {bytes:02X?}: {ours:?}, in Python {theirs:?}"),
        }
    }
    println!("{texts} texts in {} random contents; {refused} refused that Python reads", inputs.len());
    assert!(texts > inputs.len() / 10);
}

#[test]
fn a_byte_order_mark_is_written_in_the_order_of_the_header() {
    let requests = ["encode utf-16 61c3a9", "encode utf-32 61c3a9", "encode utf-8-sig 61c3a9"].map(String::from);
    let (Some(answers), Some(order)) = (ask(&requests), order()) else { return };
    for (name, theirs) in ["utf-16", "utf-32", "utf-8-sig"].iter().zip(answers) {
        let ours = encoding(name).with_byte_order(order).encode("aé").unwrap().into_owned();
        assert_eq!(format!("={}", hex::encode(ours)), theirs, "{name}");
    }
}

#[test]
fn the_programs_of_the_tutorial_read_what_is_written() {
    let text = "{\"action\": \"search\",\r\n \"value\": \"needle\"}";
    let names: Vec<_> = all().collect();
    let mut requests: Vec<_> = names
        .iter()
        .map(|name| format!("stream {name} {}", hex::encode(encoding(name).encode(text).unwrap())))
        .collect();
    // They refuse it without a mark, whatever the header says.
    requests.extend(["stream utf-16 61006200", "stream utf-32 61000000"].map(String::from));
    let Some(answers) = ask(&requests) else { return };
    let (read, refused) = answers.split_at(names.len());
    for (name, answer) in names.iter().zip(read) {
        assert_eq!(*answer, format!("={}", hex::encode(text)), "{name}");
    }
    assert_eq!(refused, ["-", "-"]);
}

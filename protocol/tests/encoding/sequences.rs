//! Decodes every byte, every pair, and the longer sequences.

use crate::python::{ask, text};
use crate::{SEVERAL, SINGLE, encoding};

/// Checks that no sequence is read as another character than in Python. Returns the number of those refused only here.
fn compare(name: &str, theirs: &str, sequences: impl Iterator<Item = Vec<u8>>) -> usize {
    let encoding = encoding(name);
    let mut refused = 0;
    let mut theirs = theirs.split(',');
    for sequence in sequences {
        let theirs = theirs.next().expect("an answer a sequence");
        match (encoding.decode(&sequence), theirs.strip_prefix('!')) {
            (Ok(ours), None) => {
                assert_eq!(ours, text(theirs), "{name} {sequence:02X?}");
            }
            (Ok(ours), Some(_)) => panic!("{name} {sequence:02X?} is nothing in Python, and here it is {ours:?}"),
            (Err(_), None) => refused += 1,
            (Err(error), Some(offset)) => {
                assert!(
                    error.to_string().ends_with(&format!("(at its byte {offset})")),
                    "{name} {sequence:02X?}: {error}"
                );
            }
        }
    }
    assert_eq!(theirs.next(), None);
    refused
}

#[test]
fn every_byte_is_what_it_is_in_python() {
    let requests: Vec<_> = SINGLE.iter().chain(&SEVERAL).map(|name| format!("bytes {name}")).collect();
    let Some(answers) = ask(&requests) else { return };
    for (name, answer) in SINGLE.iter().chain(&SEVERAL).zip(answers) {
        assert_eq!(compare(name, &answer, (0..=255).map(|byte| vec![byte])), 0, "{name}");
    }
}

#[test]
fn every_pair_is_what_it_is_in_python_or_refused() {
    let requests: Vec<_> = SEVERAL.iter().map(|name| format!("pairs {name}")).collect();
    let Some(answers) = ask(&requests) else { return };
    for (name, answer) in SEVERAL.iter().zip(answers) {
        let pairs = (0x8000..=0xFFFF_u16).map(|pair| pair.to_be_bytes().to_vec());
        // The kana, Cyrillic letters and some signs, which are other characters in the web's encoding.
        let expected = match *name {
            "big5" => 249,
            "cp950" => 250,
            _ => 0,
        };
        assert_eq!(compare(name, &answer, pairs), expected, "{name}");
    }
}

#[test]
fn every_triple_of_euc_jp_is_what_it_is_in_python() {
    let Some(answers) = ask(&[String::from("triples euc_jp")]) else { return };
    let triples = (0xA1..=0xFE).flat_map(|second| (0x80..=0xFF).map(move |third| vec![0x8F, second, third]));
    assert_eq!(compare("euc_jp", &answers[0], triples), 0);
}

#[test]
fn every_sequence_of_four_bytes_is_what_it_is_in_python() {
    let Some(answers) = ask(&[String::from("quads gb18030")]) else { return };
    let quads = (0..126 * 10 * 126 * 10_u32).map(|number| {
        let digits = [number / 12600, number / 1260 % 10, number / 10 % 126, number % 10];
        let bytes =
            digits.iter().zip([0x81, 0x30, 0x81, 0x30]).map(|(digit, first)| first + u8::try_from(*digit).unwrap());
        bytes.collect()
    });
    assert_eq!(compare("gb18030", &answers[0], quads), 0);
}

/// Python composes these of four pairs. The web's encoding has no such sequences.
#[test]
fn the_hangul_that_euc_kr_writes_in_eight_bytes_are_refused() {
    let syllables: String = ('가'..='힣').collect();
    let request = format!("characters euc_kr {}", hex::encode(&syllables));
    let Some(answers) = ask(&[request]) else { return };
    let euc_kr = encoding("euc_kr");
    let mut refused = 0;
    for (syllable, theirs) in syllables.chars().zip(answers[0].split(',')) {
        let theirs = hex::decode(theirs).unwrap();
        let syllable = syllable.to_string();
        if theirs.len() == 8 {
            assert!(euc_kr.decode(&theirs).is_err() && euc_kr.encode(&syllable).is_err(), "{syllable}");
            refused += 1;
        } else {
            assert_eq!(euc_kr.decode(&theirs).unwrap(), syllable);
        }
    }
    assert_eq!(refused, 8822);
}

#[test]
fn the_kana_and_cyrillic_letters_of_big5_are_refused() {
    let letters: String = ('ぁ'..='ん').chain('ァ'..='ヶ').chain('А'..='я').chain(['Ё', 'ё']).collect();
    for name in ["big5", "cp950"] {
        let Some(answers) = ask(&[format!("characters {name} {}", hex::encode(&letters))]) else { return };
        let encoding = encoding(name);
        let mut refused = 0;
        for (letter, theirs) in letters.chars().zip(answers[0].split(',')) {
            assert!(encoding.encode(&letter.to_string()).is_err(), "{name} {letter}");
            if theirs != "-" {
                assert!(encoding.decode(&hex::decode(theirs).unwrap()).is_err(), "{name} {letter}");
                refused += 1;
            }
        }
        assert_eq!(refused, 83 + 86 + 56, "{name}");
    }
}

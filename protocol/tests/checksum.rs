//! Checksums of content, against those that Python's `hashlib` computes.
#![cfg(feature = "sha256")]

#[path = "common/script.rs"]
mod script;

use std::fmt::Write;

use jsonframe::{Checksum, ChecksumError, ContentHasher, Decoder, Event, Header, Value};

/// Of the example in FIPS 180-2.
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
/// Of nothing.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Pseudo-random bytes.
fn bytes(count: usize) -> Vec<u8> {
    let mut state: u32 = 1;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..count).map(|_| next()).collect()
}

/// The checksums that Python computes. `None` if there is no Python, which is a failure in continuous integration.
fn python(contents: &[Vec<u8>]) -> Option<Vec<String>> {
    let program = "import hashlib, sys\n\
                   for line in sys.stdin: print(hashlib.sha256(bytes.fromhex(line)).hexdigest())";
    let mut lines = String::new();
    for content in contents {
        writeln!(lines, "{}", hex::encode(content)).unwrap();
    }
    let sums = script::output(&["-c", program], lines)?;
    Some(String::from_utf8(sums).unwrap().lines().map(String::from).collect())
}

#[test]
fn checksums_are_those_of_python() {
    // Around the sizes of SHA-256's blocks and its padding, and some longer.
    let lengths = (0..=200).chain([1000, 4095, 4096, 4097, 65_535, 65_536, 1_000_003]);
    let contents: Vec<Vec<u8>> = lengths.map(bytes).collect();
    let Some(theirs) = python(&contents) else { return };
    assert_eq!(theirs.len(), contents.len());
    for (content, theirs) in contents.iter().zip(&theirs) {
        let sum = Checksum::of(content);
        assert_eq!(&sum.to_string(), theirs, "{} bytes", content.len());
        assert_eq!(theirs.parse(), Ok(sum));
    }
}

#[test]
fn where_content_is_cut_makes_no_difference() {
    let content = bytes(200);
    let whole = Checksum::of(&content);
    for cut in 0..=content.len() {
        let mut hasher = ContentHasher::new();
        let (first, second) = content.split_at(cut);
        hasher.update(first);
        assert_eq!(hasher.checksum(), Checksum::of(first));
        hasher.update(&[]);
        hasher.update(second);
        assert_eq!(hasher.checksum(), whole);
    }
    for size in 1..=content.len() {
        let mut hasher = ContentHasher::new();
        content.chunks(size).for_each(|piece| hasher.update(piece));
        assert_eq!(hasher.check(whole), Ok(()));
    }
}

#[test]
fn a_checksum_is_64_hex_digits_of_either_case() {
    let sum: Checksum = ABC.parse().unwrap();
    assert_eq!(sum, Checksum::of(b"abc"));
    assert_eq!(ABC.to_uppercase().parse(), Ok(sum));
    assert_eq!((sum.to_string().as_str(), sum.to_hex().as_str()), (ABC, ABC));
    assert_eq!(format!("{sum:?} {:?}", sum.to_hex()), format!("Checksum({ABC}) ChecksumHex({ABC})"));
    assert_eq!(Checksum::from(*sum.as_bytes()), sum);
    assert_eq!(hex::encode(sum.as_bytes()), ABC);

    let longer = format!("{ABC}0");
    let other_digits = ABC.replacen('b', "g", 1);
    // One character of two bytes in place of two digits: the length is still 64 bytes.
    let beyond_ascii = format!("é{}", &ABC[2..]);
    let with_sign = format!("+{}", &ABC[1..]);
    for wrong in ["", "ba78", &ABC[1..], &longer, &other_digits, &beyond_ascii, &with_sign] {
        assert_eq!(wrong.parse::<Checksum>(), Err(ChecksumError::Malformed), "{wrong}");
    }
}

#[test]
fn the_member_is_missing_malformed_or_there() {
    let announced = |extensions: &[(&str, Value<'_>)]| {
        let header = Header::new("text/plain", "utf-8", 3).with_extensions(extensions);
        let sent = Checksum::announced(&header);
        // As it is when it has been received.
        let mut buffer = [0; 1024];
        let mut decoder = Decoder::new([0; 1024]);
        let mut wire = header.encode(&mut buffer).unwrap();
        let Ok(Some(Event::Header(header))) = decoder.decode(&mut wire) else { panic!("it is a header") };
        assert_eq!(Checksum::announced(&header), sent);
        sent
    };
    let sum = Checksum::of(b"abc");
    let digits = sum.to_hex();
    assert_eq!(digits.member(), ("sha256", ABC.into()));
    assert_eq!(announced(&[digits.member()]), Ok(sum));
    assert_eq!(announced(&[("sha256", ABC.to_uppercase().as_str().into())]), Ok(sum));
    assert_eq!(announced(&[]), Err(ChecksumError::Missing));
    assert_eq!(announced(&[("SHA256", ABC.into())]), Err(ChecksumError::Missing));
    let array = format!("[\"{ABC}\"]");
    for value in [Value::NULL, true.into(), 256.into(), "abc".into(), "".into(), Value::from_json(&array).unwrap()] {
        assert_eq!(announced(&[("sha256", value)]), Err(ChecksumError::Malformed), "{value}");
    }
    // Of several, the last one counts, as with every extension member.
    assert_eq!(announced(&[("sha256", "abc".into()), digits.member()]), Ok(sum));
    assert_eq!(announced(&[digits.member(), ("sha256", "abc".into())]), Err(ChecksumError::Malformed));
}

#[test]
fn content_with_another_checksum_is_a_mismatch() {
    let announced = Checksum::of(b"abc");
    assert_eq!(announced.check(b"abc"), Ok(()));
    for (other, actual) in [(&b""[..], EMPTY.parse().unwrap()), (b"abd", Checksum::of(b"abd"))] {
        assert_eq!(announced.check(other), Err(ChecksumError::Mismatch { announced, actual }));
        let mut hasher = ContentHasher::new();
        hasher.update(other);
        assert_eq!(hasher.check(announced), Err(ChecksumError::Mismatch { announced, actual }));
    }
    assert_eq!(Checksum::of(b"").to_string(), EMPTY);
}

#[test]
fn errors_say_what_is_wrong() {
    assert_eq!(ChecksumError::Missing.to_string(), "the header has no member `sha256`");
    assert_eq!(ChecksumError::Malformed.to_string(), "the sha256 is not 64 hex digits");
    assert_eq!(
        Checksum::of(b"abc").check(b"").unwrap_err().to_string(),
        format!("the content does not have its checksum: expected {ABC}, received {EMPTY}")
    );
}

#[test]
fn every_vector_has_the_verdict_that_it_says() {
    let file: serde_json::Value = serde_json::from_str(include_str!("vectors/sha256/sha256.json")).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert!(vectors.len() >= 15);
    for vector in vectors {
        let content = hex::decode(vector["content"].as_str().unwrap()).unwrap();
        let value = vector["extensions"].get("sha256").map(ToString::to_string);
        let value = value.as_deref().map(|text| match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
            Some(text) => Value::from(text),
            None => Value::from_json(text).unwrap(),
        });
        let extensions: Vec<_> = value.into_iter().map(|value| ("sha256", value)).collect();
        let header = Header::new("", "", content.len() as u64).with_extensions(&extensions);
        let verdict = match Checksum::announced(&header).and_then(|checksum| checksum.check(&content)) {
            Ok(()) => "matches",
            Err(ChecksumError::Mismatch { .. }) => "differs",
            Err(ChecksumError::Malformed) => "malformed",
            Err(ChecksumError::Missing) => "absent",
            Err(error) => panic!("{error}"),
        };
        assert_eq!(verdict, vector["verdict"], "{}", vector["name"]);
    }
}

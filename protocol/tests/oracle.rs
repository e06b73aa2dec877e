//! Compares the scanner with `serde_json`: both accept the same headers, with the same values, and refuse the same.

mod common;

use common::random::foreign_header;
use common::{decode, framed};
use jsonframe::{DecodeErrorKind, Decoder, Event};
use proptest::prelude::*;
use serde::de::{MapAccess, Visitor};
use serde_json::Value as Json;
use serde_json::value::RawValue;

/// The members of a header, as either reader finds them.
#[derive(Debug, PartialEq)]
struct Reading {
    byte_order: String,
    content_type: String,
    content_encoding: String,
    content_length: u64,
    extensions: Vec<(String, Json)>,
}

/// All members of a header in their order, duplicates included.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> serde::Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// A number beyond the range of `f64` is valid JSON, but `serde_json` has no value for it.
fn value(raw: &RawValue) -> Option<Json> {
    match serde_json::from_str(raw.get()) {
        Ok(value) => Some(value),
        Err(error) if error.to_string().starts_with("number out of range") => Some(Json::Null),
        Err(_) => None,
    }
}

/// Reads a header by `serde_json` and the rules of the specification.
fn read_by_serde_json(header: &[u8]) -> Option<Reading> {
    let text = std::str::from_utf8(header).ok()?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let members: Members = serde::Deserialize::deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;

    let mut required: [Option<&RawValue>; 4] = [None; 4];
    let mut extensions = Vec::new();
    for (name, raw) in &members.0 {
        let value = value(raw)?;
        match ["byteorder", "content-type", "content-encoding", "content-length"].iter().position(|known| known == name)
        {
            Some(index) if required[index].replace(raw).is_some() => return None,
            Some(_) => {}
            None => extensions.push((name.clone(), value)),
        }
    }
    let [byte_order, content_type, content_encoding, content_length] = required.map(|raw| raw.map(RawValue::get));
    let text = |raw: Option<&str>| serde_json::from_str::<String>(raw?).ok();
    let length = content_length?;
    Some(Reading {
        byte_order: text(byte_order).filter(|order| matches!(order.as_str(), "little" | "big"))?,
        content_type: text(content_type)?,
        content_encoding: text(content_encoding)?,
        content_length: length.parse().ok().filter(|number: &u64| number.to_string() == length)?,
        extensions,
    })
}

fn read_by_decoder(header: &[u8]) -> Result<Reading, DecodeErrorKind> {
    let mut decoder = Decoder::new(vec![0; header.len()]);
    let stream = framed(header);
    let event = decoder.decode(&mut stream.as_slice()).map_err(|error| error.kind())?;
    let Some(Event::Header(header)) = event else { panic!("{event:?}") };
    Ok(Reading {
        byte_order: header.byte_order().as_str().to_owned(),
        content_type: header.content_type().to_owned(),
        content_encoding: header.content_encoding().to_owned(),
        content_length: header.content_length(),
        extensions: header
            .extensions()
            .map(|(name, value)| {
                let raw: Box<RawValue> = serde_json::from_str(&value.to_string()).unwrap();
                (name.to_owned(), self::value(&raw).unwrap())
            })
            .collect(),
    })
}

fn compare(header: &[u8]) -> Result<(), TestCaseError> {
    let ours = read_by_decoder(header);
    let shown = String::from_utf8_lossy(header);
    match (ours, read_by_serde_json(header)) {
        (Ok(ours), theirs) => prop_assert_eq!(Some(ours), theirs, "{}", shown),
        // serde_json allows deeper nesting.
        (Err(DecodeErrorKind::TooDeep { .. }), _) => {}
        (Err(kind), theirs) => prop_assert_eq!(None, theirs, "refused as {:?}: {}", kind, shown),
    }
    Ok(())
}

/// Changes a text in one place.
fn mutate(bytes: &mut Vec<u8>, (kind, place, byte): (u8, prop::sample::Index, u8)) {
    if bytes.is_empty() {
        return;
    }
    let at = place.index(bytes.len());
    match kind {
        0 => bytes[at] = byte,
        1 => bytes.insert(at, byte),
        2 => {
            bytes.remove(at);
        }
        3 => bytes.truncate(at),
        _ => {
            let end = (at + usize::from(byte) % 24).min(bytes.len());
            let copy = bytes[at..end].to_vec();
            bytes.splice(at..at, copy);
        }
    }
}

/// Generates bytes that have a meaning in JSON, and a few that never do.
fn telling_byte() -> impl Strategy<Value = u8> {
    prop::sample::select(
        &b"{}[]:,\"\\/ \t\n\r\x00\x1F\x7F\x80\xC0\xE2\xED\xF4\xFF0123456789+-.eEaubfnrtdDlsxN\xEF\xBB\xBF"[..],
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn foreign_headers_are_read_alike((_, text) in foreign_header()) {
        prop_assert!(read_by_decoder(text.as_bytes()).is_ok());
        compare(text.as_bytes())?;
    }

    #[test]
    fn mutated_headers_are_read_alike(
        (_, text) in foreign_header(),
        mutations in prop::collection::vec((0_u8..5, any::<prop::sample::Index>(), telling_byte()), 1..4),
    ) {
        let mut header = text.into_bytes();
        for mutation in mutations {
            mutate(&mut header, mutation);
        }
        header.truncate(65_535);
        if !header.is_empty() {
            compare(&header)?;
        }
    }

    #[test]
    fn any_text_as_an_extension_is_judged_alike(
        bytes in prop::collection::vec(telling_byte(), 1..16),
    ) {
        let before = br#"{"byteorder":"big","content-type":"","content-encoding":"","content-length":0,"x":"#;
        compare(&[before, bytes.as_slice(), b"}"].concat())?;
    }
}

#[test]
fn small_scopes_are_exhausted() {
    let alphabet = b"{}[]:,\"\\u0d-.e1tn \x00\xC3";
    let before = br#"{"byteorder":"big","content-type":"","content-encoding":"","content-length":0,"x":"#;
    let mut compared = 0;
    for first in alphabet {
        for second in alphabet {
            for third in alphabet {
                for fourth in alphabet {
                    let header = [before, &[*first, *second, *third, *fourth][..], b"}"].concat();
                    let ours = decode(header.len(), [framed(&header).as_slice()]).error.is_none();
                    assert_eq!(ours, read_by_serde_json(&header).is_some(), "{}", header.escape_ascii());
                    compared += 1;
                }
            }
        }
    }
    assert_eq!(compared, alphabet.len().pow(4));
}

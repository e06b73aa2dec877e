//! The decoder against `serde_json`: it accepts a header if and only if `serde_json` and the rules of the specification
//! do, reads the same values in it, and refuses the others for their first fault and at its place.
//!
//! The input: a header.

use jsonframe::{Decoder, Event, Header, Value};

use crate::refusal;
use crate::rules::{self, Reading};

pub fn check(data: &[u8]) {
    let header = &data[..data.len().min(65_535)];
    let Ok(length) = u16::try_from(header.len()) else { return };
    if length == 0 {
        return;
    }
    let stream = [&length.to_be_bytes(), header].concat();
    let mut decoder = Decoder::new(vec![0; header.len()]);
    match (decoder.decode(&mut stream.as_slice()), rules::read(header)) {
        (Ok(Some(Event::Header(ours))), Some(theirs)) => compare(&ours, &theirs),
        (Ok(Some(Event::Header(_))), None) => panic!("accepted: {}", header.escape_ascii()),
        (Err(error), Some(_)) => panic!("{error}: {}", header.escape_ascii()),
        (Err(error), None) => {
            let at = usize::try_from(error.offset()).unwrap().checked_sub(2).expect("behind the proto-header");
            refusal::check(header, error.kind(), at);
        }
        (Ok(other), _) => panic!("{other:?}: {}", header.escape_ascii()),
    }
}

fn compare(ours: &Header<'_>, theirs: &Reading<'_>) {
    assert_eq!(ours.byte_order().as_str(), theirs.byte_order);
    assert_eq!(ours.content_type(), theirs.content_type);
    assert_eq!(ours.content_encoding(), theirs.content_encoding);
    assert_eq!(ours.content_length(), theirs.content_length);
    let mut extensions = ours.extensions();
    for (name, json) in &theirs.extensions {
        let (ours, value) = extensions.next().expect("as many extensions");
        assert_eq!(ours, name);
        compare_value(value, json);
    }
    assert_eq!(extensions.next(), None);
}

fn compare_value(ours: Value<'_>, json: &str) {
    match json.as_bytes() {
        [b'"', ..] => assert_eq!(ours.as_str(), rules::string(json).as_deref()),
        b"null" => assert!(ours.is_null()),
        b"true" | b"false" => assert_eq!(ours.as_bool(), json.parse().ok()),
        [b'-' | b'0'..=b'9', ..] => {
            let integer = json.parse::<i64>().ok().filter(|number| number.to_string() == json);
            assert_eq!(ours.as_u64(), rules::plain_integer(json), "{json}");
            assert_eq!(ours.as_i64(), integer, "{json}");
            let is_integer = integer.is_some() || ours.as_u64().is_some();
            assert_eq!(ours.as_json(), Some(json).filter(|_| !is_integer));
            assert_eq!(ours.to_string(), json, "numbers are sent as they came");
        }
        _ => assert_eq!(ours.as_json(), Some(json)),
    }
    assert_eq!(rules::outcome(ours.to_string().as_bytes()), rules::Outcome::Whole);
}

//! What a Python peer sends, and what such peers have sent.

use jsonframe::{Assembler, Decoder, Event, Growable};
use serde_json::{Value as Json, json};

use crate::DIALECTS;
use crate::common::script;
use crate::stream::decode_anyhow;

/// What the peer of the dialects makes of this input, or `None` where there is no Python.
///
/// In continuous integration a missing Python is a failure.
fn peer(arguments: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peer/dialects.py");
    script::output(&[&[path], arguments].concat(), input)
}

/// A message of the peer, as the decoder's are reported.
fn theirs(line: &str) -> Json {
    let mut message: Json = serde_json::from_str(line).unwrap();
    message["extensions"] = json!([]);
    message
}

#[test]
fn captures_of_python_are_decoded_as_python_decodes_them() {
    for (name, dialect) in DIALECTS.iter().copied() {
        let Some(capture) = peer(&["capture", name], b"") else { return };
        let decoded = String::from_utf8(peer(&["decode", name], &capture).unwrap()).unwrap();
        let (messages, error) = decode_anyhow(dialect, 65_535, &capture);
        assert_eq!(error, None, "{name}");
        assert_eq!(messages, decoded.lines().map(theirs).collect::<Vec<_>>(), "{name}");
        assert_eq!(messages.len(), 7);

        let mut assembler = Assembler::new([0; 255], Growable::with_limit(100_000)).with_dialect(dialect);
        let (mut input, mut assembled) = (capture.as_slice(), Vec::new());
        while let Some(message) = assembler.decode(&mut input).unwrap() {
            assembled.push(Json::from(hex::encode(message.content())));
        }
        assembler.finish().unwrap();
        assert_eq!(assembled, messages.iter().map(|message| message["content"].clone()).collect::<Vec<_>>());
    }
}

#[test]
fn what_is_sent_again_is_what_python_sent() {
    for (name, dialect) in DIALECTS.iter().copied() {
        let Some(capture) = peer(&["capture", name], b"") else { return };
        let mut decoder = Decoder::new([0; 255]).with_dialect(dialect);
        let (mut input, mut sent) = (capture.as_slice(), Vec::new());
        while let Some(event) = decoder.decode(&mut input).unwrap() {
            match event {
                Event::Header(header) => sent.extend_from_slice(dialect.encode(&header, &mut [0; 300]).unwrap()),
                Event::Content(piece) => sent.extend_from_slice(piece),
                Event::End => {}
            }
        }
        assert!(sent == capture, "{name}");
    }
}

#[test]
fn a_capture_in_one_dialect_is_not_one_in_another() {
    for (name, _) in DIALECTS.iter().copied() {
        let Some(capture) = peer(&["capture", name], b"") else { return };
        // A prefix may be anything.
        for (other, dialect) in DIALECTS.iter().copied().filter(|(_, dialect)| dialect.prefix().is_empty()) {
            let (messages, error) = decode_anyhow(dialect, 65_535, &capture);
            // Of a dialect that differs from another only in what may be absent, the other is a part.
            let framing = |name: &str| (crate::dialect(name).prefix().len(), crate::dialect(name).proto_header());
            if framing(name) != framing(other) {
                assert!(messages.is_empty() && error.is_some(), "{name} as {other}");
            } else if name == other {
                assert_eq!((messages.len(), error), (7, None));
            }
        }
    }
}

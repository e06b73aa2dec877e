//! What is emitted, against what Python emits: `json.dumps(header, ensure_ascii=False)`, byte for byte.

mod common;

use common::python;
use common::random::{Extension, Parts, message};
use jsonframe::ByteOrder;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value as Json, json};

/// The header as the peer's `dumps` takes it.
fn members(message: &Parts) -> Json {
    let extensions = message.extensions();
    let header = message.header(&extensions);
    let mut members = vec![
        json!(["byteorder", header.byte_order().as_str()]),
        json!(["content-type", header.content_type()]),
        json!(["content-encoding", header.content_encoding()]),
        json!(["content-length", header.content_length()]),
    ];
    for (name, value) in &extensions {
        members.push(json!([name, serde_json::from_str::<Json>(&value.to_string()).unwrap()]));
    }
    json!({ "members": members })
}

/// Headers as they are sent, without their proto-headers, and as Python makes them of the same members.
fn compare(messages: &[Parts]) {
    let input: String = messages.iter().map(|message| members(message).to_string() + "\n").collect();
    let Some(output) = python(&["dumps"], input) else { return };
    let mut compared = 0;
    for (message, theirs) in messages.iter().zip(output.lines()) {
        assert_eq!(sent_header(message), theirs, "{message:?}");
        compared += 1;
    }
    assert_eq!(compared, messages.len());
    println!("{compared} headers are emitted as Python emits them");
}

/// The header of the message as it is sent, without its proto-header, in hex.
fn sent_header(message: &Parts) -> String {
    let sent = message.encoded();
    hex::encode(&sent[2..sent.len() - message.content.len()])
}

fn with_content_type(text: String) -> Parts {
    Parts {
        byte_order: ByteOrder::Little,
        content_type: text,
        content_encoding: String::from("utf-8"),
        extensions: Vec::new(),
        content: Vec::new(),
    }
}

fn holds_float(json: &Json) -> bool {
    match json {
        Json::Array(values) => values.iter().any(holds_float),
        Json::Object(members) => members.values().any(holds_float),
        scalar => scalar.is_f64(),
    }
}

#[test]
fn random_headers_are_emitted_as_python_emits_them() {
    let mut runner = TestRunner::deterministic();
    // Python writes a floating-point number in its own way, and keeps one member of a name.
    let strategy = message().prop_map(|mut message| {
        message.extensions.retain(|(_, value)| match value {
            Extension::Json(json) => !holds_float(&serde_json::from_str(json).unwrap()),
            _ => true,
        });
        let mut seen = std::collections::HashSet::new();
        message.extensions.retain(|(name, _)| seen.insert(name.clone()));
        message
    });
    let messages: Vec<Parts> = (0..5000).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect();
    compare(&messages);
}

/// The specification leaves these two to the sender, and nothing else.
#[test]
fn but_for_spelt_numbers_and_repeated_names_headers_are_emitted_as_python_emits_them() {
    let mut runner = TestRunner::deterministic();
    let mut messages: Vec<Parts> = (0..3000).map(|_| message().new_tree(&mut runner).unwrap().current()).collect();
    let mut by_hand = with_content_type(String::from("a/b"));
    let numbers = r#"[1E+05, 1e-7, -0, -0.0, 0.10, 1e400, 12345678901234567890123, {"n": 1, "n": 2}]"#;
    by_hand.extensions = vec![
        (String::from("again"), Extension::Null),
        (String::from("numbers"), Extension::Json(numbers.into())),
        (String::from("again"), Extension::Json(String::from("1.50"))),
    ];
    let header = by_hand.encoded();
    let expected = format!(r#""content-length": 0, "again": null, "numbers": {numbers}, "again": 1.50}}"#);
    assert!(header.ends_with(expected.as_bytes()), "{}", header.escape_ascii());
    messages.push(by_hand);

    let ours: Vec<String> = messages.iter().map(sent_header).collect();
    let Some(theirs) = python(&["redump"], ours.join("\n") + "\n") else { return };
    assert_eq!(ours, theirs.lines().collect::<Vec<_>>());
}

#[test]
fn every_character_is_emitted_as_python_emits_it() {
    let everyone = || (0..=0x10_FFFF).filter_map(char::from_u32);
    let texts: Vec<String> = everyone().take(0x300).map(String::from).collect();
    let rest: Vec<char> = everyone().skip(0x300).collect();
    let texts = texts.into_iter().chain(rest.chunks(8192).map(String::from_iter));
    compare(&texts.map(with_content_type).collect::<Vec<_>>());
}

/// What MIGRATION.md says of JSON content.
#[cfg(feature = "json")]
#[test]
fn json_content_that_python_writes_and_json_does_not_allow_is_refused() {
    use jsonframe::{Header, Message, to_json};

    let read = |content: &[u8]| {
        Message::new(Header::for_json(content.len() as u64), content)
            .unwrap()
            .json::<Json>()
            .map_err(|error| error.to_string())
    };
    let refusal = |content: &[u8], reason: &str| {
        let error = read(content).unwrap_err();
        assert!(error.contains(reason), "{}: {error}", content.escape_ascii());
    };
    assert_eq!(to_json(&[f64::NAN, f64::INFINITY]).unwrap(), b"[null, null]");
    refusal(br#"{"value": "\ud800"}"#, "unexpected end of hex escape");
    let nested = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat().into_bytes();
    assert!(read(&nested(127)).is_ok());
    refusal(&nested(128), "recursion limit exceeded");
    let skipped = serde_json::from_slice::<serde::de::IgnoredAny>(&nested(500));
    assert!(skipped.is_ok());
    let long = b"123456789012345678901234567890";
    assert_eq!(read(long).unwrap().as_f64(), Some(1.234_567_890_123_456_8e29));
    assert!(Message::new(Header::for_json(30), long).unwrap().json::<u64>().is_err());

    for value in ["NaN", "Infinity", "-Infinity"] {
        let Some(output) = python(&["dumps"], format!(r#"{{"members": [["value", {value}]]}}"#)) else { return };
        let content = hex::decode(output.trim_end()).unwrap();
        assert_eq!(content, format!(r#"{{"value": {value}}}"#).as_bytes());
        refusal(&content, if value == "-Infinity" { "invalid number" } else { "expected value" });
    }
}

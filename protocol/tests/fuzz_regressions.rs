//! What the fuzz targets look for, without a fuzzer: their properties, for all inputs that are known. And what Python makes
//! of the same inputs.
#![cfg(feature = "alloc")]
#![allow(unreachable_pub, dead_code, reason = "the modules are those of the fuzz targets")]

mod common;
#[path = "../../fuzz/src/decode.rs"]
mod decode;
#[path = "../../fuzz/src/differential.rs"]
mod differential;
#[path = "../../fuzz/src/input.rs"]
mod input;
#[path = "../../fuzz/src/log.rs"]
mod log;
#[path = "../../fuzz/src/refusal.rs"]
mod refusal;
#[path = "../../fuzz/src/replay.rs"]
mod replay;
#[path = "../../fuzz/src/roundtrip.rs"]
mod roundtrip;
#[path = "../../fuzz/src/rules.rs"]
mod rules;
#[path = "../../fuzz/src/seeds.rs"]
mod seeds;
#[path = "../../fuzz/src/spelling.rs"]
mod spelling;
#[path = "../../fuzz/src/split.rs"]
mod split;

use std::fs;
use std::path::Path;

use common::python;
use input::Input;
use jsonframe::{DecodeError, DecodeErrorKind, Decoder, Event, Header};
use log::Limits;
use replay::{inputs, replay};
use serde_json::{Value as Json, json};

const PACKAGE: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn decoding() {
    assert!(replay("decode", PACKAGE, decode::check) > 1500);
}

#[test]
fn splitting() {
    assert!(replay("split", PACKAGE, split::check) > 1500);
}

#[test]
fn difference_from_serde_json() {
    assert!(replay("differential", PACKAGE, differential::check) > 1000);
}

#[test]
fn round_trips() {
    assert!(replay("roundtrip", PACKAGE, roundtrip::check) > 100);
}

/// What is sent is read by Python's `json` as it is by `serde_json`.
#[test]
fn python_reads_what_is_sent() {
    let headers: Vec<String> =
        inputs("roundtrip", PACKAGE).iter().flat_map(|(_, bytes)| roundtrip::headers(bytes)).collect();
    let input = headers.iter().map(|header| hex::encode(header) + "\n").collect();
    let Some(output) = python(&["loads"], input) else { return };
    assert_eq!(output.lines().count(), headers.len());
    let mut compared = 0;
    for (header, theirs) in headers.iter().zip(output.lines()) {
        // Numbers beyond floating point are infinite in Python, which is not JSON, and errors in serde_json.
        if let (Ok(theirs), Ok(ours)) = (serde_json::from_str(theirs), serde_json::from_str(header)) {
            assert!(same(&ours, &theirs), "{header}\n{theirs}");
            compared += 1;
        }
    }
    println!("{compared} of {} headers mean the same to Python and to serde_json", headers.len());
    assert!(compared * 10 > headers.len() * 8);
}

/// The same values; numbers within the precision of their printing.
fn same(ours: &Json, theirs: &Json) -> bool {
    match (ours, theirs) {
        (Json::Number(ours), Json::Number(theirs)) => {
            let (left, right) = (ours.as_f64().unwrap(), theirs.as_f64().unwrap());
            (left - right).abs() <= left.abs() * 1e-15
        }
        (Json::Array(ours), Json::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| same(ours, theirs))
        }
        (Json::Object(ours), Json::Object(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().all(|(name, ours)| theirs.get(name).is_some_and(|theirs| same(ours, theirs)))
        }
        _ => ours == theirs,
    }
}

/// The decoder in Python, which is written from the specification alone, reports the same events, faults and offsets.
#[test]
fn python_reports_what_the_decoder_reports() {
    let streams: Vec<_> = inputs("decode", PACKAGE).into_iter().filter(|(name, _)| name.contains(".txt")).collect();
    // Python cuts each at every place, which takes a while.
    let step = if cfg!(debug_assertions) { streams.len().div_ceil(150).max(1) } else { 1 };
    let vectors: Vec<String> = streams.iter().step_by(step).map(|(name, bytes)| vector(name, bytes)).collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz-vectors");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("kept.json"), format!("{{\"vectors\": [{}]}}", vectors.join(",\n"))).unwrap();
    let Some(output) = python(&["vectors", folder.to_str().unwrap()], String::new()) else { return };
    print!("of {} streams kept from fuzzing: {output}", streams.len());
}

/// A stream and what the decoder reports of it, in the form of SPEC appendix B.
fn vector(name: &str, data: &[u8]) -> String {
    let mut input = Input::new(data);
    let limits = Limits { header_capacity: input.word().into(), content: input.content_limit() };
    let stream = input.rest();
    format!(
        "{{\"name\": {}, \"bytes\": \"{}\", \"header_capacity\": {}, \"content_limit\": {}, \"events\": [{}]}}",
        json!(name),
        hex::encode(stream),
        limits.header_capacity,
        limits.content,
        events(limits, stream).join(", ")
    )
}

fn events(limits: Limits, stream: &[u8]) -> Vec<String> {
    let mut decoder = Decoder::new(vec![0; limits.header_capacity]);
    let (mut events, mut input, mut content) = (Vec::new(), stream, Vec::new());
    let mut decode = || -> Result<(), DecodeError> {
        let mut start = 0;
        while let Some(event) = decoder.decode(&mut input)? {
            match event {
                Event::Header(header) => {
                    let event = header_event(&header);
                    let length = decoder.position() - start - 2;
                    events.push(format!("{{\"offset\": {start}, \"header_length\": {length}, {event}}}"));
                    decoder.limit_content(limits.content)?;
                }
                Event::Content(piece) => content.extend_from_slice(piece),
                Event::End => {
                    start = decoder.position();
                    let (offset, hex) = (start - content.len() as u64, hex::encode(&content[..content.len().min(64)]));
                    let length = content.len();
                    events
                        .push(json!({"event": "content", "offset": offset, "length": length, "hex": hex}).to_string());
                    events.push(json!({"event": "end", "offset": start}).to_string());
                    content.clear();
                }
            }
        }
        decoder.finish()
    };
    let outcome = decode();
    events.extend(outcome.err().map(fault_event));
    events
}

/// The part of the event that is the header's. The values of extensions stand there as they are, of whatever size.
fn header_event(header: &Header<'_>) -> String {
    let extensions: Vec<String> =
        header.extensions().map(|(name, value)| format!("{}: {value}", Json::from(name))).collect();
    format!(
        "\"event\": \"header\", \"byteorder\": \"{}\", \"content_type\": {}, \"content_encoding\": {}, \
         \"content_length\": {}, \"extensions\": {{{}}}",
        header.byte_order().as_str(),
        json!(header.content_type()),
        json!(header.content_encoding()),
        header.content_length(),
        extensions.join(", ")
    )
}

fn fault_event(error: DecodeError) -> String {
    let (kind, offset) = (error.kind(), error.offset());
    let mut event = json!({"event": "error", "kind": kind.name(), "offset": offset});
    if let Some(member) = kind.member() {
        event["member"] = member.as_str().into();
    }
    match kind {
        DecodeErrorKind::Truncated { missing } => {
            return json!({"event": "truncated", "offset": offset, "missing": missing}).to_string();
        }
        DecodeErrorKind::HeaderTooLong { length, capacity } => {
            (event["length"], event["capacity"]) = (length.into(), capacity.into());
        }
        DecodeErrorKind::ContentTooLong { length, limit } => {
            (event["length"], event["limit"]) = (length.into(), limit.into());
        }
        DecodeErrorKind::TooDeep { limit } => event["limit"] = limit.into(),
        _ => {}
    }
    event.to_string()
}

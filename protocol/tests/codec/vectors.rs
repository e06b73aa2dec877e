//! The test vectors: at every cut, the codec returns what an assembler returns.

use std::path::Path;

use jsonframe::{Assembler, Codec, CodecError, DecodeError, Growable};
use serde_json::Value as Json;

use crate::pieces::receive;

struct Vector {
    name: String,
    bytes: Vec<u8>,
    header_capacity: u16,
    content_limit: usize,
}

fn vectors() -> Vec<Vector> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| path.extension().is_some_and(|ending| ending == "json"));
    let files = paths.map(|path| serde_json::from_str::<Json>(&std::fs::read_to_string(path).unwrap()).unwrap());
    files
        .flat_map(|file| file["vectors"].as_array().unwrap().clone())
        .map(|vector| Vector {
            name: vector["name"].as_str().unwrap().to_owned(),
            bytes: hex::decode(vector["bytes"].as_str().unwrap()).unwrap(),
            header_capacity: vector["header_capacity"].as_u64().map_or(u16::MAX, |length| length.try_into().unwrap()),
            content_limit: vector["content_limit"].as_u64().map_or(usize::MAX, |length| length.try_into().unwrap()),
        })
        .collect()
}

type Outcome = (Vec<(String, Vec<u8>)>, Option<DecodeError>);

/// Decodes the stream with an assembler.
fn assembled(vector: &Vector, stream: &[u8]) -> Outcome {
    let buffer = vec![0; vector.header_capacity.into()];
    let mut assembler = Assembler::new(buffer, Growable::with_limit(vector.content_limit));
    let mut messages = Vec::new();
    let mut input = stream;
    loop {
        match assembler.decode(&mut input) {
            Ok(Some(message)) => messages.push((message.header().to_string(), message.content().to_vec())),
            Ok(None) => return (messages, assembler.finish().err()),
            Err(error) => return (messages, Some(error)),
        }
    }
}

/// Decodes the stream, in pieces, with the codec.
fn framed(vector: &Vector, pieces: &[&[u8]]) -> Outcome {
    let codec = Codec::new().with_max_header(vector.header_capacity).with_max_content(vector.content_limit as u64);
    let (messages, error) = receive(codec, pieces.iter().copied());
    let messages = messages.into_iter().map(|message| (message.header().to_string(), message.content().to_vec()));
    let error = error.map(|error| match error {
        CodecError::Decode(error) => error,
        other => panic!("{other}"),
    });
    (messages.collect(), error)
}

#[test]
fn every_vector_in_every_cutting_is_as_assembled() {
    let vectors = vectors();
    assert!(vectors.len() >= 150, "only {} vectors", vectors.len());
    let (mut messages, mut errors) = (0, 0);
    for vector in &vectors {
        let bytes = vector.bytes.as_slice();
        let expected = assembled(vector, bytes);
        messages += expected.0.len();
        errors += usize::from(expected.1.is_some());
        assert_eq!(framed(vector, &[bytes]), expected, "{}, whole", vector.name);
        let bytewise: Vec<_> = bytes.chunks(1).collect();
        assert_eq!(framed(vector, &bytewise), expected, "{}, one byte at a time", vector.name);
        // Without optimisation, a long header is cut at some fifty places only.
        let step = if cfg!(debug_assertions) && bytes.len() >= 1000 { bytes.len() / 50 } else { 1 };
        for at in (0..=bytes.len()).step_by(step) {
            let (left, right) = bytes.split_at(at);
            assert_eq!(framed(vector, &[left, right]), expected, "{}, cut at {at}", vector.name);
        }
    }
    assert!(messages > 50 && errors > 50, "{messages} messages, {errors} errors");
}

#[test]
fn every_vector_that_ends_early_is_as_assembled() {
    for vector in &vectors() {
        let step = if vector.bytes.len() >= 1000 { vector.bytes.len() / 50 } else { 1 };
        for end in (0..vector.bytes.len()).step_by(step) {
            let stream = &vector.bytes[..end];
            assert_eq!(framed(vector, &[stream]), assembled(vector, stream), "{}, to {end}", vector.name);
        }
    }
}

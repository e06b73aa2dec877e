//! The test vectors: streams, each whole, one byte at a time and cut in two everywhere; and messages to be sent.

mod common;
#[allow(dead_code, unreachable_pub, reason = "shared with the demos")]
#[path = "../../demos/cli/src/dialect/name.rs"]
mod name;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jsonframe::{
    ByteOrder, DecodeError, DecodeErrorKind, Decoder, Dialect, EncodeError, Event, Header, Message, Value,
};
use name::DialectName;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

#[derive(Deserialize)]
struct File {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    #[serde(default = "standard")]
    dialect: String,
    bytes: String,
    #[serde(default = "any_header")]
    header_capacity: usize,
    content_limit: Option<u64>,
    #[serde(default)]
    canonical: bool,
    events: Vec<Json>,
}

fn standard() -> String {
    "standard".into()
}

/// Returns the dialect of this name: SPEC, Appendix C.6.
fn dialect(name: &str) -> &'static Dialect {
    name.parse::<DialectName>().unwrap().leak()
}

fn any_header() -> usize {
    65_535
}

impl Vector {
    fn bytes(&self) -> Vec<u8> {
        hex::decode(&self.bytes).unwrap()
    }
}

fn vectors() -> Vec<Vector> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let folders = [folder.join("dialects"), folder];
    let entries = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let files: BTreeSet<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    files
        .iter()
        .flat_map(|path| serde_json::from_str::<File>(&std::fs::read_to_string(path).unwrap()).unwrap().vectors)
        .collect()
}

/// Collects the events of a stream as the vectors write them.
struct Observer {
    decoder: Decoder<Vec<u8>>,
    /// How many bytes come before a header.
    before_header: u64,
    content_limit: u64,
    events: Vec<Json>,
    /// The offset at which the current message began.
    start: u64,
    content: Vec<u8>,
}

impl Observer {
    fn observe(vector: &Vector, pieces: &[&[u8]]) -> Vec<Json> {
        let dialect = dialect(&vector.dialect);
        let mut observer = Self {
            decoder: Decoder::new(vec![0; dialect.prefix().len() + vector.header_capacity]).with_dialect(dialect),
            before_header: dialect.prefix().len() as u64 + u64::from(dialect.proto_header().len()),
            content_limit: vector.content_limit.unwrap_or(u64::MAX),
            events: Vec::new(),
            start: 0,
            content: Vec::new(),
        };
        let outcome = pieces.iter().try_for_each(|piece| observer.decode(piece));
        if let Err(error) = outcome.and_then(|()| observer.decoder.finish()) {
            observer.events.push(fault(error));
        }
        observer.events
    }

    fn decode(&mut self, mut input: &[u8]) -> Result<(), DecodeError> {
        while let Some(event) = self.decoder.decode(&mut input)? {
            match event {
                Event::Header(header) => {
                    let event = header_event(&header, self.start);
                    self.events.push(event);
                    // The header's length is the distance to where the content begins.
                    let length = self.decoder.position() - self.start - self.before_header;
                    self.events.last_mut().unwrap()["header_length"] = length.into();
                    self.decoder.limit_content(self.content_limit)?;
                }
                Event::Content(piece) => self.content.extend_from_slice(piece),
                Event::End => {
                    let end = self.decoder.position();
                    let content = std::mem::take(&mut self.content);
                    let hex = hex::encode(&content[..content.len().min(64)]);
                    let offset = end - content.len() as u64;
                    self.events
                        .push(json!({"event": "content", "offset": offset, "length": content.len(), "hex": hex}));
                    self.events.push(json!({"event": "end", "offset": end}));
                    self.start = end;
                }
            }
        }
        Ok(())
    }
}

fn header_event(header: &Header<'_>, offset: u64) -> Json {
    // The last value of a name counts. serde_json may be unable to read the others.
    let last: BTreeMap<&str, Value<'_>> = header.extensions().collect();
    let extensions: Map<String, Json> = last
        .iter()
        .map(|(name, value)| {
            assert_eq!(header.extension(name), Some(*value));
            ((*name).to_owned(), serde_json::from_str(&value.to_string()).unwrap())
        })
        .collect();
    let mut event = json!({
        "event": "header",
        "offset": offset,
        "header_length": null,
        "byteorder": header.byte_order().as_str(),
        "content_type": header.content_type(),
        "content_encoding": header.content_encoding(),
        "content_length": header.content_length(),
        "extensions": extensions,
    });
    if !header.prefix().is_empty() {
        event["prefix"] = hex::encode(header.prefix()).into();
    }
    event
}

fn fault(error: DecodeError) -> Json {
    let kind = error.kind();
    let offset = error.offset();
    if let DecodeErrorKind::Truncated { missing } = kind {
        return json!({"event": "truncated", "offset": offset, "missing": missing});
    }
    let mut event = json!({"event": "error", "kind": kind.name(), "offset": offset});
    if let Some(member) = kind.member() {
        event["member"] = member.as_str().into();
    }
    match kind {
        DecodeErrorKind::HeaderTooLong { length, capacity } => {
            event["length"] = length.into();
            event["capacity"] = capacity.into();
        }
        DecodeErrorKind::ContentTooLong { length, limit } => {
            event["length"] = length.into();
            event["limit"] = limit.into();
        }
        DecodeErrorKind::TooDeep { limit } => event["limit"] = limit.into(),
        _ => {}
    }
    event
}

#[test]
fn every_vector_in_every_cutting() {
    let vectors = vectors();
    assert!(vectors.len() >= 150, "only {} vectors", vectors.len());
    for vector in &vectors {
        let bytes = vector.bytes();
        let check = |pieces: &[&[u8]], cutting: &str| {
            assert_eq!(Observer::observe(vector, pieces), vector.events, "{}, {cutting}", vector.name);
        };
        check(&[&bytes], "whole");
        check(&bytes.chunks(1).collect::<Vec<_>>(), "one byte at a time");
        // Without optimisation, a long header is cut at some five hundred places only.
        let step = if cfg!(debug_assertions) && bytes.len() >= 4000 { bytes.len() / 500 } else { 1 };
        for at in (0..=bytes.len()).step_by(step) {
            let (left, right) = bytes.split_at(at);
            check(&[left, right], &format!("cut at {at}"));
        }
    }
    println!("{} vectors", vectors.len());
}

#[test]
fn names_are_unique() {
    let vectors = vectors();
    let names: BTreeSet<&str> = vectors.iter().map(|vector| vector.name.as_str()).collect();
    assert_eq!(names.len(), vectors.len());
}

#[test]
fn canonical_messages_encode_to_the_same_bytes() {
    let mut encoded = 0;
    for vector in vectors().iter().filter(|vector| vector.canonical) {
        let bytes = vector.bytes();
        let mut decoder = Decoder::new(vec![0; vector.header_capacity]);
        let (mut input, mut again) = (bytes.as_slice(), Vec::new());
        while let Some(event) = decoder.decode(&mut input).unwrap() {
            match event {
                Event::Header(header) => {
                    let mut head = vec![0; header.encoded_len()];
                    header.encode(&mut head).unwrap();
                    again.extend(head);
                }
                Event::Content(piece) => again.extend_from_slice(piece),
                Event::End => {}
            }
        }
        assert_eq!(again, bytes, "{}", vector.name);
        encoded += 1;
    }
    assert!(encoded > 0);
}

#[test]
fn every_dialect_has_vectors() {
    let vectors = vectors();
    let dialects: BTreeSet<&str> = vectors.iter().map(|vector| vector.dialect.as_str()).collect();
    assert!(dialects.len() > 10, "{dialects:?}");
}

/// A message to be sent, with its bytes or the reason why it is refused.
#[derive(Deserialize)]
struct ToSend {
    name: String,
    #[serde(default = "standard")]
    dialect: String,
    #[serde(default)]
    prefix: String,
    byteorder: String,
    content_type: String,
    content_encoding: String,
    content: String,
    content_length: u64,
    extensions: Vec<(String, String)>,
    bytes: Option<String>,
    refused: Option<String>,
}

impl ToSend {
    fn send(&self) -> Result<Vec<u8>, &'static str> {
        let value = |text| match serde_json::from_str::<Json>(text) {
            Ok(Json::String(_)) => Ok(Value::from(&text[1..text.len() - 1])),
            // Not JSON, nested too deeply, or with half of a surrogate pair.
            _ => Value::from_json(text).map_err(|_| "not-json"),
        };
        let members = self.extensions.iter().map(|(name, text)| Ok::<_, &str>((name.as_str(), value(text)?)));
        let extensions = members.collect::<Result<Vec<_>, &str>>()?;
        let byte_order = if self.byteorder == "big" { ByteOrder::Big } else { ByteOrder::Little };
        let prefix = hex::decode(&self.prefix).unwrap();
        let header = Header::new(&self.content_type, &self.content_encoding, self.content_length)
            .with_byte_order(byte_order)
            .with_prefix(&prefix)
            .with_extensions(&extensions);
        let refused = |error| match error {
            EncodeError::ReservedName { .. } => "reserved-name",
            EncodeError::HeaderTooLong { .. } => "header-too-long",
            EncodeError::LengthMismatch { .. } => "length-mismatch",
            EncodeError::PrefixMismatch { .. } => "prefix-mismatch",
            error => panic!("{}: {error}", self.name),
        };
        let content = hex::decode(&self.content).unwrap();
        Message::new(header, &content).map_err(refused)?;
        let mut buffer = vec![0; 70_000];
        let head = dialect(&self.dialect).encode(&header, &mut buffer).map_err(refused)?;
        Ok([head, &content].concat())
    }
}

#[test]
fn messages_are_sent_as_the_vectors_say_or_not_at_all() {
    #[derive(Deserialize)]
    struct File {
        vectors: Vec<ToSend>,
    }
    let file: File = serde_json::from_str(include_str!("vectors/sending/refused.json")).unwrap();
    assert!(file.vectors.len() >= 20);
    for vector in file.vectors {
        let sent = vector.send().map(hex::encode);
        assert_eq!(
            (sent.clone().ok(), sent.err().map(String::from)),
            (vector.bytes, vector.refused),
            "{}",
            vector.name
        );
    }
}

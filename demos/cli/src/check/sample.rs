//! The good message that all others are made of.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use jsonframe::{Assembler, Growable, Header, Message};

use super::rule::Body;

/// The longest message of a file, in bytes.
const LONGEST: u64 = 16 << 20;

/// The longest header of a message, in bytes: rules add up to 41,000 to it.
const LONGEST_HEAD: usize = 16 << 10;

/// How binary content is described, as by the clients of the tutorial.
const BINARY: &str = r#""content-type": "binary/custom-client-binary-type", "content-encoding": "binary""#;

/// A message that the program under test understands.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    wire: Vec<u8>,
    content: Vec<u8>,
    /// The names of the required members and their values, in JSON, in the order of a sender.
    required: [(&'static str, String); 4],
    /// The other members, each after a comma.
    others: String,
}

impl Sample {
    /// A message with this JSON content.
    pub(super) fn json(text: &str) -> Result<Self, String> {
        serde_json::from_str::<serde::de::IgnoredAny>(text)
            .map_err(|error| format!("{text:?} is not JSON: {error}"))?;
        let content = text.as_bytes();
        let message =
            Message::new(Header::for_json(content.len() as u64), content).and_then(|message| message.to_vec());
        Self::new(message.map_err(|error| error.to_string())?)
    }

    /// The message in a file.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let named = |error: String| format!("{}: {error}", path.display());
        let mut wire = Vec::new();
        let read = File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut wire));
        read.map_err(|error| named(error.to_string()))?;
        if wire.len() as u64 > LONGEST {
            return Err(named(format!("more than {LONGEST} bytes")));
        }
        Self::new(wire).map_err(named)
    }

    fn new(wire: Vec<u8>) -> Result<Self, String> {
        let mut assembler = Assembler::new([0; Header::MAX_LEN], Growable::with_limit(wire.len()));
        let mut input = wire.as_slice();
        let decoded = assembler.decode(&mut input).map_err(|error| format!("not a message: {error}"))?;
        let message = decoded.ok_or("the message is not whole")?;
        if !input.is_empty() {
            return Err(format!("{} bytes after the message", input.len()));
        }
        let header = message.header();
        let required = [
            ("byteorder", in_json(header.byte_order().as_str())),
            ("content-type", in_json(header.content_type())),
            ("content-encoding", in_json(header.content_encoding())),
            ("content-length", header.content_length().to_string()),
        ];
        // In the form of a sender, the other members come last.
        let again = message.to_vec().map_err(|error| error.to_string())?;
        if again.len() - message.content().len() > LONGEST_HEAD {
            return Err(format!(
                "a header of more than {LONGEST_HEAD} bytes leaves no space for what is to be added to it"
            ));
        }
        let header = String::from_utf8_lossy(&again[2..again.len() - message.content().len() - 1]).into_owned();
        let first = format!("{{{}", joined(&required, None));
        let others = header.strip_prefix(&first).ok_or("the message has no form of a sender")?.to_owned();
        Ok(Self { content: message.content().to_vec(), required, others, wire })
    }

    /// The good message, as it was given.
    pub(super) fn good(&self) -> &[u8] {
        &self.wire
    }

    pub(super) fn content(&self) -> &[u8] {
        &self.content
    }

    /// How long its header is, with the proto-header.
    pub(super) fn head(&self) -> usize {
        self.wire.len() - self.content.len()
    }

    /// The members of its header, without this one.
    pub(super) fn members(&self, without: Option<&str>) -> String {
        joined(&self.required, without) + &self.others
    }

    /// The members of its header besides the required ones, each after a comma.
    pub(super) fn others(&self) -> &str {
        &self.others
    }

    /// The value of a required member, in JSON.
    pub(super) fn value(&self, name: &str) -> &str {
        self.required.iter().find(|(member, _)| *member == name).map_or("", |(_, value)| value)
    }

    /// A message in which `content-length` is spelt so, or left out if it is not spelt at all.
    pub(super) fn with_length(&self, spelling: &[u8], body: Body) -> Vec<u8> {
        let before = match body {
            Body::Sample | Body::Nothing => format!("{{{}", self.members(Some("content-length"))),
            Body::Binary | Body::First(_) => format!("{{\"byteorder\": {}, {BINARY}", self.value("byteorder")),
        };
        let name: &[u8] = if spelling.is_empty() { b"" } else { b", \"content-length\": " };
        message(&[before.as_bytes(), name, spelling, b"}"].concat(), self.body(body))
    }

    /// The content that goes with it.
    pub(super) fn body(&self, body: Body) -> &[u8] {
        match body {
            Body::Sample | Body::Binary => &self.content,
            Body::Nothing => &[],
            Body::First(count) => &self.content[..count.min(self.content.len())],
        }
    }

    /// The same content in a message of binary content.
    pub(super) fn binary(&self) -> Vec<u8> {
        self.with_length(self.value("content-length").as_bytes(), Body::Binary)
    }
}

/// A message with this header and content, whatever they are.
pub(super) fn message(header: &[u8], content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(header.len()).unwrap_or_else(|_| unreachable!("no rule has a longer header"));
    [&length.to_be_bytes()[..], header, content].concat()
}

fn joined(required: &[(&str, String)], without: Option<&str>) -> String {
    let required = required.iter().filter(|(name, _)| Some(*name) != without);
    let members: Vec<_> = required.map(|(name, value)| format!("\"{name}\": {value}")).collect();
    members.join(", ")
}

fn in_json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

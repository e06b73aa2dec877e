//! What is compared with what.

use std::io;

use serde_json::{Map, Value};

use crate::contest::Contest;
use crate::headers::{ANY_ORDER, OTHER_TEXTS, SEED, with_extensions};
use crate::ours;
use crate::peers::shape::Wire;
use crate::peers::{
    http, length_delimited, look_only, lsp, postcard, python, serde_json as json, serde_json_core, sonic_rs,
};
use crate::streams::{self, CONTENT, Message, equal, mixed, varied};
use crate::work::Side;

// A run takes long enough to be timed, and so short that it is mostly over before the system gives the processor to
// another program.

/// Golden headers in a run.
const HEADERS: u32 = 2000;
/// Longer headers in a run.
const LONG_HEADERS: u32 = 250;
/// Messages in a run.
const MESSAGES: u32 = 1024;
/// Messages in a run of Python.
const PYTHON_MESSAGES: u32 = 256;
/// Messages in a run of the slowest peer.
const FEW_MESSAGES: u32 = 32;
/// Chunks of 64 KiB in 1 GiB.
const CHUNKS_OF_GIB: u32 = 16 * 1024;
/// Chunks of 64 KiB that are read byte for byte.
const CHUNKS_READ: u32 = 16;

/// A figure: its name, what it is about, and how it is measured.
pub struct Figure {
    /// The name: what, and against whom.
    pub name: &'static str,
    /// What is done, and what the peer does, in one sentence.
    pub what: &'static str,
    /// What the nanoseconds are counted by.
    pub per: &'static str,
    /// What the project wants to reach, if this is one of its aims.
    pub aim: Option<Aim>,
    /// Makes both sides ready.
    pub contest: fn() -> io::Result<Contest>,
}

/// What a figure is to reach.
#[derive(Clone, Copy, Debug)]
pub enum Aim {
    /// A ratio of at least this.
    Ratio(f64),
    /// A ratio of at least this, or fewer nanoseconds than that.
    RatioOrNs(f64, f64),
}

/// All figures, those with an aim first.
pub const FIGURES: &[Figure] = &[
    Figure {
        name: "decode/serde_json",
        what: "the golden request's header, by a new decoder each time, against serde_json into a struct that borrows",
        per: "header",
        aim: Some(Aim::Ratio(7.0)),
        contest: || contest(HEADERS, golden_header(), json::IntoBorrowed(golden_wire())),
    },
    Figure {
        name: "decode/httparse",
        what: "the same, against the head of an HTTP/1.1 request with the same four fields, all read",
        per: "header",
        aim: Some(Aim::Ratio(3.0)),
        contest: || contest(HEADERS, golden_header(), http::Heads { repetitions: HEADERS.into() }),
    },
    Figure {
        name: "decode-any-order/serde_json",
        what: "members in another order, indented, with three escapes, against serde_json into a struct of `Cow<str>`",
        per: "header",
        aim: Some(Aim::Ratio(3.0)),
        contest: || contest(LONG_HEADERS, any_order(), json::IntoEscaped(any_order_wire())),
    },
    Figure {
        name: "stream-equal/length-delimited",
        what: "messages of 144 bytes with equal headers, all getters read, against frames of as many bytes by a codec that \
               looks at nothing but the length",
        per: "message",
        aim: Some(Aim::Ratio(1.0)),
        contest: || contest(MESSAGES, stream(equal), length_delimited::FrameOnly::new(&equal(MESSAGES as usize))),
    },
    Figure {
        name: "stream-varied/length-delimited",
        what: "the same with 0 to 255 bytes of content at random, so that the headers differ in their digits",
        per: "message",
        aim: Some(Aim::Ratio(0.7)),
        contest: || contest(MESSAGES, stream(varied), length_delimited::FrameOnly::new(&varied(MESSAGES as usize))),
    },
    Figure {
        name: "stream-equal/length-delimited+serde_json",
        what: "messages of 144 bytes with equal headers, against the codec for the header, serde_json into a struct that \
               borrows, and the content split off, on the same bytes",
        per: "message",
        aim: Some(Aim::Ratio(8.0)),
        contest: || contest(MESSAGES, stream(equal), length_delimited::FrameAndParse::new(bytes(equal, MESSAGES))),
    },
    Figure {
        name: "encode/serde_json",
        what: "the golden request's proto-header and header into a buffer that is used again, against serde_json's \
               `to_writer` of the same members without white space",
        per: "header",
        aim: Some(Aim::Ratio(5.0)),
        contest: || contest(HEADERS, ours::Encode::new(HEADERS.into()), json::Encode::compact(HEADERS.into())),
    },
    Figure {
        name: "content-1GiB/look-only",
        what: "1 GiB of content in chunks of 64 KiB in one buffer, against a loop without a decoder; both look at the \
               length, the first byte and the last byte of each chunk",
        per: "chunk",
        aim: Some(Aim::RatioOrNs(0.95, 50.0)),
        contest: || {
            let count = u64::from(CHUNKS_OF_GIB);
            contest(CHUNKS_OF_GIB, ours::Chunks::new(count), look_only::Look::new(count))
        },
    },
    Figure {
        name: "stream-equal/python",
        what: "messages of 144 bytes with equal headers, against Python's struct and json on the same bytes, timed inside \
               Python",
        per: "message",
        aim: Some(Aim::Ratio(200.0)),
        contest: || {
            let stream = bytes(equal, PYTHON_MESSAGES);
            let peer = python::Python::new(&stream)?;
            contest(PYTHON_MESSAGES, ours::Stream::new(stream), peer)
        },
    },
    Figure {
        name: "codec-equal/length-delimited",
        what: "messages of 144 bytes with equal headers out of tokio-util's buffer, each with a header of its own, against \
               frames of as many bytes by a codec that looks at nothing but the length",
        per: "message",
        aim: Some(Aim::Ratio(0.9)),
        contest: || {
            let theirs = length_delimited::FrameOnly::new(&equal(MESSAGES as usize));
            contest(MESSAGES, ours::Messages::new(bytes(equal, MESSAGES)), theirs)
        },
    },
    Figure {
        name: "decode-other-texts/serde_json",
        what: "a header in the emitted form whose type and encoding are not known beforehand, by a new decoder each time, \
               against serde_json into a struct that borrows",
        per: "header",
        aim: None,
        contest: || {
            let ours = ours::Headers::new(OTHER_TEXTS, HEADERS.into());
            contest(HEADERS, ours, json::IntoBorrowed(Wire::new(OTHER_TEXTS, HEADERS.into())))
        },
    },
    Figure {
        name: "encode-other-texts/serde_json",
        what: "the same header into a buffer that is used again, against serde_json's `to_writer` of the same members \
               without white space",
        per: "header",
        aim: None,
        contest: || {
            let peer = json::Encode::compact(HEADERS.into()).other_texts();
            contest(HEADERS, ours::Encode::other_texts(HEADERS.into()), peer)
        },
    },
    Figure {
        name: "decode/serde_json-value",
        what: "the golden request's header, by a new decoder each time, against serde_json into a `Value`, the four \
               members looked up",
        per: "header",
        aim: None,
        contest: || contest(HEADERS, golden_header(), json::IntoValue::new(golden_wire())),
    },
    Figure {
        name: "decode/serde-json-core",
        what: "the same, against serde-json-core into a struct that borrows",
        per: "header",
        aim: None,
        contest: || contest(HEADERS, golden_header(), serde_json_core::IntoBorrowed(golden_wire())),
    },
    Figure {
        name: "decode/sonic-rs",
        what: "the same, against sonic-rs into a struct that borrows",
        per: "header",
        aim: None,
        contest: || contest(HEADERS, golden_header(), sonic_rs::IntoBorrowed(golden_wire())),
    },
    Figure {
        name: "decode-any-order/sonic-rs",
        what: "members in another order, indented, with three escapes, against sonic-rs into a struct of `Cow<str>`",
        per: "header",
        aim: None,
        contest: || contest(LONG_HEADERS, any_order(), sonic_rs::IntoEscaped(any_order_wire())),
    },
    Figure {
        name: "decode-extensions/serde_json",
        what: "a header of 1 KiB with 20 extensions, of which both sides read none, against serde_json into a struct that \
               borrows",
        per: "header",
        aim: None,
        contest: || contest(LONG_HEADERS, extended(), json::IntoBorrowed(extended_wire())),
    },
    Figure {
        name: "decode-extensions/sonic-rs",
        what: "the same, against sonic-rs",
        per: "header",
        aim: None,
        contest: || contest(LONG_HEADERS, extended(), sonic_rs::IntoBorrowed(extended_wire())),
    },
    Figure {
        name: "decode-extensions-read/serde_json-value",
        what: "the same header, all extensions read, against serde_json into a `Value`, all extensions looked up",
        per: "header",
        aim: None,
        contest: || {
            let peer = json::IntoValue::new(extended_wire()).and_extensions(extension_names());
            contest(LONG_HEADERS, extended().and_extensions(), peer)
        },
    },
    Figure {
        name: "stream-varied/length-delimited+serde_json",
        what: "0 to 255 bytes of content at random, against the codec, serde_json into a struct that borrows, and the \
               content split off, on the same bytes",
        per: "message",
        aim: None,
        contest: || contest(MESSAGES, stream(varied), length_delimited::FrameAndParse::new(bytes(varied, MESSAGES))),
    },
    Figure {
        name: "stream-mixed/length-delimited",
        what: "three kinds of header and 0 to 255 bytes of content at random, so that hardly a header is like the one \
               before, against a codec that looks at nothing but the length",
        per: "message",
        aim: None,
        contest: || contest(MESSAGES, stream(mixed), length_delimited::FrameOnly::new(&mixed(MESSAGES as usize))),
    },
    Figure {
        name: "stream-equal/postcard-cobs",
        what: "messages of 144 bytes with equal headers, against postcard's accumulator on the same values and content in \
               a binary form of half the length",
        per: "message",
        aim: None,
        contest: || contest(MESSAGES, stream(equal), postcard::Stream::new(CONTENT, MESSAGES as usize)),
    },
    Figure {
        name: "stream-equal/lsp-server",
        what: "messages with equal headers, the content read into lsp-server's type by serde_json on both sides, against \
               lsp-server's framing by `Content-Length`",
        per: "message",
        aim: None,
        contest: || contest(MESSAGES, lsp::Ours::new(MESSAGES as usize), lsp::Theirs::new(MESSAGES as usize)),
    },
    Figure {
        name: "stream-equal/python-peer",
        what: "messages of 144 bytes with equal headers, against the reference peer of the tests, which checks as much as \
               we do and is written for clarity",
        per: "message",
        aim: None,
        contest: || {
            let stream = bytes(equal, FEW_MESSAGES);
            let peer = python::Python::reference_peer(&stream)?;
            contest(FEW_MESSAGES, ours::Stream::new(stream), peer)
        },
    },
    Figure {
        name: "encode/serde_json-spaced",
        what: "the golden request's proto-header and header, against serde_json with a formatter for the white space, which \
               writes the same bytes",
        per: "header",
        aim: None,
        contest: || contest(HEADERS, ours::Encode::new(HEADERS.into()), json::Encode::spaced(HEADERS.into())),
    },
    Figure {
        name: "content-1MiB/read",
        what: "1 MiB of content in chunks of 64 KiB in one buffer, against a loop without a decoder; both add up every \
               byte",
        per: "chunk",
        aim: None,
        contest: || {
            let count = u64::from(CHUNKS_READ);
            contest(CHUNKS_READ, look_only::SumOfOurs::new(count), look_only::Sum::new(count))
        },
    },
];

#[allow(clippy::unnecessary_wraps, reason = "a side may not be there, and it is made in the same expression")]
fn contest(operations: u32, ours: impl Side + 'static, peer: impl Side + 'static) -> io::Result<Contest> {
    Ok(Contest::new(operations, ours, peer))
}

fn golden_header() -> ours::Headers {
    ours::Headers::new(SEED, HEADERS.into())
}

fn golden_wire() -> Wire {
    Wire::new(SEED, HEADERS.into())
}

fn any_order() -> ours::Headers {
    ours::Headers::new(ANY_ORDER, LONG_HEADERS.into())
}

fn any_order_wire() -> Wire {
    Wire::new(ANY_ORDER, LONG_HEADERS.into())
}

fn extended() -> ours::Headers {
    ours::Headers::new(&with_extensions(), LONG_HEADERS.into())
}

fn extended_wire() -> Wire {
    Wire::new(&with_extensions(), LONG_HEADERS.into())
}

/// The names of the extensions, in the order of the header.
fn extension_names() -> Vec<String> {
    let header = with_extensions();
    let members: Map<String, Value> = serde_json::from_str(&header).expect("a valid header");
    let mut names: Vec<String> = members.into_iter().map(|(name, _)| name).collect();
    names.sort_by_key(|name| header.find(&format!("\"{name}\": ")));
    names.split_off(4)
}

fn stream(messages: fn(usize) -> Vec<Message>) -> ours::Stream {
    ours::Stream::new(bytes(messages, MESSAGES))
}

fn bytes(messages: fn(usize) -> Vec<Message>, count: u32) -> Vec<u8> {
    streams::wire(&messages(count as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_there_once() {
        for (index, figure) in FIGURES.iter().enumerate() {
            assert!(FIGURES[..index].iter().all(|before| before.name != figure.name), "{}", figure.name);
        }
    }

    #[test]
    fn extensions_are_named_in_the_order_of_the_header() {
        let names = extension_names();
        assert_eq!((names.len(), names[0].as_str(), names[19].as_str()), (20, "request-id", "comment"));
    }
}

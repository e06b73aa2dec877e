//! Self-describing messages over any byte stream: a JSON header says what the content is and how long it is.
//!
//! ```text
//! +----------------+---------------------------+-------------------------+
//! | proto-header   | header                    | content                 |
//! | u16, big-endian| UTF-8 JSON object,        | content-length bytes    |
//! | = header length| exactly that many bytes   |                         |
//! +----------------+---------------------------+-------------------------+
//! ```
//!
//! This is the application protocol of the well-known Python sockets tutorial, byte for byte. [`spec`] is its
//! specification. The crate does no I/O: bytes go in, from a socket, a serial line or a file, and events come out. It needs
//! neither std nor an allocator. `jsonframe-std` binds it to std's streams.
//!
//! # A walk through the protocol
//!
//! A client asks, a server answers. Every byte is accounted for.
//!
//! ```
//! use jsonframe::{ByteOrder, Decoder, Event, Header, Outgoing};
//!
//! // The client encodes a request: two bytes of proto-header, 103 of header. The content is not copied.
//! let content = br#"{"action": "search", "value": "needle"}"#;
//! let header = Header::for_json(39).with_byte_order(ByteOrder::Little);
//! let mut buffer = [0; 128];
//! let mut request = Outgoing::new(&header, content, &mut buffer)?;
//! assert_eq!(request.parts().map(<[u8]>::len), [2 + 103, 39]);
//! assert!(request.parts()[0].starts_with(b"\x00g{\"byteorder\": \"little\", \"content-type\": \"text/json\""));
//!
//! // The socket takes 100 bytes now, and the other 44 later.
//! let wire = request.parts().concat();
//! let (first, second) = wire.split_at(100);
//! request.advance(100);
//! assert_eq!(request.len(), 44);
//!
//! // The server reads the first 100, which end inside the header. All are taken, and there is nothing to report yet.
//! let mut decoder = Decoder::new([0; 256]);
//! assert_eq!(decoder.needs(), 2);
//! let mut input = first;
//! assert_eq!(decoder.decode(&mut input)?, None);
//! assert!(input.is_empty());
//! assert_eq!(decoder.needs(), 5);
//!
//! // The rest arrives, and with it the first byte of another message.
//! let second = [second, b"\0"].concat();
//! let mut input = second.as_slice();
//! let Some(Event::Header(header)) = decoder.decode(&mut input)? else { panic!("the header is whole") };
//! assert_eq!((header.content_type(), header.content_length()), ("text/json", 39));
//! assert_eq!(decoder.decode(&mut input)?, Some(Event::Content(content)));
//! assert_eq!(decoder.decode(&mut input)?, Some(Event::End));
//! assert_eq!((decoder.position(), input), (144, &b"\0"[..]));
//!
//! // The next message has begun, so the stream must not end here.
//! assert_eq!(decoder.decode(&mut input)?, None);
//! let error = decoder.finish().unwrap_err();
//! assert_eq!(error.to_string(), "the stream ends inside a message; bytes missing: at least 1 (at byte 145)");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Which type for what
//!
//! | to | use |
//! |---|---|
//! | receive content of any length as it comes, in constant memory | [`Decoder`] |
//! | receive whole messages | [`Assembler`], over [`Growable`] or `heapless::Vec` |
//! | read a header without a stream | [`Header::parse`] |
//! | send without copying the content | [`Header::encode`], [`Outgoing`] |
//! | send a whole message as one `Vec` | [`Message::to_vec`], [`to_json_message`] |
//! | append the head of a message to other bytes | [`Dialect::append_to`] |
//! | read or write JSON content as your own types | [`Message::json`], [`Message::json_owned`], [`from_json`], [`to_json`] |
//! | read or write text by its `content-encoding` | [`Header::encoding`], [`Encoding`], [`Message::text`], [`TextDecoder`] |
//! | tell JSON from other content by its `content-type` | [`Header::is_json`], [`ContentType`] |
//! | read and add members of your own | [`Header::extension`], [`Header::with_extensions`], [`Value`] |
//! | announce a checksum of content, and check it | [`Checksum`], [`ContentHasher`] |
//! | keep a header, or a whole message | [`OwnedHeader`], [`OwnedMessage`] |
//! | talk to peers that depart from the protocol | [`Dialect`], for decoders and codecs; [`Dialect::outgoing`], [`Dialect::to_vec`], [`Header::prefix`] |
//! | receive and send whole messages under tokio | [`Codec`], [`OwnedMessage`] |
//! | the same as values of your own types, in JSON | [`JsonCodec`], [`OwnedMessage::from_json`] |
//! | the same in pieces, of any length, in constant memory | [`EventCodec`], [`OwnedEvent`] |
//! | receive and send over `embedded-io`, blocking or async | [`embedded::Receiver`], [`embedded::Sender`] |
//!
//! # What it promises
//!
//! - **Split invariance**: however the stream is cut, the same events, and the same error at the same offset.
//! - **Linear work, and no allocation that follows a peer's number**: a header is scanned once, when it is whole; content is
//!   borrowed from the input, and storage grows only with the bytes that have arrived.
//! - **No `unsafe`, no panic, no recursion** over what a peer sends.
//! - **Strict**: what a receiver must refuse ([SPEC §5.3](crate::spec#53-what-must-be-refused)) is refused with an error
//!   that says what is wrong and at which byte. Nothing in a stream marks where to go on: after an error it is over.
//!
//! # What it does not do
//!
//! Headers are at most 65,535 bytes long ([`Header::MAX_LEN`]) and 64 levels deep ([`MAX_DEPTH`]). Without the feature
//! `text`, content is passed on as bytes, whatever its encoding. The protocol has no encryption, no compression and no
//! negotiation of versions.
//!
//! # Features
//!
//! | feature | default | what it adds | what it costs |
//! |---|---|---|---|
//! | `json` | yes | JSON content to and from your types | serde, serde_json, `alloc` |
//! | `alloc` | by `json` | [`Growable`], [`OwnedMessage`], [`Message::to_vec`], [`Dialect::append_to`] | an allocator |
//! | `defmt` | no | `defmt::Format` for headers, events and errors | defmt |
//! | `embedded-io` | no | [`embedded::Receiver`], [`embedded::Sender`] over blocking streams | embedded-io |
//! | `embedded-io-async` | no | the same over async streams | embedded-io, embedded-io-async |
//! | `heapless` | no | `heapless::Vec` as [`Storage`] | heapless; Rust 1.87 instead of 1.85 |
//! | `sha256` | no | [`Checksum`]: SHA-256 of content in an extension member | sha2 |
//! | `small` | no | less flash and stack, for firmware | speed |
//! | `std` | no | JSON spaced as it is written, and not in a second pass; `jsonframe-std` and `tokio` turn it on | std |
//! | `text` | no | [`Message::text`], [`TextDecoder`]: content in 50 encodings, labelled as in Python | encoding_rs, `alloc` |
//! | `tokio` | no | [`Codec`], [`EventCodec`], and with `json` [`JsonCodec`], for tokio-util's `Framed` | tokio-util, tokio, bytes, `alloc`; std |
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![allow(clippy::inline_always, reason = "a call costs more than most steps of a decoder; measured by `budgets`")]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::std_instead_of_core,
        clippy::std_instead_of_alloc,
        clippy::alloc_instead_of_core,
    )
)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(test, feature = "std", feature = "tokio"))]
extern crate std;

mod adapters;
mod byte_order;
mod content;
mod decode;
mod dialect;
mod error;
mod framing;
mod header;
mod json;
mod member;
mod message;
mod storage;

#[cfg(doc)]
#[doc = include_str!("../SPEC.md")]
pub mod spec {}

#[cfg(all(feature = "tokio", feature = "json"))]
pub use adapters::JsonCodec;
#[cfg(feature = "embedded-io")]
pub use adapters::embedded;
#[cfg(feature = "tokio")]
pub use adapters::{Codec, CodecError, EventCodec, OwnedEvent};
pub use byte_order::{ByteOrder, InvalidByteOrder};
#[cfg(feature = "text")]
pub use content::TextDecoder;
#[cfg(any(feature = "json", feature = "text"))]
pub use content::TextError;
#[cfg(feature = "sha256")]
pub use content::{Checksum, ChecksumError, ChecksumHex, ContentHasher};
pub use content::{ContentType, Encoding, InvalidContentType, ParameterValue, Parameters, UnknownEncoding};
#[cfg(feature = "json")]
pub use content::{JsonError, append_json, from_json, to_json, to_json_message};
pub use decode::{Assembler, Decoder, Event};
pub use dialect::Dialect;
pub use error::{DecodeError, DecodeErrorKind, EncodeError, InvalidJson};
pub use framing::ProtoHeader;
pub use header::{Extensions, Header, OwnedHeader, Value};
pub use json::MAX_DEPTH;
pub use member::Member;
#[cfg(feature = "alloc")]
pub use message::OwnedMessage;
pub use message::{Message, Outgoing};
#[cfg(feature = "alloc")]
pub use storage::Growable;
pub use storage::{Storage, StorageFull};

/// Runs the README's example as a test.
#[cfg(all(doctest, feature = "json"))]
#[doc = include_str!("../README.md")]
struct Readme;

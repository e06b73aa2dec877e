//! `defmt` output with the words of [`Display`](core::fmt::Display), most of which stay out of the firmware's image.
#![allow(clippy::match_same_arms, reason = "the arms differ in words that macros hide")]

use core::fmt;

use defmt::{Format, Formatter, write};

use crate::error::Bytes;
use crate::framing::foreign::Start;
use crate::json::write::{Sink, write_string};
use crate::{
    ByteOrder, DecodeError, DecodeErrorKind, EncodeError, Event, Header, InvalidJson, Member, Message, StorageFull,
    Value,
};

/// Writes JSON piece by piece.
struct Pieces<'f>(Formatter<'f>);

impl Sink for Pieces<'_> {
    fn put(&mut self, bytes: &[u8]) -> fmt::Result {
        let piece = core::str::from_utf8(bytes).map_err(|_| fmt::Error)?;
        write!(self.0, "{=str}", piece);
        Ok(())
    }
}

/// Writes the header's JSON in its canonical form.
impl Format for Header<'_> {
    fn format(&self, f: Formatter<'_>) {
        // The results are always `Ok`: all the pieces are UTF-8.
        let mut pieces = Pieces(f);
        write!(f, "{{\"byteorder\": \"{=str}\", \"content-type\": ", self.byte_order().as_str());
        let _ = write_string(&mut pieces, self.content_type());
        write!(f, ", \"content-encoding\": ");
        let _ = write_string(&mut pieces, self.content_encoding());
        write!(f, ", \"content-length\": {=u64}", self.content_length());
        for (name, value) in self.extensions() {
            write!(f, ", ");
            let _ = write_string(&mut pieces, name);
            write!(f, ": {}", value);
        }
        write!(f, "}}");
    }
}

/// Writes the value as JSON.
impl Format for Value<'_> {
    fn format(&self, f: Formatter<'_>) {
        if let Some(number) = self.as_u64() {
            write!(f, "{=u64}", number);
        } else if let Some(number) = self.as_i64() {
            write!(f, "{=i64}", number);
        } else {
            let _ = self.write_json(&mut Pieces(f));
        }
    }
}

/// Writes the event; of content, only the length.
impl Format for Event<'_, '_> {
    fn format(&self, f: Formatter<'_>) {
        match self {
            Self::Header(header) => write!(f, "Header({})", header),
            Self::Content(piece) => write!(f, "Content({=usize} bytes)", piece.len()),
            Self::End => write!(f, "End"),
        }
    }
}

/// Writes the header; of the content, only the length.
impl Format for Message<'_> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "{} and {=usize} bytes", self.header(), self.content().len());
    }
}

/// Writes the name on the wire.
impl Format for ByteOrder {
    fn format(&self, f: Formatter<'_>) {
        match self {
            Self::Little => write!(f, "little"),
            Self::Big => write!(f, "big"),
        }
    }
}

impl Format for Member {
    fn format(&self, f: Formatter<'_>) {
        match self {
            Self::ByteOrder => write!(f, "byteorder"),
            Self::ContentType => write!(f, "content-type"),
            Self::ContentEncoding => write!(f, "content-encoding"),
            Self::ContentLength => write!(f, "content-length"),
        }
    }
}

impl Format for DecodeError {
    fn format(&self, f: Formatter<'_>) {
        match self.kind() {
            DecodeErrorKind::Truncated { missing } if self.is_in_content() => {
                write!(f, "the stream ends inside a message; bytes missing: {=u64}", missing);
            }
            kind => write!(f, "{}", kind),
        }
        write!(f, " (at byte {=u64}){}", self.offset(), self.start());
    }
}

impl Format for Start {
    fn format(&self, f: Formatter<'_>) {
        let (bytes, protocol) = self.parts();
        if bytes.is_empty() {
            return;
        }
        write!(f, "; the stream begins with \"");
        for byte in bytes {
            for character in byte.escape_ascii() {
                write!(f, "{=char}", char::from(character));
            }
        }
        write!(f, "\"");
        if let Some(protocol) = protocol {
            write!(f, ", which looks like {=str}", protocol);
        }
    }
}

impl Format for Bytes {
    fn format(&self, f: Formatter<'_>) {
        if self.0 == 1 { write!(f, "1 byte") } else { write!(f, "{=u64} bytes", self.0) }
    }
}

/// Writes a byte: a graphic ASCII character in backquotes, any other byte in hexadecimal.
struct Byte(u8);

impl Format for Byte {
    fn format(&self, f: Formatter<'_>) {
        if self.0.is_ascii_graphic() {
            write!(f, "`{=char}`", char::from(self.0));
        } else {
            write!(f, "{=u8:#04X}", self.0);
        }
    }
}

impl Format for DecodeErrorKind {
    fn format(&self, f: Formatter<'_>) {
        match *self {
            Self::EmptyHeader => write!(f, "the header length is 0; a header is at least a JSON object"),
            Self::HeaderTooLong { length, capacity } => {
                write!(f, "the header is {} long; this decoder takes at most {=u32}", Bytes(length.into()), capacity);
            }
            Self::NotUtf8 => write!(f, "the header is not UTF-8"),
            Self::ByteOrderMark => write!(f, "the header begins with a byte order mark; expected `{{`"),
            Self::NotAnObject { found } => {
                write!(f, "the header begins with {}; expected a JSON object, `{{`", Byte(found));
            }
            Self::UnexpectedByte { found, expected } => {
                write!(f, "unexpected {}; expected {=str}", Byte(found), expected);
            }
            Self::UnexpectedEnd { expected } => write!(f, "unexpected end of the JSON; expected {=str}", expected),
            Self::TrailingData { found } => {
                write!(f, "unexpected {} after the JSON; expected only white space", Byte(found));
            }
            Self::ControlCharacter { found } => {
                write!(f, "control character {} in a string; expected it escaped", Byte(found));
            }
            Self::InvalidEscape => {
                write!(f, "invalid escape in a string; expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX");
            }
            Self::LoneSurrogate => {
                write!(f, "lone surrogate in a string; expected a pair, \\uD800-\\uDBFF then \\uDC00-\\uDFFF");
            }
            Self::TooDeep { limit } => write!(f, "objects and arrays are nested more than {=u8} deep", limit),
            Self::MissingMember { member } => write!(f, "the header has no member `{}`", member),
            Self::DuplicateMember { member } => write!(f, "the header has a second member `{}`", member),
            Self::WrongType { member } => write!(f, "`{}` is not a string", member),
            Self::InvalidByteOrder => write!(f, "`byteorder` is neither \"little\" nor \"big\""),
            Self::InvalidContentLength => {
                write!(f, "`content-length` is not a plain non-negative integer below 2^64");
            }
            Self::ContentTooLong { length, limit } => {
                write!(f, "the content is {} long; this receiver takes at most {=u64}", Bytes(length), limit);
            }
            Self::OutOfMemory => write!(f, "out of memory for the content"),
            Self::Truncated { missing } => {
                write!(f, "the stream ends inside a message; bytes missing: at least {=u64}", missing);
            }
        }
    }
}

impl Format for EncodeError {
    fn format(&self, f: Formatter<'_>) {
        match *self {
            Self::HeaderTooLong { length, limit } => {
                write!(f, "the header would be {=usize} bytes long; at most {=u16} can be announced", length, limit);
            }
            Self::BufferTooSmall { needed, available } => {
                write!(f, "the buffer holds {}; {=usize} are needed", Bytes(available as u64), needed);
            }
            Self::ReservedName { member } => write!(f, "`{}` cannot be an extension member", member),
            Self::PrefixMismatch { expected, actual } => {
                write!(f, "the prefix is {} long; this dialect has {=usize}", Bytes(actual as u64), expected);
            }
            Self::LengthMismatch { announced, actual } => {
                write!(
                    f,
                    "the header announces {} of content, and the content has {}",
                    Bytes(announced),
                    Bytes(actual)
                );
            }
        }
    }
}

impl Format for InvalidJson {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "not a JSON value: {} (at byte {=usize})", self.kind(), self.offset());
    }
}

impl Format for StorageFull {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "the storage is full");
    }
}

#[cfg(feature = "embedded-io")]
mod embedded {
    use defmt::{Format, Formatter, write};
    use embedded_io::Error;

    use crate::embedded::{ReceiveError, SendError};
    use crate::error::Bytes;

    impl<E: Error + Format + 'static> Format for ReceiveError<E> {
        fn format(&self, f: Formatter<'_>) {
            match self {
                Self::Reader(error) => write!(f, "cannot read: {}", error),
                Self::Decode(error) => error.format(f),
                Self::AlreadyRead { read } => write!(f, "bytes of the content already read: {=u64}", read),
            }
        }
    }

    impl<E: Error + Format + 'static> Format for SendError<E> {
        fn format(&self, f: Formatter<'_>) {
            match self {
                Self::Writer(error) => write!(f, "cannot write: {}", error),
                Self::WriteZero => write!(f, "the writer has written 0 bytes"),
                Self::Encode(error) => error.format(f),
                Self::Unfinished { missing } => write!(f, "an earlier message still lacks {}", Bytes(*missing)),
            }
        }
    }
}

//! The errors of decoding and encoding.

use core::fmt;

use thiserror::Error;

use crate::Member;
use crate::framing::foreign::Start;

/// Says why the bytes received are not a sequence of messages, and where.
///
/// A decoder that has failed stays failed: it returns the same error again and takes no more input, because nothing in
/// the stream marks where the next message begins ([SPEC §5.6](crate::spec#56-after-a-fault)).
///
/// ```
/// use jsonframe::{DecodeErrorKind, Decoder, Member};
///
/// let mut decoder = Decoder::new([0; 64]);
/// let error = decoder.decode(&mut &b"\x00\x02{}"[..]).unwrap_err();
///
/// assert_eq!(error.offset(), 3);
/// assert_eq!(error.kind(), DecodeErrorKind::MissingMember { member: Member::ByteOrder });
/// assert_eq!(error.to_string(), "the header has no member `byteorder` (at byte 3)");
/// ```
///
/// If the stream begins with another protocol, the text names it:
///
/// ```
/// # use jsonframe::Decoder;
/// let error = Decoder::new([0; 4096]).decode(&mut &b"GET / HTTP/1.1\r\n\r\n"[..]).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "the header is 18245 bytes long; this decoder takes at most 4096 (at byte 0); \
///      the stream begins with \"GE\", which looks like HTTP"
/// );
/// assert_eq!(error.looks_like(), Some("HTTP"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{} (at byte {offset}){start}", InFull { kind, in_content: *in_content })]
pub struct DecodeError {
    kind: DecodeErrorKind,
    offset: u64,
    start: Start,
    /// Whether the stream ended inside content, so that the number of missing bytes is exact.
    in_content: bool,
}

impl DecodeError {
    pub(crate) const fn new(kind: DecodeErrorKind, offset: u64) -> Self {
        Self { kind, offset, start: Start::UNKNOWN, in_content: false }
    }

    /// Marks the error as one of a stream that ended inside content.
    pub(crate) const fn in_content(self) -> Self {
        Self { in_content: true, ..self }
    }

    /// Adds the first bytes of the stream.
    pub(crate) const fn at_start(self, start: Start) -> Self {
        Self { start, ..self }
    }

    #[cfg(feature = "defmt")]
    pub(crate) const fn start(&self) -> Start {
        self.start
    }

    #[cfg(feature = "defmt")]
    pub(crate) const fn is_in_content(&self) -> bool {
        self.in_content
    }

    /// Returns what is wrong.
    pub const fn kind(&self) -> DecodeErrorKind {
        self.kind
    }

    /// Returns the offset of the byte at fault, counted from the first byte that the decoder was given.
    ///
    /// [SPEC §5.3](crate::spec#53-what-must-be-refused) says for each kind which byte that is.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns what the stream begins with instead of a message, in words, if its first bytes are known from elsewhere: those of
    /// another protocol, or of a notation. They may be only the two that were taken for the header's length.
    pub fn looks_like(&self) -> Option<&'static str> {
        self.start.parts().1
    }
}

/// What is wrong with the bytes received.
///
/// [SPEC §5.3](crate::spec#53-what-must-be-refused) gives the meaning of each kind and the byte that its error points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The proto-header announces a header of no bytes.
    #[error("the header length is 0; a header is at least a JSON object")]
    EmptyHeader,

    /// The proto-header announces a header that is longer than the decoder's buffer.
    #[error("the header is {} long; this decoder takes at most {capacity}", Bytes((*length).into()))]
    HeaderTooLong {
        /// The announced length of the header, in bytes.
        length: u32,
        /// The longest header that the decoder takes, in bytes.
        capacity: u32,
    },

    /// The header is not well-formed UTF-8.
    #[error("the header is not UTF-8")]
    NotUtf8,

    /// The header begins with a byte order mark.
    #[error("the header begins with a byte order mark; expected `{{`")]
    ByteOrderMark,

    /// The header is not a JSON object.
    #[error("the header begins with {}; expected a JSON object, `{{`", Byte(*found))]
    NotAnObject {
        /// The byte found in place of `{`.
        found: u8,
    },

    /// The header contains a byte that JSON's grammar does not allow there.
    #[error("unexpected {}; expected {expected}", Byte(*found))]
    UnexpectedByte {
        /// The byte at fault.
        found: u8,
        /// What the grammar allows there, in words.
        expected: &'static str,
    },

    /// The header ends before its JSON object does.
    #[error("unexpected end of the JSON; expected {expected}")]
    UnexpectedEnd {
        /// What the grammar requires there, in words.
        expected: &'static str,
    },

    /// The header goes on after its JSON object.
    #[error("unexpected {} after the JSON; expected only white space", Byte(*found))]
    TrailingData {
        /// The first byte that is not white space.
        found: u8,
    },

    /// A string of the header contains a control character that is not escaped.
    #[error("control character {} in a string; expected it escaped", Byte(*found))]
    ControlCharacter {
        /// The control character.
        found: u8,
    },

    /// A string of the header contains a backslash that does not begin a JSON escape.
    #[error("invalid escape in a string; expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX")]
    InvalidEscape,

    /// A string of the header contains half of a surrogate pair.
    #[error("lone surrogate in a string; expected a pair, \\uD800-\\uDBFF then \\uDC00-\\uDFFF")]
    LoneSurrogate,

    /// The header's objects and arrays are nested too deeply.
    #[error("objects and arrays are nested more than {limit} deep")]
    TooDeep {
        /// The greatest number of objects and arrays that may be open at once: [`MAX_DEPTH`](crate::MAX_DEPTH).
        limit: u8,
    },

    /// The header lacks a required member.
    #[error("the header has no member `{member}`")]
    MissingMember {
        /// The missing member; if several are missing, the first in the order of [`Member::ALL`].
        member: Member,
    },

    /// The header contains a required member twice.
    #[error("the header has a second member `{member}`")]
    DuplicateMember {
        /// The repeated member.
        member: Member,
    },

    /// A required member that must be a string has a value of another type.
    #[error("`{member}` is not a string")]
    WrongType {
        /// The member with that value.
        member: Member,
    },

    /// `byteorder` is neither `little` nor `big`.
    #[error("`byteorder` is neither \"little\" nor \"big\"")]
    InvalidByteOrder,

    /// `content-length` is not a plain non-negative integer below 2<sup>64</sup>.
    #[error("`content-length` is not a plain non-negative integer below 2^64")]
    InvalidContentLength,

    /// The content is longer than the receiver accepts.
    #[error("the content is {} long; this receiver takes at most {limit}", Bytes(*length))]
    ContentTooLong {
        /// The announced length of the content, in bytes.
        length: u64,
        /// The longest content that the receiver accepts, in bytes.
        limit: u64,
    },

    /// Memory for content that has arrived could not be allocated.
    #[error("out of memory for the content")]
    OutOfMemory,

    /// The stream ended inside a message.
    #[error("the stream ends inside a message; bytes missing: at least {missing}")]
    Truncated {
        /// The number of bytes missing from the part of the message that had begun: its proto-header, header or content.
        missing: u64,
    },
}

impl DecodeErrorKind {
    /// Returns the kind's identifier in the specification, in the test vectors and in machine-readable output.
    ///
    /// ```
    /// assert_eq!(jsonframe::DecodeErrorKind::NotUtf8.name(), "not-utf8");
    /// ```
    pub const fn name(&self) -> &'static str {
        match self {
            Self::EmptyHeader => "empty-header",
            Self::HeaderTooLong { .. } => "header-too-long",
            Self::NotUtf8 => "not-utf8",
            Self::ByteOrderMark => "byte-order-mark",
            Self::NotAnObject { .. } => "not-an-object",
            Self::UnexpectedByte { .. } => "unexpected-byte",
            Self::UnexpectedEnd { .. } => "unexpected-end",
            Self::TrailingData { .. } => "trailing-data",
            Self::ControlCharacter { .. } => "control-character",
            Self::InvalidEscape => "invalid-escape",
            Self::LoneSurrogate => "lone-surrogate",
            Self::TooDeep { .. } => "too-deep",
            Self::MissingMember { .. } => "missing-member",
            Self::DuplicateMember { .. } => "duplicate-member",
            Self::WrongType { .. } => "wrong-type",
            Self::InvalidByteOrder => "invalid-byteorder",
            Self::InvalidContentLength => "invalid-content-length",
            Self::ContentTooLong { .. } => "content-too-long",
            Self::OutOfMemory => "out-of-memory",
            Self::Truncated { .. } => "truncated",
        }
    }

    /// Returns the required member that the error is about, if any.
    ///
    /// ```
    /// use jsonframe::{DecodeErrorKind, Member};
    ///
    /// assert_eq!(DecodeErrorKind::InvalidContentLength.member(), Some(Member::ContentLength));
    /// assert_eq!(DecodeErrorKind::EmptyHeader.member(), None);
    /// ```
    pub const fn member(&self) -> Option<Member> {
        match self {
            Self::MissingMember { member } | Self::DuplicateMember { member } | Self::WrongType { member } => {
                Some(*member)
            }
            Self::InvalidByteOrder => Some(Member::ByteOrder),
            Self::InvalidContentLength => Some(Member::ContentLength),
            _ => None,
        }
    }
}

/// Says why a message cannot be encoded. Nothing of it has been written.
///
/// ```
/// use jsonframe::{EncodeError, Header};
///
/// let error = Header::for_json(39).encode(&mut [0; 50]).unwrap_err();
/// assert!(matches!(error, EncodeError::BufferTooSmall { available: 50, .. }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The header's JSON is longer than a proto-header can announce.
    #[error("the header would be {length} bytes long; at most {limit} can be announced")]
    HeaderTooLong {
        /// The length of the header, in bytes.
        length: usize,
        /// The longest header that the proto-header can announce, in bytes: 65,535, or 255 if it is a single byte.
        limit: u16,
    },

    /// The output does not fit in the buffer.
    #[error("the buffer holds {}; {needed} are needed", Bytes(*available as u64))]
    BufferTooSmall {
        /// The length of the output, in bytes.
        needed: usize,
        /// The size of the buffer, in bytes.
        available: usize,
    },

    /// An extension member has the name of a required member.
    #[error("`{member}` cannot be an extension member")]
    ReservedName {
        /// The required member of that name.
        member: Member,
    },

    /// The header has a prefix of another length than all messages have in the dialect.
    #[error("the prefix is {} long; this dialect has {expected}", Bytes(*actual as u64))]
    PrefixMismatch {
        /// The length of prefixes in the dialect, in bytes.
        expected: usize,
        /// The length of the header's prefix, in bytes.
        actual: usize,
    },

    /// The header's content length is not the length of the content.
    #[error("the header announces {} of content, and the content has {}", Bytes(*announced), Bytes(*actual))]
    LengthMismatch {
        /// The header's content length, in bytes.
        announced: u64,
        /// The content's length, in bytes.
        actual: u64,
    },
}

/// Says why [`Value::from_json`](crate::Value::from_json) refused a text, and where.
///
/// ```
/// use jsonframe::Value;
///
/// let error = Value::from_json("[1, 2,]").unwrap_err();
/// assert_eq!(error.to_string(), "not a JSON value: unexpected `]`; expected a value (at byte 6)");
/// assert_eq!(error.offset(), 6);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a JSON value: {kind} (at byte {offset})")]
pub struct InvalidJson {
    kind: DecodeErrorKind,
    offset: usize,
}

impl InvalidJson {
    pub(crate) const fn new(kind: DecodeErrorKind, offset: usize) -> Self {
        Self { kind, offset }
    }

    /// Returns the offset of the byte at fault, or the length of the text if it ends too early.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    #[cfg(feature = "defmt")]
    pub(crate) const fn kind(&self) -> DecodeErrorKind {
        self.kind
    }
}

/// Displays the kind of an error, with the exact number of missing bytes where it is known.
struct InFull<'e> {
    kind: &'e DecodeErrorKind,
    in_content: bool,
}

impl fmt::Display for InFull<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            DecodeErrorKind::Truncated { missing } if self.in_content => {
                write!(f, "the stream ends inside a message; bytes missing: {missing}")
            }
            kind => kind.fmt(f),
        }
    }
}

/// Displays a number of bytes: `1 byte`, `2 bytes`.
pub(crate) struct Bytes(pub(crate) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} byte{}", self.0, if self.0 == 1 { "" } else { "s" })
    }
}

/// Displays a byte: a graphic ASCII character in backquotes, any other byte in hexadecimal.
struct Byte(u8);

impl fmt::Display for Byte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_ascii_graphic() { write!(f, "`{}`", char::from(self.0)) } else { write!(f, "0x{:02X}", self.0) }
    }
}

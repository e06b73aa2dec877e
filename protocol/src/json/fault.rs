//! What is wrong with a JSON text, and where: small enough to be returned in registers by every step of the scanner.

use crate::{DecodeErrorKind, MAX_DEPTH, Member};

/// An error, and the index of the byte at fault in the scanned text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    pub(crate) at: usize,
}

pub(crate) type Result<T> = core::result::Result<T, Fault>;

/// The kinds of [`DecodeErrorKind`] that a header can be at fault with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    NotUtf8,
    ByteOrderMark,
    NotAnObject(u8),
    UnexpectedByte(u8, Expected),
    UnexpectedEnd(Expected),
    TrailingData(u8),
    ControlCharacter(u8),
    InvalidEscape,
    LoneSurrogate,
    TooDeep,
    MissingMember(Member),
    DuplicateMember(Member),
    WrongType(Member),
    InvalidByteOrder,
    InvalidContentLength,
}

impl FaultKind {
    pub(crate) const fn at(self, at: usize) -> Fault {
        Fault { kind: self, at }
    }

    /// The kind as it is reported.
    pub(crate) const fn reported(self) -> DecodeErrorKind {
        match self {
            Self::NotUtf8 => DecodeErrorKind::NotUtf8,
            Self::ByteOrderMark => DecodeErrorKind::ByteOrderMark,
            Self::NotAnObject(found) => DecodeErrorKind::NotAnObject { found },
            Self::UnexpectedByte(found, expected) => {
                DecodeErrorKind::UnexpectedByte { found, expected: expected.in_words() }
            }
            Self::UnexpectedEnd(expected) => DecodeErrorKind::UnexpectedEnd { expected: expected.in_words() },
            Self::TrailingData(found) => DecodeErrorKind::TrailingData { found },
            Self::ControlCharacter(found) => DecodeErrorKind::ControlCharacter { found },
            Self::InvalidEscape => DecodeErrorKind::InvalidEscape,
            Self::LoneSurrogate => DecodeErrorKind::LoneSurrogate,
            Self::TooDeep => DecodeErrorKind::TooDeep { limit: MAX_DEPTH },
            Self::MissingMember(member) => DecodeErrorKind::MissingMember { member },
            Self::DuplicateMember(member) => DecodeErrorKind::DuplicateMember { member },
            Self::WrongType(member) => DecodeErrorKind::WrongType { member },
            Self::InvalidByteOrder => DecodeErrorKind::InvalidByteOrder,
            Self::InvalidContentLength => DecodeErrorKind::InvalidContentLength,
        }
    }
}

/// What the grammar wants where something else stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Object,
    FirstMember,
    Member,
    Colon,
    CommaOrBrace,
    CommaOrBracket,
    Value,
    NotAString,
    String,
    ContentLength,
    ClosingQuote,
    Escape,
    SurrogatePair,
    Digit,
    Literal,
    Nothing,
}

impl Expected {
    const fn in_words(self) -> &'static str {
        match self {
            Self::Object => "a JSON object, `{`",
            Self::FirstMember => "a member name or `}`",
            Self::Member => "a member name",
            Self::Colon => "`:`",
            Self::CommaOrBrace => "`,` or `}`",
            Self::CommaOrBracket => "`,` or `]`",
            Self::Value => "a value",
            Self::NotAString => "an array, an object, a number, `true`, `false` or `null`",
            Self::String => "a string",
            Self::ContentLength => "the value of `content-length`",
            Self::ClosingQuote => "the string's closing quote",
            Self::Escape => "the rest of an escape",
            Self::SurrogatePair => "the rest of a surrogate pair",
            Self::Digit => "a digit",
            Self::Literal => "`true`, `false` or `null`",
            Self::Nothing => "only white space",
        }
    }
}

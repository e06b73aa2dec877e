//! A text of a received header.

use crate::json::RawString;

/// Where a text of a header is, or which of those it is that nearly every header says.
///
/// To know a text is faster than to check again that it is UTF-8 whenever it is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Text {
    TextJson,
    Utf8,
    Binary,
    /// From one index of the header up to another. Two bytes each are enough: no header is longer than 65,535 bytes.
    At(u16, u16),
}

impl Text {
    /// The text with which, in quotes and without escapes, these bytes begin, if it is a known one, and how long that is.
    #[inline]
    pub(crate) fn at_front(bytes: &[u8]) -> Option<(Self, usize)> {
        if bytes.starts_with(b"\"utf-8\"") {
            Some((Self::Utf8, 7))
        } else if bytes.starts_with(b"\"text/json\"") {
            Some((Self::TextJson, 11))
        } else {
            None
        }
    }

    /// The text of this string, whose escapes are resolved.
    pub(crate) fn find(header: &[u8], string: RawString) -> Self {
        match string.bytes(header) {
            b"text/json" => Self::TextJson,
            b"utf-8" => Self::Utf8,
            b"binary" => Self::Binary,
            _ => Self::at(string.start, string.end),
        }
    }

    pub(crate) fn at(start: usize, end: usize) -> Self {
        let index = |at| u16::try_from(at).unwrap_or(u16::MAX);
        Self::At(index(start), index(end))
    }

    /// The text, in the header in which it was found.
    #[inline]
    pub(crate) fn of<'a>(&self, header: &'a [u8]) -> &'a str {
        match self {
            Self::TextJson => "text/json",
            Self::Utf8 => "utf-8",
            Self::Binary => "binary",
            Self::At(start, end) => {
                let bytes = header.get(usize::from(*start)..usize::from(*end)).unwrap_or_default();
                core::str::from_utf8(bytes).unwrap_or_default()
            }
        }
    }
}

//! A text of a received header.

use crate::json::RawString;

/// Where a text of a header is, or which of those it is that nearly every header says.
///
/// To know a text is faster than to check again that it is UTF-8 whenever it is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Text {
    Known(Known),
    /// From one index of the header up to another. Two bytes each are enough: no header is longer than 65,535 bytes.
    At(u16, u16),
}

/// A text that nearly every header says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Known {
    TextJson,
    Utf8,
    Binary,
}

impl Known {
    const fn as_str(self) -> &'static str {
        match self {
            Self::TextJson => "text/json",
            Self::Utf8 => "utf-8",
            Self::Binary => "binary",
        }
    }
}

impl Text {
    pub(crate) const TEXT_JSON: Self = Self::Known(Known::TextJson);
    pub(crate) const UTF_8: Self = Self::Known(Known::Utf8);

    /// The text with which, in quotes and without escapes, these bytes begin, if it is a known one, and how long that is.
    #[inline]
    pub(crate) fn at_front(bytes: &[u8]) -> Option<(Self, usize)> {
        if bytes.starts_with(b"\"utf-8\"") {
            Some((Self::UTF_8, 7))
        } else if bytes.starts_with(b"\"text/json\"") {
            Some((Self::TEXT_JSON, 11))
        } else {
            None
        }
    }

    /// The text of this string, whose escapes are resolved.
    pub(crate) fn find(header: &[u8], string: RawString) -> Self {
        match string.bytes(header) {
            b"text/json" => Self::TEXT_JSON,
            b"utf-8" => Self::UTF_8,
            b"binary" => Self::Known(Known::Binary),
            _ => Self::at(string.start, string.end),
        }
    }

    pub(crate) fn at(start: usize, end: usize) -> Self {
        let index = |at| u16::try_from(at).unwrap_or(u16::MAX);
        Self::At(index(start), index(end))
    }

    /// The text, in the header in which it was found.
    #[inline]
    pub(crate) fn of(self, header: &[u8]) -> &str {
        match self {
            Self::Known(known) => known.as_str(),
            Self::At(start, end) => text_at(header, usize::from(start), usize::from(end)),
        }
    }
}

#[inline(never)]
fn text_at(header: &[u8], start: usize, end: usize) -> &str {
    header.get(start..end).and_then(|bytes| core::str::from_utf8(bytes).ok()).unwrap_or_default()
}

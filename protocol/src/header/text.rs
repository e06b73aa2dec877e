//! A text of a received header.

use crate::Dialect;
use crate::json::scan::RawString;
use crate::json::swar::IS_SMALL;

/// Where a text of a header is, or which of those it is that nearly every header says.
///
/// To know a text is faster than to check again that it is UTF-8 whenever it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    Known(Known),
    /// From one index of the header up to another. Two bytes each are enough: no header is longer than 65,535 bytes.
    At(u16, u16),
}

/// A text that nearly every header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// None: there is no `content-type`, and the dialect says what stands in for it. It is where no text can be.
    pub(crate) const NO_CONTENT_TYPE: Self = Self::At(u16::MAX, 0);
    /// The same for `content-encoding`.
    pub(crate) const NO_CONTENT_ENCODING: Self = Self::At(u16::MAX, 1);

    /// The text with which, in quotes and without escapes, these bytes begin, if it is a known one, and how long that is.
    #[cfg_attr(not(feature = "small"), inline)]
    pub(crate) fn at_front(bytes: &[u8]) -> Option<(Self, usize)> {
        if IS_SMALL {
            None
        } else if bytes.starts_with(b"\"utf-8\"") {
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

    /// The text, in the header in which it was found, which is in this dialect; `None` is the standard.
    #[cfg_attr(not(feature = "small"), inline)]
    pub(crate) fn of<'a>(self, header: &'a [u8], dialect: Option<&'static Dialect>) -> &'a str {
        match self {
            Self::Known(known) => known.as_str(),
            Self::At(start, end) => text_at(header, start, end, dialect),
        }
    }
}

#[inline(never)]
fn text_at<'a>(header: &'a [u8], start: u16, end: u16, dialect: Option<&'static Dialect>) -> &'a str {
    let text = match header.get(usize::from(start)..usize::from(end)) {
        Some(bytes) => core::str::from_utf8(bytes).ok(),
        None => dialect.and_then(|dialect| match Text::At(start, end) {
            Text::NO_CONTENT_TYPE => dialect.content_type(),
            Text::NO_CONTENT_ENCODING => dialect.content_encoding(),
            _ => None,
        }),
    };
    text.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn the_texts_that_nearly_every_header_says_are_known() {
        for known in [Known::TextJson, Known::Utf8, Known::Binary] {
            let quoted = format!("\"{}\"", known.as_str());
            let string = RawString { start: 1, end: quoted.len() - 1 };
            assert_eq!(Text::find(quoted.as_bytes(), string), Text::Known(known));
            if let Some(found) = Text::at_front(quoted.as_bytes()) {
                assert_eq!(found, (Text::Known(known), quoted.len()));
            }
            assert_eq!(Text::at_front(&quoted.as_bytes()[..quoted.len() - 1]), None);
        }
    }

    #[test]
    #[cfg_attr(feature = "small", ignore = "small builds go the general way")]
    fn what_most_messages_say_is_known_at_the_front() {
        assert_eq!(Text::at_front(b"\"utf-8\", "), Some((Text::UTF_8, 7)));
        assert_eq!(Text::at_front(b"\"text/json\"}"), Some((Text::TEXT_JSON, 11)));
    }
}

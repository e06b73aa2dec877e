//! What the required members of a received header say.

use core::ops::Range;

use crate::member::TEXTS;
use crate::{ByteOrder, Dialect};

/// What the required members of a header say; its texts are in the bytes of the header.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RequiredMembers {
    pub(crate) content_length: u64,
    pub(crate) texts: [Text; TEXTS],
    pub(crate) byte_order: ByteOrder,
}

impl RequiredMembers {
    /// Those of no header.
    pub(crate) const NONE: Self =
        Self { content_length: 0, texts: [Text::Absent; TEXTS], byte_order: ByteOrder::Little };
}

/// Where a text of a header is, or which of those it is that nearly every header says.
///
/// To know a text is faster than to check again that it is UTF-8 whenever it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    /// One of [`KNOWN`].
    Known(u8),
    /// From one index of the header to another. Two bytes each are enough: no header is longer than 65,535 bytes.
    At(u16, u16),
    /// The header lacks it, and the dialect says what stands in for it.
    Absent,
}

/// The texts that nearly every header says.
const KNOWN: [&str; 3] = ["text/json", "utf-8", "binary"];

impl Text {
    pub(crate) const TEXT_JSON: Self = Self::Known(0);
    pub(crate) const UTF_8: Self = Self::Known(1);

    /// The known text that this string's is by `is`, or else that of this range.
    #[cfg_attr(not(feature = "small"), inline)]
    pub(crate) fn find(range: Range<usize>, is: impl Fn(&[u8]) -> bool) -> Self {
        match (0..).zip(KNOWN).find(|(_, known)| is(known.as_bytes())) {
            Some((index, _)) => Self::Known(index),
            None => Self::at(range),
        }
    }

    #[cfg_attr(not(feature = "small"), inline)]
    pub(crate) fn at(range: Range<usize>) -> Self {
        let index = |at| u16::try_from(at).unwrap_or(u16::MAX);
        Self::At(index(range.start), index(range.end))
    }

    /// The text of the header in whose bytes it was found: the one at `index` of those of a header, in this dialect.
    #[cfg_attr(not(feature = "small"), inline)]
    pub(crate) fn of<'a>(self, header: &'a [u8], dialect: Option<&'static Dialect>, index: usize) -> &'a str {
        match self {
            Self::Known(known) => KNOWN.get(usize::from(known)).copied().unwrap_or_default(),
            Self::At(start, end) => text_at(header, start, end),
            Self::Absent => dialect.and_then(|dialect| dialect.stand_in(index)).unwrap_or_default(),
        }
    }
}

#[inline(never)]
fn text_at(header: &[u8], start: u16, end: u16) -> &str {
    let text = header.get(usize::from(start)..usize::from(end)).and_then(|text| core::str::from_utf8(text).ok());
    text.unwrap_or_default()
}

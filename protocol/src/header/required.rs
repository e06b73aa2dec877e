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
        Self { content_length: 0, texts: [Text::ABSENT; TEXTS], byte_order: ByteOrder::Little };

    /// The texts of the header in whose bytes they were found, in this dialect.
    #[cfg_attr(not(feature = "small"), inline)]
    pub(crate) fn texts<'a>(&self, header: &'a [u8], dialect: Option<&'static Dialect>) -> [&'a str; TEXTS] {
        match self.texts.map(Text::known) {
            [Some(first), Some(second)] => [first, second],
            _ => self.other_texts(header, dialect),
        }
    }

    /// [`texts`](Self::texts) that are not both known.
    #[inline(never)]
    fn other_texts<'a>(&self, header: &'a [u8], dialect: Option<&'static Dialect>) -> [&'a str; TEXTS] {
        let [first, second] = self.texts;
        let both = if cfg!(feature = "small") { None } else { both(header, first, second) };
        both.unwrap_or_else(|| [first.of(header, dialect, 0), second.of(header, dialect, 1)])
    }
}

/// Two texts of a header, if they stand there in this order: to check both at once that they are UTF-8 is faster.
#[cfg_attr(not(feature = "small"), inline)]
fn both(header: &[u8], first: Text, second: Text) -> Option<[&str; TEXTS]> {
    if !first.is_in_header() {
        return None;
    }
    let text = core::str::from_utf8(header.get(first.start.into()..second.end.into())?).ok()?;
    let first_end = first.end.checked_sub(first.start)?;
    let second_start = second.start.checked_sub(first.start)?;
    Some([text.get(..first_end.into())?, text.get(second_start.into()..)?])
}

/// Where a text of a header is, or which of those it is that nearly every header says.
///
/// To know a text is faster than to check again that it is UTF-8 whenever it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    /// The index in the header at which it begins. Two bytes are enough: no header is longer than 65,535 bytes. 0 if it is
    /// not in the header, where no text begins.
    start: u16,
    /// The index in the header at which it ends; or else the index of one of [`KNOWN`].
    end: u16,
}

/// The texts that nearly every header says.
const KNOWN: [&str; 4] = ["text/json", "utf-8", "binary", "binary/custom-client-binary-type"];

impl Text {
    pub(crate) const TEXT_JSON: Self = Self { start: 0, end: 0 };
    pub(crate) const UTF_8: Self = Self { start: 0, end: 1 };
    /// The header lacks it, and the dialect says what stands in for it.
    pub(crate) const ABSENT: Self = Self { start: 0, end: u16::MAX };

    /// The known text for which `is` returns true, or else that of this range.
    #[cfg_attr(not(feature = "small"), inline)]
    pub(crate) fn find(range: Range<usize>, is: impl Fn(&str) -> bool) -> Self {
        match (0..).zip(KNOWN).find(|(_, known)| is(known)) {
            Some((end, _)) => Self { start: 0, end },
            None => Self::at(range),
        }
    }

    #[cfg_attr(not(feature = "small"), inline)]
    pub(crate) fn at(range: Range<usize>) -> Self {
        let index = |at| u16::try_from(at).unwrap_or(u16::MAX);
        Self { start: index(range.start), end: index(range.end) }
    }

    /// Whether it is in the bytes of the header.
    #[cfg_attr(not(feature = "small"), inline)]
    pub(crate) const fn is_in_header(self) -> bool {
        self.start > 0
    }

    /// The indices in the header at which it begins and ends, if it is there.
    pub(super) const fn place(self) -> (u16, u16) {
        (self.start, self.end)
    }

    /// The index in the header at which it begins, if it is there.
    pub(crate) fn start(self) -> Option<usize> {
        self.is_in_header().then_some(self.start.into())
    }

    /// The text, if it is a known one.
    #[cfg_attr(not(feature = "small"), inline)]
    fn known(self) -> Option<&'static str> {
        if self.is_in_header() { None } else { KNOWN.get(usize::from(self.end)).copied() }
    }

    /// The text at `index` of those of the header in whose bytes it was found, in this dialect.
    fn of<'a>(self, header: &'a [u8], dialect: Option<&'static Dialect>, index: usize) -> &'a str {
        let text = match self.known() {
            None if self.is_in_header() => {
                let text = header.get(self.start.into()..self.end.into());
                text.and_then(|text| core::str::from_utf8(text).ok())
            }
            None => dialect.and_then(|dialect| dialect.stand_in(index)),
            known => known,
        };
        text.unwrap_or_default()
    }
}

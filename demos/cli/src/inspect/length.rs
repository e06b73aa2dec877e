//! Contents, and what their lengths should have been: a length that counts characters, or units of UTF-16, is the
//! commonest fault of clients.

use std::fmt::{self, Display, Formatter};

use jsonframe::Header;
use serde::de::IgnoredAny;

use super::message::Framing;
use crate::encoded::{Encoded, Utf8};
use crate::hint::{MEND, json};

/// How much of a content is kept, from its beginning, in bytes.
pub(crate) const KEPT: usize = 64 * 1024;

/// By how much Python's `sys.getsizeof` of bytes is larger than their number.
const SIZE_OF_BYTES: u64 = 33;

/// A content, as far as it has come.
#[derive(Default)]
pub(crate) struct Content {
    /// Its beginning.
    pub(super) kept: Vec<u8>,
    /// How many bytes of it have come.
    pub(crate) received: u64,
    /// How many bytes its header says it has.
    pub(super) announced: u64,
    is_json: bool,
    /// What is known of its text.
    pub(super) encoded: Encoded,
}

impl Content {
    /// Gets ready for the content of this header.
    pub(super) fn expect(&mut self, header: &Header<'_>) {
        self.announced = header.content_length();
        self.encoded = Encoded::of(header);
        self.is_json = self.encoded.text().is_some() && header.is_json();
    }

    pub(super) fn receive(&mut self, piece: &[u8]) {
        let space = KEPT - self.kept.len();
        self.kept.extend_from_slice(&piece[..piece.len().min(space)]);
        self.received += piece.len() as u64;
        self.encoded.push(piece);
    }

    /// Takes note of bytes that are not at hand, after which this is known of its text.
    pub(super) fn pass(&mut self, count: u64, encoded: Encoded) {
        self.received += count;
        let is_assumed = std::mem::replace(&mut self.encoded, encoded).is_assumed;
        self.encoded.is_assumed = is_assumed;
    }

    /// Whether all that has come of it is kept.
    pub(super) const fn is_kept(&self) -> bool {
        self.kept.len() as u64 == self.received
    }

    /// Becomes a content of which nothing is known, with the memory of this one.
    pub(super) fn clear(&mut self) {
        let mut kept = std::mem::take(&mut self.kept);
        kept.clear();
        *self = Self { kept, ..Self::default() };
    }

    /// What is wrong with a whole content, but for an end inside a character, which reports to a person show by themselves.
    pub(super) fn hint_for_person(&self) -> Option<String> {
        self.hint().filter(|_| self.received == self.announced && !self.encoded.is_cut())
    }

    /// What is wrong with it if it ends here.
    pub(super) fn hint(&self) -> Option<String> {
        let may_be_json = self.is_json && self.is_kept() && self.received == self.announced;
        let text = || str::from_utf8(&self.kept).ok().filter(|_| may_be_json);
        self.encoded.hint().or_else(|| json::of_whole(text()?))
    }

    /// Its text, if that is UTF-8 and has fewer characters than its length says.
    pub(super) fn short_text(&self) -> Option<Utf8> {
        self.encoded.text().filter(|text| text.has_fewer_than(self.announced)).cloned()
    }

    /// What its length should be, if that can be told from these bytes, which follow it.
    pub(super) fn length_hint(&self, message: u64, after: &[u8], framing: Framing) -> Option<LengthHint<'_>> {
        let announced = self.announced;
        let is_whole = self.received == announced;
        let json_end = self.json_end(after);
        let is_right = match &json_end {
            Some((end, _)) => self.is_blank_from(*end),
            None => is_whole && framing.begins_message(after),
        };
        if is_right {
            return None;
        }
        let hint = |bytes, counted| Some(LengthHint { message, announced, bytes, counted, before: &[] });
        let ends = |rest: &[u8]| rest.is_empty() || framing.begins_message(rest);
        if is_whole && let Some(text) = self.encoded.text() {
            for unit in [Unit::Character, Unit::Utf16] {
                let Some(more) = unit.end(text, after, announced).filter(|more| *more > 0) else { continue };
                let (tail, rest) = after.split_at(more);
                // Text has no NUL, but nearly every proto-header has.
                if ends(rest) && !tail.contains(&0) {
                    return hint(announced + more as u64, Some(unit));
                }
            }
        }
        let (bytes, _) = json_end.filter(|(_, rest)| ends(rest))?;
        let before = json::blank_before(&self.kept);
        let before = if bytes == announced + before.len() as u64 { before } else { &[] };
        Some(LengthHint { message, announced, bytes, counted: None, before })
    }

    /// Whether it ends here, but for white space.
    fn is_blank_from(&self, end: u64) -> bool {
        let rest = usize::try_from(end).ok().and_then(|end| self.kept.get(end..));
        self.received == self.announced && rest.is_some_and(|rest| rest.trim_ascii().is_empty())
    }

    /// Where its JSON ends, counted from where it begins, and what follows that.
    fn json_end(&self, after: &[u8]) -> Option<(u64, Vec<u8>)> {
        if !self.is_json || !self.is_kept() {
            return None;
        }
        let mut bytes = [&self.kept, after].concat();
        let end = json_end(&bytes)?;
        Some((end as u64, bytes.split_off(end)))
    }
}

/// Where the JSON ends that these bytes begin with. It is an object, an array or a string, of which alone one can see the end.
pub(super) fn json_end(bytes: &[u8]) -> Option<usize> {
    if !matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'[' | b'"')) {
        return None;
    }
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    Some(values.byte_offset())
}

/// What a length may count instead of bytes.
#[derive(Clone, Copy)]
enum Unit {
    Character,
    Utf16,
}

impl Unit {
    const fn of(self, text: &Utf8) -> u64 {
        match self {
            Self::Character => text.characters(),
            Self::Utf16 => text.utf16_units(),
        }
    }

    /// After how many of these bytes, which follow the text, there are this many units in all.
    fn end(self, text: &Utf8, after: &[u8], count: u64) -> Option<usize> {
        let mut text = text.clone();
        let mut taken = 0;
        while text.is_utf8() && self.of(&text) < count {
            text.push(after.get(taken..=taken)?);
            taken += 1;
        }
        (text.is_utf8() && !text.is_cut() && self.of(&text) == count).then_some(taken)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Character => "characters",
            Self::Utf16 => "UTF-16 code units",
        }
    }
}

/// A content length that is not the number of bytes.
#[derive(Clone, Copy)]
pub(super) struct LengthHint<'c> {
    /// The number of the message, counted from 1.
    message: u64,
    announced: u64,
    /// What it should be.
    bytes: u64,
    /// What it seems to count.
    counted: Option<Unit>,
    /// White space before the content, if that is all that it does not count.
    before: &'c [u8],
}

impl Display for LengthHint<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { message, announced, bytes, counted, before } = self;
        if !before.is_empty() {
            return write!(
                f,
                "white space comes before the content of message {message} that its content-length, {announced}, does not \
                 count: do not send b\"{}\" between header and content",
                before.escape_ascii()
            );
        }
        match counted.map(Unit::name) {
            Some(units) => write!(
                f,
                "the content-length of message {message} looks like a number of {units}: {announced} {units} are {bytes} \
                 bytes, and {MEND}"
            ),
            None => write!(
                f,
                "the content-length of message {message} looks wrong: it is {announced}, and the JSON ends after {bytes} \
                 bytes: it is {} too {}",
                announced.abs_diff(*bytes),
                match announced.checked_sub(*bytes) {
                    None => "small",
                    Some(SIZE_OF_BYTES) => "large; sys.getsizeof counts Python's own bytes, and len(content) does not",
                    Some(_) => "large",
                }
            ),
        }
    }
}

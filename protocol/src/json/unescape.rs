//! What escapes stand for.

use core::ops::Range;

use super::cursor::{Cursor, Fault, Result, unexpected};
use super::swar::run_to;
use super::write::fill;
use crate::DecodeErrorKind;

impl Cursor<'_> {
    /// Moves over an escape, from its backslash on, and returns the character that it stands for.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn escape(&mut self) -> Result<char> {
        let start = self.offset();
        self.bump(1);
        match self.peek() {
            Some(b'u') => self.apart(|cursor| cursor.unicode_escape(start)),
            Some(letter) => match short_escape(letter) {
                0 => self.fail_at(start, &DecodeErrorKind::InvalidEscape),
                character => {
                    self.bump(1);
                    Ok(char::from(character))
                }
            },
            None => Err(REST_OF_ESCAPE),
        }
    }

    /// [`escape`](Self::escape), from its `u` on, for four digits, and for twice four that are a surrogate pair.
    #[inline(never)]
    fn unicode_escape(&mut self, start: usize) -> Result<char> {
        self.bump(1);
        let mut unit = 0;
        for _ in 0..4 {
            let Some(byte) = self.peek() else {
                return Err(REST_OF_ESCAPE);
            };
            let Some(digit) = char::from(byte).to_digit(16) else {
                return self.fail_at(start, &DecodeErrorKind::InvalidEscape);
            };
            unit = unit << 4 | digit;
            self.bump(1);
        }
        match (char::from_u32(unit), unit) {
            (Some(character), _) => Ok(character),
            (None, 0xD800..=0xDBFF) => self.low_surrogate(start, unit),
            _ => self.fail_at(start, &DecodeErrorKind::LoneSurrogate),
        }
    }

    /// Moves over the second half of the surrogate pair that begins at `start` with `high`.
    fn low_surrogate(&mut self, start: usize, high: u32) -> Result<char> {
        let mut low = 0;
        for place in 0..6 {
            let Some(byte) = self.peek() else {
                return Err(const { &unexpected("the rest of a surrogate pair") });
            };
            let digit = char::from(byte).to_digit(16);
            low = match (place, byte, digit) {
                (0, b'\\', _) | (1, b'u', _) => 0,
                (2, _, Some(digit @ 0xD)) | (3, _, Some(digit @ 0xC..)) | (4.., _, Some(digit)) => low << 4 | digit,
                _ => return self.fail_at(start, &DecodeErrorKind::LoneSurrogate),
            };
            self.bump(1);
        }
        let pair = (high & 0x3FF) << 10 | low & 0x3FF;
        char::from_u32(pair.wrapping_add(0x1_0000)).ok_or(&DecodeErrorKind::LoneSurrogate)
    }
}

/// What an escape of one letter stands for, or 0 if there is none.
#[cfg_attr(not(feature = "small"), inline(always))]
const fn short_escape(letter: u8) -> u8 {
    match letter {
        b'"' => b'"',
        b'\\' => b'\\',
        b'/' => b'/',
        b'b' => 0x8,
        b'f' => 0xC,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        _ => 0,
    }
}

const REST_OF_ESCAPE: Fault = &unexpected("the rest of an escape");

/// Whether the text of a valid string, given without its quotes, is `text` once its escapes are resolved.
#[inline(never)]
pub(super) fn spells(string: &[u8], text: &[u8]) -> bool {
    let (mut cursor, mut rest) = (Cursor::new(string), text.iter());
    while let Some(byte) = cursor.peek() {
        let is_same = if byte == b'\\' {
            let character = cursor.escape().unwrap_or_default();
            character.encode_utf8(&mut [0; 4]).bytes().all(|byte| rest.next() == Some(&byte))
        } else {
            cursor.bump(1);
            rest.next() == Some(&byte)
        };
        if !is_same {
            return false;
        }
    }
    rest.len() == 0
}

/// Resolves the escapes of the valid string whose text is this range, in place, and returns the index at which it ends
/// then: what an escape stands for is shorter.
#[inline(never)]
pub(crate) fn resolve(text: &mut [u8], string: Range<usize>) -> usize {
    let text = text.get_mut(..string.end).unwrap_or_default();
    let (mut read, mut written) = (string.start, string.start);
    while let Some(byte) = text.get(read).copied() {
        if byte == b'\\' {
            let mut cursor = Cursor::at(text, read);
            let Ok(character) = cursor.escape() else { break };
            read = cursor.offset();
            if character.is_ascii() {
                put(text, &mut written, character as u8);
            } else {
                character.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| put(text, &mut written, byte));
            }
        } else if let Some(word) = plain_word(text, read) {
            fill(text, written, &word);
            read = read.wrapping_add(word.len());
            written = written.wrapping_add(word.len());
        } else {
            put(text, &mut written, byte);
            read = read.wrapping_add(1);
        }
    }
    written
}

/// The machine word at this index, if it has no backslash; nothing in a small build.
#[cfg_attr(not(feature = "small"), inline(always))]
fn plain_word(text: &[u8], at: usize) -> Option<[u8; size_of::<usize>()]> {
    if cfg!(feature = "small") {
        return None;
    }
    let word = text.get(at..)?.first_chunk()?;
    if run_to(b'\\', word) < word.len() { None } else { Some(*word) }
}

/// Writes a byte, and moves on.
#[cfg_attr(not(feature = "small"), inline(always))]
fn put(text: &mut [u8], at: &mut usize, byte: u8) {
    if let Some(place) = text.get_mut(*at) {
        *place = byte;
    }
    *at = at.wrapping_add(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_resolved(string: &str, text: &str) {
        assert!(spells(string.as_bytes(), text.as_bytes()), "{string}");
        assert!(!spells(string.as_bytes(), &text.as_bytes()[1..]) && !spells(string.as_bytes(), b"other"), "{string}");

        let mut bytes = [b"before", string.as_bytes(), b"after"].concat();
        let end = resolve(&mut bytes, 6..6 + string.len());
        assert_eq!(&bytes[..end], [b"before", text.as_bytes()].concat(), "{string}");
        assert!(bytes.ends_with(b"after"), "{string}");
    }

    #[test]
    fn a_string_is_resolved_in_place() {
        assert_resolved(r"a\u002db", "a-b");
        assert_resolved(r"\ud83d\udc36", "🐶");
        assert_resolved(r"\uFFFF\u0000é", "\u{FFFF}\0é");
    }

    #[test]
    fn every_short_escape_stands_for_its_character() {
        assert_resolved(r#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{C}\n\r\t");
    }
}

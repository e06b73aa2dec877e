//! What escapes stand for.

use super::cursor::{Cursor, Fault, Result, unexpected};
use crate::DecodeErrorKind;

impl Cursor<'_> {
    /// Moves over an escape, from its backslash on, and returns the character that it stands for.
    #[cfg_attr(not(feature = "small"), inline(always))]
    pub(crate) fn escape(&mut self) -> Result<char> {
        let start = self.offset();
        self.bump(1);
        let character = match self.peek() {
            Some(itself @ (b'"' | b'\\' | b'/')) => char::from(itself),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{C}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.apart(|cursor| cursor.unicode_escape(start)),
            Some(_) => return self.fail_at(start, &DecodeErrorKind::InvalidEscape),
            None => return Err(REST_OF_ESCAPE),
        };
        self.bump(1);
        Ok(character)
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

const REST_OF_ESCAPE: Fault = &unexpected("the rest of an escape");

/// Whether the text of a valid string, given without its quotes, is `text` once its escapes are resolved.
pub(crate) fn spells(string: &[u8], mut text: &[u8]) -> bool {
    let mut cursor = Cursor::new(string);
    loop {
        let start = cursor.offset();
        cursor.skip_to(b'\\');
        let Some(rest) = text.strip_prefix(cursor.since(start)) else { return false };
        if cursor.peek().is_none() {
            return rest.is_empty();
        }
        let mut utf8 = [0; 4];
        let character = cursor.escape().ok().map(|character| &*character.encode_utf8(&mut utf8));
        let Some(rest) = character.and_then(|character| rest.strip_prefix(character.as_bytes())) else { return false };
        text = rest;
    }
}

/// Resolves the escapes of the valid string whose text begins at `start`, in place: what an escape stands for is shorter.
/// Spaces fill what becomes free, and `delimiter` stands where both quotes were:
///
/// ```text
/// "a\u002db": 1      before
/// Xa-bX     : 1      after, where X is the delimiter
/// ```
#[inline(never)]
pub(crate) fn resolve(text: &mut [u8], start: usize, end: usize, delimiter: u8) {
    let (mut read, mut written) = (start, start);
    while read < end {
        let mut cursor = Cursor::at(text, read);
        match cursor.peek() {
            Some(b'\\') => {
                let Ok(character) = cursor.escape() else { return };
                read = cursor.offset();
                match u8::try_from(character) {
                    Ok(byte @ ..0x80) => put(text, &mut written, byte),
                    _ => character.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| put(text, &mut written, byte)),
                }
            }
            Some(byte) => {
                read = read.wrapping_add(1);
                put(text, &mut written, byte);
            }
            None => return,
        }
    }
    put(text, &mut start.wrapping_sub(1), delimiter);
    put(text, &mut written, delimiter);
    text.get_mut(written..=end).unwrap_or_default().fill(b' ');
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
    use std::vec::Vec;

    use super::*;

    fn assert_resolved(string: &str, text: &str) {
        let body = &string.as_bytes()[1..string.len() - 1];
        assert!(spells(body, text.as_bytes()), "{string}");
        assert!(!spells(body, &text.as_bytes()[1..]) && !spells(body, b"other"), "{string}");

        let mut bytes = Vec::from(string);
        resolve(&mut bytes, 1, string.len() - 1, 0xFF);
        let (resolved, free) = bytes.split_at(text.len() + 2);
        assert_eq!(resolved, [b"\xFF", text.as_bytes(), b"\xFF"].concat(), "{string}");
        assert!(free.iter().all(|byte| *byte == b' '), "{string}");
    }

    #[test]
    fn a_string_is_resolved_and_what_becomes_free_is_filled_with_spaces() {
        assert_resolved(r#""a\u002db""#, "a-b");
        assert_resolved(r#""\ud83d\udc36""#, "🐶");
        assert_resolved(r#""\uFFFF\u0000é""#, "\u{FFFF}\0é");
    }

    #[test]
    fn every_short_escape_stands_for_its_character() {
        assert_resolved(r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t");
    }
}

//! The strings of a header with their escapes resolved, in place.
//!
//! What an escape stands for is shorter than the escape, so a string is resolved where it stands. It then begins and ends
//! with [`MARK`] in place of its quotes, and spaces fill the room that became free:
//!
//! ```text
//! "a\u002db": 1      before
//! Xa-bX     : 1      after, where X is MARK
//! ```

use crate::json::{Scanner, hex_digit};

/// Stands in place of both quotes of a resolved string. UTF-8 has no such byte, so no text can be mistaken for its end.
pub(crate) const MARK: u8 = 0xFF;

/// Resolves every escaped name and every escaped string value of a valid header's own members. What is nested deeper
/// stays as it is, for it is lent as JSON.
pub(crate) fn resolve_members(header: &mut [u8]) {
    let mut from = 0;
    while let Some((start, end)) = next_escaped(header, from) {
        if let Some(string) = header.get_mut(start..end) {
            resolve(string);
        }
        from = end;
    }
}

/// Whether this is the text of the raw string.
pub(crate) fn means(mut raw: &[u8], text: &[u8]) -> bool {
    let mut text = text.iter();
    while let Some(character) = Character::first(raw) {
        if !character.utf8().iter().all(|byte| text.next() == Some(byte)) {
            return false;
        }
        raw = raw.get(character.raw_len..).unwrap_or_default();
    }
    text.next().is_none()
}

/// The next escaped string among the header's own members, from its opening quote to behind its closing one.
fn next_escaped(header: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut scanner = Scanner::new(header);
    scanner.advance(from);
    if from == 0 {
        scanner.skip_whitespace();
        scanner.take(b'{');
    }
    loop {
        scanner.skip_whitespace();
        match scanner.peek()? {
            b'"' => {
                let start = scanner.at();
                if scanner.string("").ok()?.escaped {
                    return Some((start, scanner.at()));
                }
            }
            b',' | b':' => scanner.advance(1),
            b'}' => return None,
            _ => scanner.value(1).ok()?,
        }
    }
}

/// Resolves a string, given with its quotes.
fn resolve(string: &mut [u8]) {
    let Some((opening, [body @ .., _])) = string.split_first_mut() else {
        return;
    };
    *opening = MARK;
    let (mut read, mut write) = (0_usize, 0_usize);
    while let Some(character) = body.get(read..).and_then(Character::first) {
        for byte in character.utf8() {
            if let Some(place) = body.get_mut(write) {
                *place = *byte;
            }
            write = write.saturating_add(1);
        }
        read = read.saturating_add(character.raw_len);
    }
    if let Some([closing, free @ ..]) = string.get_mut(write.saturating_add(1)..) {
        *closing = MARK;
        free.fill(b' ');
    }
}

/// A character of a valid string, or one byte of a character that stands for itself.
pub(crate) struct Character {
    utf8: [u8; 4],
    len: usize,
    /// How many bytes it takes in the raw string.
    pub(crate) raw_len: usize,
}

impl Character {
    pub(crate) fn first(raw: &[u8]) -> Option<Self> {
        match raw {
            [] => None,
            [b'\\', b'u', rest @ ..] => {
                let unit = code_unit(rest)?;
                if let 0xD800..=0xDBFF = unit {
                    let low = code_unit(rest.get(6..)?)?;
                    let pair = char::decode_utf16([unit, low]).next()?.ok()?;
                    Some(Self::new(pair, 12))
                } else {
                    Some(Self::new(char::from_u32(u32::from(unit))?, 6))
                }
            }
            [b'\\', letter, ..] => Some(Self::new(
                match letter {
                    b'b' => '\u{8}',
                    b'f' => '\u{C}',
                    b'n' => '\n',
                    b'r' => '\r',
                    b't' => '\t',
                    itself => char::from(*itself),
                },
                2,
            )),
            [byte, ..] => Some(Self { utf8: [*byte, 0, 0, 0], len: 1, raw_len: 1 }),
        }
    }

    fn new(character: char, raw_len: usize) -> Self {
        let mut utf8 = [0; 4];
        let len = character.encode_utf8(&mut utf8).len();
        Self { utf8, len, raw_len }
    }

    pub(crate) fn utf8(&self) -> &[u8] {
        self.utf8.get(..self.len).unwrap_or_default()
    }
}

/// The code unit that four hexadecimal digits spell.
fn code_unit(digits: &[u8]) -> Option<u16> {
    let digits = digits.first_chunk::<4>()?;
    let mut unit = 0;
    for digit in digits {
        unit = unit << 4 | hex_digit(*digit)?;
    }
    Some(unit)
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn resolved(header: &str) -> Vec<u8> {
        let mut bytes = header.as_bytes().to_vec();
        resolve_members(&mut bytes);
        assert_eq!(bytes.len(), header.len());
        bytes
    }

    #[test]
    fn strings_without_escapes_stay_as_they_are() {
        let header = r#" { "a" : "b", "c": [1, "\n"], "d": {"\u0065": "\t"} } "#;
        assert_eq!(resolved(header), header.as_bytes());
    }

    #[test]
    fn names_and_values_are_resolved_and_the_room_is_filled_with_spaces() {
        assert_eq!(
            resolved(r#"{"a\u002db": "\"", "c":"\ud83d\udc36"}"#),
            b"{\xFFa-b\xFF     : \xFF\"\xFF , \"c\":\xFF\xF0\x9F\x90\xB6\xFF        }"
        );
    }

    #[test]
    fn every_short_escape_means_its_character() {
        assert!(means(br#"\"\\\/\b\f\n\r\t"#, b"\"\\/\x08\x0C\n\r\t"));
        assert!(!means(br"\n", b"n"));
        assert!(!means(br"\n", b"\n\n"));
        assert!(!means(br"\n\n", b"\n"));
    }
}

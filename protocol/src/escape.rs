//! The strings of a header with their escapes resolved, in place.
//!
//! What an escape stands for is shorter than the escape, so a string is resolved where it stands. It then begins and ends
//! with [`MARK`] in place of its quotes, and spaces fill the room that became free:
//!
//! ```text
//! "a\u002db": 1      before
//! Xa-bX     : 1      after, where X is MARK
//! ```

use core::cell::Cell;

use crate::json::hex_digit;
use crate::run::run_to;

/// Stands in place of both quotes of a resolved string. UTF-8 has no such byte, so no text can be mistaken for its end.
pub(crate) const MARK: u8 = 0xFF;

/// Resolves a valid string, given with its quotes, and returns the length of its text.
pub(crate) fn resolve(string: &mut [u8]) -> usize {
    let Some((opening, [body @ .., _])) = string.split_first_mut() else {
        return 0;
    };
    *opening = MARK;
    let (mut read, mut write) = (0_usize, 0_usize);
    while let Some(rest @ [first, ..]) = body.get(read..) {
        if *first != b'\\' {
            let plain = run_to(b'\\', rest);
            move_down(body, read, plain, write);
            read = read.saturating_add(plain);
            write = write.saturating_add(plain);
        } else if let Some(character) = Character::first(rest) {
            for byte in character.utf8() {
                if let Some(place) = body.get_mut(write) {
                    *place = *byte;
                }
                write = write.saturating_add(1);
            }
            read = read.saturating_add(character.raw_len);
        } else {
            break;
        }
    }
    if let Some([closing, free @ ..]) = string.get_mut(write.saturating_add(1)..) {
        *closing = MARK;
        free.fill(b' ');
    }
    write
}

/// Copies bytes to a place before them, in words and then one by one: `copy_within` would check, and panic, at run time.
fn move_down(bytes: &mut [u8], from: usize, count: usize, to: usize) {
    let bytes = Cell::from_mut(bytes).as_slice_of_cells();
    let (from, to) = (bytes.get(from..).unwrap_or_default(), bytes.get(to..).unwrap_or_default());
    for (place, byte) in to.iter().zip(from.iter().take(count)) {
        place.set(byte.get());
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

    fn assert_resolved(string: &str, text: &str) {
        let mut bytes = Vec::from(string);
        assert_eq!(resolve(&mut bytes), text.len(), "{string}");
        let (resolved, free) = bytes.split_at(text.len() + 2);
        assert_eq!(resolved, [&[MARK], text.as_bytes(), &[MARK]].concat(), "{string}");
        assert!(free.iter().all(|byte| *byte == b' '), "{string}");
    }

    #[test]
    fn a_string_is_resolved_and_the_room_filled_with_spaces() {
        assert_resolved(r#""a\u002db""#, "a-b");
        assert_resolved(r#""\ud83d\udc36""#, "🐶");
        assert_resolved(r#""\uFFFF\u0000é""#, "\u{FFFF}\0é");
        assert_resolved(r#""""#, "");
    }

    #[test]
    fn every_short_escape_stands_for_its_character() {
        assert_resolved(r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t");
    }
}

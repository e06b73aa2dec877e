//! Escapes, and the strings of a header with their escapes resolved, in place.
//!
//! What an escape stands for is shorter than the escape, so a string is resolved where it stands. It then begins and ends
//! with [`MARK`] in place of its quotes, and spaces fill the room that became free:
//!
//! ```text
//! "a\u002db": 1      before
//! Xa-bX     : 1      after, where X is MARK
//! ```

use core::cell::Cell;

use crate::json::fault::{Expected, FaultKind, Result};
use crate::json::scan::{RawString, Utf8, beyond_ascii, unexpected};
use crate::json::swar::plain_run;

/// Stands in place of both quotes of a resolved string. UTF-8 has no such byte, so no text can be mistaken for its end.
pub(crate) const MARK: u8 = 0xFF;

/// The character that the escape at this index stands for, and the index behind it.
#[cfg_attr(not(feature = "small"), inline)]
pub(crate) fn escape(text: &[u8], backslash: usize) -> Result<(char, usize)> {
    let character = match text.get(backslash.wrapping_add(1)) {
        Some(itself @ (b'"' | b'\\' | b'/')) => char::from(*itself),
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{C}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode_escape(text, backslash),
        Some(_) => return Err(FaultKind::InvalidEscape.at(backslash)),
        None => return Err(unexpected(text, backslash.wrapping_add(1), Expected::Escape)),
    };
    Ok((character, backslash.wrapping_add(2)))
}

/// [`escape`] for four digits, and for twice four that are a surrogate pair.
fn unicode_escape(text: &[u8], backslash: usize) -> Result<(char, usize)> {
    let mut unit = 0;
    let mut at = backslash.wrapping_add(2);
    for _ in 0..4 {
        let Some(byte) = text.get(at) else {
            return Err(unexpected(text, at, Expected::Escape));
        };
        let Some(digit) = char::from(*byte).to_digit(16) else {
            return Err(FaultKind::InvalidEscape.at(backslash));
        };
        unit = unit << 4 | digit;
        at = at.wrapping_add(1);
    }
    match (char::from_u32(unit), unit) {
        (Some(character), _) => Ok((character, at)),
        (None, 0xD800..=0xDBFF) => low_surrogate(text, at, backslash, unit),
        _ => Err(FaultKind::LoneSurrogate.at(backslash)),
    }
}

/// The second half of the surrogate pair that begins at `backslash` with this high one.
fn low_surrogate(text: &[u8], mut at: usize, backslash: usize, high: u32) -> Result<(char, usize)> {
    let lone = FaultKind::LoneSurrogate.at(backslash);
    let mut low = 0;
    for place in 0..6 {
        let Some(byte) = text.get(at) else {
            return Err(unexpected(text, at, Expected::SurrogatePair));
        };
        let digit = char::from(*byte).to_digit(16);
        low = match (place, byte, digit) {
            (0, b'\\', _) | (1, b'u', _) => 0,
            (2, _, Some(digit @ 0xD)) | (3, _, Some(digit @ 0xC..)) | (4.., _, Some(digit)) => low << 4 | digit,
            _ => return Err(lone),
        };
        at = at.wrapping_add(1);
    }
    let pair = (high & 0x3FF) << 10 | low & 0x3FF;
    let character = char::from_u32(pair.wrapping_add(0x1_0000)).ok_or(lone)?;
    Ok((character, at))
}

/// Passes over the rest of the string that begins at `start`, from the first byte of it on that is special, and resolves
/// its escapes: where its text is now, and the index behind it.
#[inline(never)]
pub(crate) fn resolve(text: &mut [u8], start: usize, special: usize, utf8: &mut Utf8) -> Result<(RawString, usize)> {
    let (mut read, mut write) = (special, special);
    loop {
        let plain = match text.get(read) {
            Some(b'"') => break,
            Some(b'\\') => {
                let (character, behind) = escape(text, read)?;
                write = match u8::try_from(character) {
                    Ok(byte @ ..0x80) => put(text, write, byte),
                    _ => character.encode_utf8(&mut [0; 4]).bytes().fold(write, |at, byte| put(text, at, byte)),
                };
                read = behind;
                continue;
            }
            Some(found @ ..0x20) => return Err(FaultKind::ControlCharacter(*found).at(read)),
            Some(0x80..) => beyond_ascii(text, read, utf8)?.wrapping_sub(read),
            Some(_) => plain_run(text.get(read..).unwrap_or_default()),
            None => return Err(unexpected(text, read, Expected::ClosingQuote)),
        };
        if write < read {
            move_down(text, read, plain, write);
        }
        read = read.wrapping_add(plain);
        write = write.wrapping_add(plain);
    }
    if write < read {
        put(text, start.wrapping_sub(1), MARK);
        put(text, write, MARK);
        text.get_mut(write.wrapping_add(1)..=read).unwrap_or_default().fill(b' ');
    }
    Ok((RawString { start, end: write }, read.wrapping_add(1)))
}

/// Writes a byte at this index, and returns the one behind it.
fn put(text: &mut [u8], at: usize, byte: u8) -> usize {
    if let Some(place) = text.get_mut(at) {
        *place = byte;
    }
    at.wrapping_add(1)
}

/// Copies bytes to a place before them: `copy_within` would check, and panic, at run time.
fn move_down(bytes: &mut [u8], from: usize, count: usize, to: usize) {
    let bytes = Cell::from_mut(bytes).as_slice_of_cells();
    let (from, to) = (bytes.get(from..).unwrap_or_default(), bytes.get(to..).unwrap_or_default());
    for (place, byte) in to.iter().zip(from.iter().take(count)) {
        place.set(byte.get());
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn assert_resolved(string: &str, text: &str) {
        let mut bytes = Vec::from(string);
        let (resolved, behind) = resolve(&mut bytes, 1, 1, &mut Utf8::default()).unwrap();
        assert_eq!((resolved.bytes(&bytes), behind), (text.as_bytes(), string.len()), "{string}");
        let (resolved, free) = bytes.split_at(text.len() + 2);
        assert_eq!(resolved, [&[MARK], text.as_bytes(), &[MARK]].concat(), "{string}");
        assert!(free.iter().all(|byte| *byte == b' '), "{string}");
    }

    #[test]
    fn a_string_is_resolved_and_the_room_filled_with_spaces() {
        assert_resolved(r#""a\u002db""#, "a-b");
        assert_resolved(r#""\ud83d\udc36""#, "🐶");
        assert_resolved(r#""\uFFFF\u0000é""#, "\u{FFFF}\0é");
    }

    #[test]
    fn a_string_without_escapes_stays_as_it_is() {
        for string in ["\"\"", "\"abcdefghé\""] {
            let mut bytes = Vec::from(string);
            assert_eq!(resolve(&mut bytes, 1, 1, &mut Utf8::default()).unwrap().1, string.len());
            assert_eq!(bytes, string.as_bytes());
        }
    }

    #[test]
    fn every_short_escape_stands_for_its_character() {
        assert_resolved(r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t");
    }
}

//! How far a text goes on without anything special in it: 16 bytes or a machine word at a time, or byte by byte in a small
//! build.
//!
//! SWAR: a word is a register of bytes, all of which are looked at in one step.

/// How many bytes of a word come before the first that cannot stand in a JSON string as it is, or is not ASCII, if it has
/// one.
#[cfg_attr(not(feature = "small"), inline(always))]
pub(crate) const fn plain_before(word: usize) -> Option<usize> {
    match (mark_special(word) | word) & HIGHS {
        0 => None,
        marks => Some((marks.trailing_zeros() / 8) as usize),
    }
}

/// How many of the first bytes can stand in a JSON string as they are, without a look at their neighbours: ASCII, but no
/// quote, no backslash, no control character.
#[inline(never)]
pub(crate) fn plain_run(bytes: &[u8]) -> usize {
    let is_special = |byte: u8| needs_escape(byte) || !byte.is_ascii();
    if cfg!(feature = "small") {
        return bytes.iter().take_while(|byte| !is_special(**byte)).count();
    }
    let mut rest = bytes;
    while let Some((chunk, after)) = rest.split_first_chunk::<16>() {
        // The compiler looks at all of them at once. Exchanging quotes for spaces leaves two things to look for.
        let is_found = |byte: u8| i8::from_ne_bytes([byte ^ b'"' ^ b' ']) <= 0x20 || byte == b'\\';
        if chunk.iter().fold(false, |any, byte| any | is_found(*byte)) {
            let before = bytes.len().wrapping_sub(rest.len());
            let in_first = words(chunk).next().and_then(plain_before);
            let in_second = || words(chunk).nth(1).and_then(plain_before).unwrap_or_default();
            return before.wrapping_add(in_first.unwrap_or_else(|| in_second().wrapping_add(WORD)));
        }
        rest = after;
    }
    bytes.len().wrapping_sub(rest.len()).wrapping_add(tail_run(rest, is_special))
}

/// How many bytes there are before the first of this value, or all there are.
#[cfg_attr(not(feature = "small"), inline)]
pub(crate) fn run_to(byte: u8, bytes: &[u8]) -> usize {
    let copies = usize::from_le_bytes([byte; WORD]);
    let marks = |word: usize| (word ^ copies).wrapping_sub(ONES) & !(word ^ copies);
    run(bytes, marks, |other| other == byte)
}

/// How many of the first bytes of a text can stand in a JSON string as they are: no quote, no backslash, no control
/// character.
pub(crate) fn unescaped_run(text: &str) -> usize {
    run(text.as_bytes(), |word| mark_special(word) & !word, needs_escape)
}

/// Whether all of a text can stand in a JSON string as it is.
///
/// Its end is looked at in one step too, together with bytes before it.
pub(crate) fn is_unescaped(text: &str) -> bool {
    if cfg!(feature = "small") {
        return unescaped_run(text) == text.len();
    }
    let bytes = text.as_bytes();
    match bytes.last_chunk::<WORD>() {
        None => !bytes.iter().any(|byte| needs_escape(*byte)),
        Some(end) => {
            words(bytes).chain([usize::from_le_bytes(*end)]).all(|word| mark_special(word) & !word & HIGHS == 0)
        }
    }
}

/// How many bytes come before the first special one. `special` marks those of a word by their highest bits, of which the
/// lowest marked must be exact.
#[cfg_attr(not(feature = "small"), inline)]
fn run(bytes: &[u8], special: impl Fn(usize) -> usize, is_special: impl Fn(u8) -> bool) -> usize {
    if cfg!(feature = "small") {
        return bytes.iter().take_while(|byte| !is_special(**byte)).count();
    }
    let mut rest = bytes;
    while let Some((word, after)) = rest.split_first_chunk::<WORD>() {
        let marks = special(usize::from_le_bytes(*word)) & HIGHS;
        if marks != 0 {
            return bytes.len().wrapping_sub(rest.len()).wrapping_add((marks.trailing_zeros() / 8) as usize);
        }
        rest = after;
    }
    bytes.len().wrapping_sub(rest.len()).wrapping_add(tail_run(rest, is_special))
}

/// The whole words that the bytes begin with.
fn words(bytes: &[u8]) -> impl Iterator<Item = usize> {
    bytes.chunks_exact(WORD).map(|word| word.first_chunk().map_or(0, |word| usize::from_le_bytes(*word)))
}

/// [`run`] byte by byte. After nearly every text there is a whole word, so this is seldom called.
#[cold]
#[inline(never)]
fn tail_run(bytes: &[u8], is_special: impl Fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| !is_special(**byte)).count()
}

/// How many bytes a word has.
const WORD: usize = size_of::<usize>();

const ONES: usize = usize::from_le_bytes([0x01; WORD]);
const HIGHS: usize = usize::from_le_bytes([0x80; WORD]);

/// Marks the quotes, backslashes and control characters of a word by their highest bits.
///
/// The lowest mark among ASCII is exact. Above it a byte may be marked wrongly, for a subtraction borrows from its
/// neighbour; and so may bytes beyond ASCII.
const fn mark_special(word: usize) -> usize {
    const TWOS: usize = usize::from_le_bytes([b'"' ^ b' '; WORD]);
    const BACKSLASHES: usize = usize::from_le_bytes([b'\\'; WORD]);

    // This exchanges a quote for a space, and leaves control characters below both.
    let control_or_quote = (word ^ TWOS).wrapping_sub(usize::from_le_bytes([b' ' + 1; WORD]));
    let backslash = (word ^ BACKSLASHES).wrapping_sub(ONES);
    control_or_quote | backslash
}

/// Whether the byte cannot stand in a JSON string as it is.
pub(crate) const fn needs_escape(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | ..0x20)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_bytes(bytes: &[u8], special: impl Fn(u8) -> bool) -> usize {
        bytes.iter().take_while(|byte| !special(**byte)).count()
    }

    #[test]
    fn a_run_ends_at_the_first_special_byte_wherever_it_stands_in_a_word() {
        for special in 0..=u8::MAX {
            for neighbour in [b'a', b' ', b'!', b'#', b'[', b']', 0x7F, special] {
                for at in 0..20 {
                    let mut bytes = [neighbour; 21];
                    bytes[at] = special;
                    let plain = by_bytes(&bytes, |byte| needs_escape(byte) || byte >= 0x80);
                    assert_eq!(plain_run(&bytes), plain, "{special:#x} among {neighbour:#x} at {at}");
                }
            }
        }
    }

    #[test]
    fn a_short_text_is_looked_at_to_its_end() {
        for length in 0..20 {
            let plain = "a".repeat(length);
            assert!(is_unescaped(&plain));
            for at in 0..length {
                for special in ["\"", "\\", "\n"] {
                    let text = [&plain[..at], special, &plain[at + 1..]].concat();
                    assert!(!is_unescaped(&text), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn characters_beyond_ascii_do_not_end_an_unescaped_run() {
        for special in ['"', '\\', '\0', '\x1F', ' ', '\x7F', '\u{80}', 'é', '\u{7FF}', '🐶', '\u{10FFFF}'] {
            for neighbour in ['a', ' ', '!', '#', '[', ']', '\u{80}', 'ÿ', '€', '🐶'] {
                for at in 0..20 {
                    let text: std::string::String =
                        (0..21).map(|index| if index == at { special } else { neighbour }).collect();
                    let unescaped = by_bytes(text.as_bytes(), needs_escape);
                    assert_eq!(unescaped_run(&text), unescaped, "{special:?} among {neighbour:?} at {at}");
                    assert_eq!(is_unescaped(&text), unescaped == text.len(), "{special:?} among {neighbour:?} at {at}");
                }
            }
        }
    }
}

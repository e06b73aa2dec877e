//! Integers.

use core::fmt;

use super::write::Sink;

/// The number that the digits spell, if they spell one as JSON does and it fits in 64 bits.
pub(crate) fn plain_integer(digits: &[u8]) -> Option<u64> {
    match leading_integer(digits)? {
        (number, []) => Some(number),
        _ => None,
    }
}

/// Does what [`plain_integer`] does with the digits at the beginning of a text, and returns what follows them, too.
#[cfg_attr(not(feature = "small"), inline)]
pub(crate) fn leading_integer(text: &[u8]) -> Option<(u64, &[u8])> {
    /// The greatest number that fits. Numbers with as many digits sort as their texts do.
    const MAX: &[u8] = b"18446744073709551615";

    let mut number = 0_u64;
    let mut rest = text;
    while let [byte @ b'0'..=b'9', after @ ..] = rest {
        number = number.wrapping_mul(10).wrapping_add(u64::from(byte & 0xF));
        rest = after;
    }
    let is_plain = match text.len().wrapping_sub(rest.len()) {
        1 => true,
        2..=19 => !text.starts_with(b"0"),
        20 => !text.starts_with(b"0") && text.get(..20).is_some_and(|digits| digits <= MAX),
        _ => false,
    };
    is_plain.then_some((number, rest))
}

/// Writes an integer in decimal digits.
#[cfg_attr(not(feature = "small"), inline)]
pub(crate) fn write_integer(out: &mut impl Sink, number: u64) -> fmt::Result {
    if cfg!(feature = "small") {
        return write_long_integer(out, number);
    }
    let digit = |rest: u64| b'0' | (rest % 10) as u8;
    let (ones, tens, hundreds, thousands) =
        (digit(number), digit(number / 10), digit(number / 100), digit(number / 1000));
    // Most are short, and an array as long as the compiler knows is written at once.
    match number {
        0..=9 => out.put(&[ones]),
        10..=99 => out.put(&[tens, ones]),
        100..=999 => out.put(&[hundreds, tens, ones]),
        1000..=9999 => out.put(&[thousands, hundreds, tens, ones]),
        _ => write_long_integer(out, number),
    }
}

#[inline(never)]
fn write_long_integer(out: &mut impl Sink, number: u64) -> fmt::Result {
    let mut digits = [b'0'; 20];
    let mut rest = number;
    let mut used = 0_usize;
    for place in digits.iter_mut().rev() {
        let digit;
        (rest, digit) = if cfg!(feature = "small") { by_ten(rest) } else { (rest / 10, (rest % 10) as u8) };
        *place = b'0' | digit;
        used = used.saturating_add(1);
        if rest == 0 {
            break;
        }
    }
    out.put(digits.get(digits.len().saturating_sub(used)..).unwrap_or_default())
}

/// A tenth of the number, and what remains: 16 bits at a time, for on a small machine all 64 take a function of their own.
fn by_ten(number: u64) -> (u64, u8) {
    let bytes = number.to_be_bytes();
    let (mut tenth, mut rest) = (0, 0_u32);
    for part in bytes.chunks_exact(2) {
        let part = part.iter().fold(rest, |part, byte| part << 8 | u32::from(*byte));
        tenth = tenth << 16 | u64::from(part / 10);
        rest = part % 10;
    }
    (tenth, (rest % 10) as u8)
}

#[cfg(test)]
mod tests {
    use std::string::{String, ToString};

    use super::*;

    #[test]
    fn integers_are_written_as_display_does() {
        for number in [0, 1, 9, 10, 99, 100, 12_345, u64::from(u32::MAX), 1 << 53, 1 << 63, u64::MAX] {
            let mut text = String::new();
            write_integer(&mut text, number).unwrap();
            assert_eq!(text, number.to_string());
        }
    }

    #[test]
    fn a_number_is_divided_by_ten_in_parts() {
        for number in [0, 9, 10, 65_535, 65_536, 655_359, u64::from(u32::MAX), 1 << 53, (1 << 63) + 7, u64::MAX] {
            assert_eq!(by_ten(number), (number / 10, (number % 10) as u8), "{number}");
        }
    }

    #[test]
    fn a_plain_integer_fits_64_bits() {
        assert_eq!(plain_integer(b"0"), Some(0));
        assert_eq!(plain_integer(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(plain_integer(b"18446744073709551616"), None);
        assert_eq!(plain_integer(b"100000000000000000000"), None);
    }

    #[test]
    fn nothing_but_digits_is_a_plain_integer() {
        for text in ["", "00", "007", "-1", "-0", "+1", "1.0", "1e2", "x", "1x"] {
            assert_eq!(plain_integer(text.as_bytes()), None, "{text:?}");
        }
    }
}

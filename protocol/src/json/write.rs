//! JSON in the emitted form, which is exactly what Python's `json.dumps(value, ensure_ascii=False)` writes
//! ([SPEC §4.1](crate::spec#41-the-emitted-form)).

use core::fmt;

use crate::json::fault::Expected;
use crate::json::scan::{Utf8, skip_whitespace, string};
use crate::json::swar::{IS_SMALL, is_unescaped, needs_escape, run_to, unescaped_run};
use crate::json::unescape::escape;

/// What JSON is written to, piece by piece; each piece is whole characters.
pub(crate) trait Sink {
    fn put(&mut self, bytes: &[u8]) -> fmt::Result;
}

impl Sink for fmt::Formatter<'_> {
    fn put(&mut self, bytes: &[u8]) -> fmt::Result {
        self.write_str(core::str::from_utf8(bytes).map_err(|_| fmt::Error)?)
    }
}

/// Writes a JSON string that stands for the text.
pub(crate) fn write_string(out: &mut impl Sink, text: &str) -> fmt::Result {
    out.put(b"\"")?;
    if is_unescaped(text) {
        out.put(text.as_bytes())?;
    } else {
        write_escaped(out, text)?;
    }
    out.put(b"\"")
}

/// Writes text as it stands within a JSON string.
fn write_escaped(out: &mut impl Sink, text: &str) -> fmt::Result {
    let mut rest = text;
    while let Some((plain, byte, after)) = split_at_special(rest) {
        if !plain.is_empty() {
            out.put(plain.as_bytes())?;
        }
        write_escape(out, byte)?;
        rest = after;
    }
    out.put(rest.as_bytes())
}

/// The text before the first byte that must be escaped, that byte, and the text after it.
fn split_at_special(text: &str) -> Option<(&str, u8, &str)> {
    let (plain, rest) = text.split_at_checked(unescaped_run(text))?;
    let byte = *rest.as_bytes().first()?;
    Some((plain, byte, rest.get(1..)?))
}

fn write_escape(out: &mut impl Sink, byte: u8) -> fmt::Result {
    out.put(match byte {
        b'"' => b"\\\"",
        b'\\' => b"\\\\",
        b'\n' => b"\\n",
        b'\r' => b"\\r",
        b'\t' => b"\\t",
        0x08 => b"\\b",
        0x0C => b"\\f",
        _ => return out.put(&[b'\\', b'u', b'0', b'0', lower_hex(byte >> 4), lower_hex(byte & 0xF)]),
    })
}

const fn lower_hex(digit: u8) -> u8 {
    match digit {
        0..=9 => digit | b'0',
        _ => digit.wrapping_sub(10).wrapping_add(b'a'),
    }
}

/// Writes an integer in decimal digits.
#[cfg_attr(not(feature = "small"), inline)]
pub(crate) fn write_integer(out: &mut impl Sink, number: u64) -> fmt::Result {
    if IS_SMALL {
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
        (rest, digit) = if IS_SMALL { by_ten(rest) } else { (rest / 10, (rest % 10) as u8) };
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
    for part in bytes.as_chunks().0 {
        let part = rest << 16 | u32::from(u16::from_be_bytes(*part));
        tenth = tenth << 16 | u64::from(part / 10);
        rest = part % 10;
    }
    (tenth, (rest % 10) as u8)
}

/// Writes valid JSON again in the emitted form: a space after each separator and no other white space, and nothing
/// escaped in its strings but what must be. Numbers stay as they are.
pub(crate) fn write_again(out: &mut impl Sink, json: &str) -> fmt::Result {
    let json = json.as_bytes();
    let mut utf8 = Utf8::default();
    let mut at = 0;
    loop {
        at = skip_whitespace(json, at);
        let Some(byte) = json.get(at) else {
            return Ok(());
        };
        if *byte == b'"' {
            let behind = string(json, at, Expected::String, &mut utf8).map_err(|_| fmt::Error)?;
            write_string_again(out, json.get(at..behind).unwrap_or_default())?;
            at = behind;
            continue;
        }
        match byte {
            b',' => out.put(b", ")?,
            b':' => out.put(b": ")?,
            byte => out.put(&[*byte])?,
        }
        at = at.wrapping_add(1);
    }
}

/// Writes a valid string again, given with its quotes.
fn write_string_again(out: &mut impl Sink, string: &[u8]) -> fmt::Result {
    let mut rest = string;
    while let Some((plain, escaped @ [_, ..])) = rest.split_at_checked(run_to(b'\\', rest)) {
        let (character, behind) = escape(escaped, 0).map_err(|_| fmt::Error)?;
        out.put(plain)?;
        match character.encode_utf8(&mut [0; 4]).as_bytes() {
            [byte] if needs_escape(*byte) => write_escape(out, *byte)?,
            utf8 => out.put(utf8)?,
        }
        rest = escaped.get(behind..).unwrap_or_default();
    }
    out.put(rest)
}

#[cfg(test)]
mod tests {
    use core::fmt::Write;
    use std::format;
    use std::string::{String, ToString};

    use super::*;

    impl Sink for String {
        fn put(&mut self, bytes: &[u8]) -> fmt::Result {
            self.write_str(str::from_utf8(bytes).unwrap())
        }
    }

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
    fn strings_are_written_as_serde_json_does() {
        for code in (0..0x300).chain([0x2028, 0xD7FF, 0xE000, 0xFEFF, 0xFFFF, 0x1_0000, 0x10_FFFF]) {
            let character = char::from_u32(code).unwrap();
            for text in [format!("{character}"), format!("a{character}"), format!("{character}{character}b")] {
                let mut json = String::new();
                write_string(&mut json, &text).unwrap();
                assert_eq!(json, serde_json::to_string(&text).unwrap());
            }
        }
    }

    #[test]
    fn json_is_written_again_in_the_emitted_form() {
        for (json, emitted) in [
            (" [ 1 ,2\t, -0.50e+1 ]\n", "[1, 2, -0.50e+1]"),
            (r#"{"a":{},"b" : [ ]}"#, r#"{"a": {}, "b": []}"#),
            (r#"["a,b: c", true,null]"#, r#"["a,b: c", true, null]"#),
            (r#"["\u00e9\/\u005C\u0022\u000a\u001F\ud83d\udc36é"]"#, r#"["é/\\\"\n\u001f🐶é"]"#),
            (r#"{"\u0061\u007f":"\b\f\n\r\t"}"#, "{\"a\u{7F}\": \"\\b\\f\\n\\r\\t\"}"),
        ] {
            let mut written = String::new();
            write_again(&mut written, json).unwrap();
            assert_eq!(written, emitted);
            let mut again = String::new();
            write_again(&mut again, &written).unwrap();
            assert_eq!(again, emitted);
        }
    }
}

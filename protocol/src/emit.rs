//! JSON in the emitted form, which is exactly what Python's `json.dumps(value, ensure_ascii=False)` writes
//! ([SPEC §4.1](crate::spec#41-the-emitted-form)).

use core::fmt::{self, Write};

use crate::escape::Character;
use crate::json::{RawString, Scanner};
use crate::run::{is_unescaped, unescaped_run};

/// Writes a JSON string that stands for the text.
pub(crate) fn write_string(out: &mut impl Write, text: &str) -> fmt::Result {
    out.write_str("\"")?;
    write_escaped(out, text)?;
    out.write_str("\"")
}

/// Writes text as it stands within a JSON string.
fn write_escaped(out: &mut impl Write, text: &str) -> fmt::Result {
    if is_unescaped(text) {
        return out.write_str(text);
    }
    let mut rest = text;
    while let Some((plain, byte, after)) = split_at_special(rest) {
        out.write_str(plain)?;
        write_escape(out, byte)?;
        rest = after;
    }
    out.write_str(rest)
}

/// The text before the first byte that must be escaped, that byte, and the text after it.
fn split_at_special(text: &str) -> Option<(&str, u8, &str)> {
    let (plain, rest) = text.split_at_checked(unescaped_run(text))?;
    let byte = *rest.as_bytes().first()?;
    Some((plain, byte, rest.get(1..)?))
}

fn write_escape(out: &mut impl Write, byte: u8) -> fmt::Result {
    out.write_str(match byte {
        b'"' => "\\\"",
        b'\\' => "\\\\",
        b'\n' => "\\n",
        b'\r' => "\\r",
        b'\t' => "\\t",
        0x08 => "\\b",
        0x0C => "\\f",
        _ => {
            out.write_str("\\u00")?;
            out.write_char(lower_hex(byte >> 4))?;
            return out.write_char(lower_hex(byte & 0xF));
        }
    })
}

fn lower_hex(digit: u8) -> char {
    char::from_digit(u32::from(digit), 16).unwrap_or('0')
}

/// Writes an integer in decimal digits.
pub(crate) fn write_integer(out: &mut impl Write, number: u64) -> fmt::Result {
    let mut digits = [b'0'; 20];
    let mut rest = number;
    let mut used = 0_usize;
    for place in digits.iter_mut().rev() {
        *place = b'0' | (rest % 10) as u8;
        rest /= 10;
        used = used.saturating_add(1);
        if rest == 0 {
            break;
        }
    }
    let digits = digits.get(digits.len().saturating_sub(used)..).unwrap_or_default();
    out.write_str(core::str::from_utf8(digits).unwrap_or_default())
}

/// Writes valid JSON again in the emitted form: a space after each separator and no other white space, and nothing
/// escaped in its strings but what must be. Numbers stay as they are.
pub(crate) fn write_again(out: &mut impl Write, json: &str) -> fmt::Result {
    let mut scanner = Scanner::new(json.as_bytes());
    loop {
        scanner.skip_whitespace();
        match scanner.peek() {
            None => return Ok(()),
            Some(b'"') => write_string_again(out, &scanner.string("").map_err(|_| fmt::Error)?)?,
            Some(byte) => {
                scanner.advance(1);
                out.write_char(char::from(byte))?;
                if matches!(byte, b',' | b':') {
                    out.write_str(" ")?;
                }
            }
        }
    }
}

fn write_string_again(out: &mut impl Write, string: &RawString<'_>) -> fmt::Result {
    out.write_str("\"")?;
    let mut rest = string.bytes;
    while let Some(length) = rest.iter().position(|byte| *byte == b'\\') {
        let (plain, escape) = rest.split_at_checked(length).ok_or(fmt::Error)?;
        let character = Character::first(escape).ok_or(fmt::Error)?;
        out.write_str(utf8(plain)?)?;
        write_escaped(out, utf8(character.utf8())?)?;
        rest = escape.get(character.raw_len..).unwrap_or_default();
    }
    out.write_str(utf8(rest)?)?;
    out.write_str("\"")
}

fn utf8(bytes: &[u8]) -> Result<&str, fmt::Error> {
    core::str::from_utf8(bytes).map_err(|_| fmt::Error)
}

#[cfg(test)]
mod tests {
    use std::format;
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

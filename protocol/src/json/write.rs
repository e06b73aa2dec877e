//! JSON in the canonical form, which is exactly what Python's `json.dumps(value, ensure_ascii=False)` writes
//! ([SPEC §4.1](crate::spec#41-the-emitted-form)).

use core::fmt;

use super::cursor::Cursor;
use super::swar::{is_unescaped, needs_escape, unescaped_run};

/// What JSON is written to, piece by piece; each piece is whole characters.
pub(crate) trait Sink {
    fn put(&mut self, bytes: &[u8]) -> fmt::Result;
}

impl Sink for fmt::Formatter<'_> {
    fn put(&mut self, bytes: &[u8]) -> fmt::Result {
        self.write_str(core::str::from_utf8(bytes).map_err(|_| fmt::Error)?)
    }
}

/// Copies bytes to this index of a buffer, if they fit there.
#[cfg_attr(not(feature = "small"), inline)]
pub(crate) fn fill(buffer: &mut [u8], at: usize, bytes: &[u8]) {
    let free = buffer.get_mut(at..).unwrap_or_default();
    if let Some((place, _)) = free.split_at_mut_checked(bytes.len()) {
        place.copy_from_slice(bytes);
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

/// Writes valid JSON again in the canonical form: a space after each separator and no other white space, and nothing
/// escaped in its strings but what must be. Numbers stay as they are.
pub(crate) fn write_again(out: &mut impl Sink, json: &str) -> fmt::Result {
    let mut cursor = Cursor::new(json.as_bytes());
    loop {
        cursor.skip_whitespace();
        match cursor.peek() {
            None => return Ok(()),
            Some(b'"') => {
                write_string_again(out, &mut cursor)?;
                continue;
            }
            Some(b',') => out.put(b", ")?,
            Some(b':') => out.put(b": ")?,
            Some(byte) => out.put(&[byte])?,
        }
        cursor.bump(1);
    }
}

/// Writes the valid string again that the cursor moves over.
fn write_string_again(out: &mut impl Sink, cursor: &mut Cursor<'_>) -> fmt::Result {
    let mut start = cursor.offset();
    cursor.bump(1);
    loop {
        match cursor.peek() {
            Some(b'\\') => {
                out.put(cursor.since(start))?;
                let character = cursor.escape().map_err(|_| fmt::Error)?;
                match character.encode_utf8(&mut [0; 4]).as_bytes() {
                    [byte] if needs_escape(*byte) => write_escape(out, *byte)?,
                    utf8 => out.put(utf8)?,
                }
                start = cursor.offset();
            }
            Some(b'"') => {
                cursor.bump(1);
                return out.put(cursor.since(start));
            }
            Some(_) => cursor.bump(1),
            None => return Err(fmt::Error),
        }
    }
}

#[cfg(test)]
mod tests {
    use core::fmt::Write;
    use std::format;
    use std::string::String;

    use super::*;

    impl Sink for String {
        fn put(&mut self, bytes: &[u8]) -> fmt::Result {
            self.write_str(core::str::from_utf8(bytes).unwrap())
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
        for (json, canonical) in [
            (" [ 1 ,2\t, -0.50e+1 ]\n", "[1, 2, -0.50e+1]"),
            (r#"{"a":{},"b" : [ ]}"#, r#"{"a": {}, "b": []}"#),
            (r#"["a,b: c", true,null]"#, r#"["a,b: c", true, null]"#),
            (r#"["\u00e9\/\u005C\u0022\u000a\u001F\ud83d\udc36é"]"#, r#"["é/\\\"\n\u001f🐶é"]"#),
            (r#"{"\u0061\u007f":"\b\f\n\r\t"}"#, "{\"a\u{7F}\": \"\\b\\f\\n\\r\\t\"}"),
        ] {
            let mut written = String::new();
            write_again(&mut written, json).unwrap();
            assert_eq!(written, canonical);
            let mut again = String::new();
            write_again(&mut again, &written).unwrap();
            assert_eq!(again, canonical);
        }
    }
}

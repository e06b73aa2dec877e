//! What peers send, in a form that is safe to print.

use core::ascii;
use core::fmt::{self, Display, Formatter, Write};

/// How much of a long text is printed, in bytes: a terminal must survive a large message.
const SHOWN: usize = 1024;

/// Bytes in the notation that Rust and Python share: `b"\x00g{\"byteorder\": …"`.
#[derive(Clone, Copy, Debug)]
pub struct ByteString<'a>(pub &'a [u8]);

impl Display for ByteString<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (shown, left_out) = self.0.split_at(self.0.len().min(SHOWN));
        f.write_str("b\"")?;
        for byte in shown {
            match byte {
                b'\'' => f.write_str("'")?,
                _ => ascii::escape_default(*byte).fmt(f)?,
            }
        }
        f.write_str("\"")?;
        write_left_out(f, left_out.len())
    }
}

/// Text as it is, but for the characters that would act on a terminal instead of showing there.
#[derive(Clone, Copy, Debug)]
pub struct Printable<'a>(pub &'a str);

impl Display for Printable<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut left_out = self.0.len();
        for character in self.0.chars() {
            if self.0.len() - left_out >= SHOWN {
                break;
            }
            left_out -= character.len_utf8();
            if acts_on_terminal(character) { character.escape_default().fmt(f)? } else { character.fmt(f)? }
        }
        write_left_out(f, left_out)
    }
}

/// The same with its lines and its tabs, however long it is.
#[derive(Clone, Copy, Debug)]
pub struct PrintableLines<'a>(pub &'a str);

impl Display for PrintableLines<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '\n' | '\t' => f.write_char(character),
            _ if acts_on_terminal(character) => character.escape_default().fmt(f),
            _ => f.write_char(character),
        })
    }
}

fn write_left_out(f: &mut Formatter<'_>, bytes: usize) -> fmt::Result {
    match bytes {
        0 => Ok(()),
        1 => f.write_str(" … and 1 more byte"),
        _ => write!(f, " … and {bytes} more bytes"),
    }
}

/// `1 byte`, and any other number of bytes.
pub fn count_of_bytes(count: u64) -> String {
    if count == 1 { "1 byte".into() } else { format!("{count} bytes") }
}

/// Whether the character ends a line, starts an escape sequence, or turns the direction of writing.
pub fn acts_on_terminal(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_in_a_program() {
        assert_eq!(ByteString(b"\x00g{\"it's\": \"\\\n\xFF\"}").to_string(), r#"b"\x00g{\"it's\": \"\\\n\xff\"}""#);
        assert_eq!(ByteString(b"").to_string(), "b\"\"");
    }

    #[test]
    fn of_many_bytes_the_first_are_shown() {
        assert_eq!(ByteString(&[b'x'; SHOWN]).to_string(), format!("b\"{}\"", "x".repeat(SHOWN)));
        let shown = ByteString(&[b'x'; SHOWN + 7]).to_string();
        assert_eq!(shown, format!("b\"{}\" … and 7 more bytes", "x".repeat(SHOWN)));
        assert!(ByteString(&[b'x'; SHOWN + 1]).to_string().ends_with("x\" … and 1 more byte"));
    }

    #[test]
    fn of_a_long_text_whole_characters_are_shown() {
        assert_eq!(Printable(&"x".repeat(SHOWN)).to_string(), "x".repeat(SHOWN));
        let shown = Printable(&"🐶".repeat(SHOWN)).to_string();
        assert_eq!(shown, format!("{} … and {} more bytes", "🐶".repeat(SHOWN / 4), 3 * SHOWN));
    }

    #[test]
    fn lines_stay_lines() {
        let text = "a\n\tb\r\n\u{1B}[2J🐶\u{202E}";
        assert_eq!(PrintableLines(text).to_string(), "a\n\tb\\r\n\\u{1b}[2J🐶\\u{202e}");
        assert_eq!(PrintableLines(&"x".repeat(SHOWN + 1)).to_string(), "x".repeat(SHOWN + 1));
    }

    #[test]
    fn a_text_cannot_act_on_the_terminal() {
        let text = "\u{1B}[2J\u{9B}A\r\n\0\u{7F} \u{202E}live\u{2066}\u{200F} \u{2028}";
        assert_eq!(
            Printable(text).to_string(),
            r"\u{1b}[2J\u{9b}A\r\n\u{0}\u{7f} \u{202e}live\u{2066}\u{200f} \u{2028}"
        );
        let harmless = r#"{"result": "No match for \"näh 👩‍👧 🏐\"."}"#;
        assert_eq!(Printable(harmless).to_string(), harmless);
    }
}

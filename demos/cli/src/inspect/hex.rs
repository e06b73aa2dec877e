//! Hex text, to be read as the bytes it stands for.

use std::fmt::Display;
use std::io::{self, Read};

/// Reads hex text as bytes: two digits a byte, white space anywhere, `0x` or `\x` before any byte.
pub(super) struct HexText<R> {
    text: R,
    state: State,
    /// The place of the next character, counted from 1.
    line: u64,
    column: u64,
    /// The end of everything, once the bytes before it have been read.
    invalid: Option<String>,
}

/// What has come of the next byte.
#[derive(Clone, Copy)]
enum State {
    Nothing,
    Backslash,
    Prefix,
    /// Its first digit.
    High(u8),
}

impl State {
    const fn expected(self) -> &'static str {
        match self {
            Self::Nothing => "two hex digits, `0x`, `\\x` or white space",
            Self::Backslash => "`x`",
            Self::Prefix => "two hex digits",
            Self::High(_) => "the second hex digit of a byte",
        }
    }
}

impl<R: Read> HexText<R> {
    pub(super) const fn new(text: R) -> Self {
        Self { text, state: State::Nothing, line: 1, column: 1, invalid: None }
    }

    /// Takes the next character: a byte, if it is complete now.
    fn take(&mut self, character: u8) -> Result<Option<u8>, String> {
        let digit = char::from(character).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let mut byte = None;
        self.state = match (&self.state, character, digit) {
            (State::Nothing | State::High(_), _, None) if character.is_ascii_whitespace() => {
                self.pass(character);
                return Ok(None);
            }
            (State::Nothing, b'\\', _) => State::Backslash,
            (State::Backslash | State::High(0), b'x' | b'X', _) => State::Prefix,
            (State::Nothing | State::Prefix, _, Some(high)) => State::High(high),
            (State::High(high), _, Some(low)) => {
                byte = Some(high << 4 | low);
                State::Nothing
            }
            _ => {
                return Err(self.fault(format_args!("`{}`", character.escape_ascii())));
            }
        };
        self.pass(character);
        Ok(byte)
    }

    fn pass(&mut self, character: u8) {
        if character == b'\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
    }

    fn end(&self) -> io::Result<usize> {
        if matches!(self.state, State::Nothing) {
            return Ok(0);
        }
        Err(invalid(self.fault("its end")))
    }

    /// What to say about something at this place that cannot be there.
    fn fault(&self, found: impl Display) -> String {
        let Self { line, column, state, .. } = self;
        format!("the hex text is wrong at line {line}, column {column}: {found}; expected {}", state.expected())
    }
}

impl<R: Read> Read for HexText<R> {
    /// The text is read to where its bytes go, which take less room.
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(fault) = &self.invalid {
                return Err(invalid(fault.clone()));
            }
            let length = self.text.read(bytes)?;
            if length == 0 {
                return self.end();
            }
            let mut filled = 0;
            for index in 0..length {
                match self.take(bytes[index]) {
                    Ok(None) => {}
                    Ok(Some(byte)) => {
                        bytes[filled] = byte;
                        filled += 1;
                    }
                    Err(fault) => {
                        self.invalid = Some(fault);
                        break;
                    }
                }
            }
            if filled > 0 {
                return Ok(filled);
            }
        }
    }
}

fn invalid(fault: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes before anything invalid, and what is said about it, read in pieces of this size.
    fn read(text: &str, size: usize) -> (Vec<u8>, Option<String>) {
        let mut reader = HexText::new(text.as_bytes());
        let (mut bytes, mut buffer) = (Vec::new(), vec![0; size]);
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return (bytes, None),
                Ok(length) => bytes.extend_from_slice(&buffer[..length]),
                Err(error) => return (bytes, Some(error.to_string())),
            }
        }
    }

    fn in_any_pieces(text: &str) -> (Vec<u8>, Option<String>) {
        let outcome = read(text, 1000);
        for size in 1..5 {
            assert_eq!(read(text, size), outcome, "{text:?} in pieces of {size}");
        }
        outcome
    }

    #[test]
    fn prefixes_and_white_space_do_not_matter() {
        for text in ["00677B", "0 06\n7\r\n\t7b \n", "0x00677b", "0x00 0X67 0x7b", r"\x00\x67\x7B", "\n0x00\\x677b"] {
            assert_eq!(in_any_pieces(text), (vec![0x00, 0x67, 0x7B], None), "{text:?}");
        }
        assert_eq!(in_any_pieces(" \n"), (Vec::new(), None));
    }

    #[test]
    fn anything_else_is_refused_where_it_is() {
        const ANY: &str = r"two hex digits, `0x`, `\x` or white space";
        const SECOND: &str = "the second hex digit of a byte";
        for (text, line, column, found, expected) in [
            ("00 zz", 1, 4, "`z`", ANY),
            ("00 6g", 1, 5, "`g`", SECOND),
            ("00\n  ,", 2, 3, "`,`", ANY),
            ("00\n\n\u{1B}", 3, 1, r"`\x1b`", ANY),
            ("00é", 1, 3, r"`\xc3`", ANY),
            ("001x", 1, 4, "`x`", SECOND),
            (r"00\67", 1, 4, "`6`", "`x`"),
            ("000x 1", 1, 5, "` `", "two hex digits"),
            ("006", 1, 4, "its end", SECOND),
            ("000x", 1, 5, "its end", "two hex digits"),
            ("00\n\\", 2, 2, "its end", "`x`"),
        ] {
            let fault = format!("the hex text is wrong at line {line}, column {column}: {found}; expected {expected}");
            assert_eq!(in_any_pieces(text), (vec![0x00], Some(fault)), "{text:?}");
        }
    }
}

//! Hex digits, with what people and programs put between them.

use super::decode::Notation;

/// Two digits a byte. Between bytes there may be white space, commas, colons, semicolons, quotes; `0x` or `\x` may stand
/// before any byte, and a `\` at the end of a line.
#[derive(Default)]
pub(super) struct Hex {
    state: State,
}

/// What has come of the next byte.
#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Nothing,
    Backslash,
    Prefix,
    /// Its first digit.
    High(u8),
}

impl State {
    const fn expected(self) -> &'static str {
        match self {
            Self::Nothing => "two hex digits, `0x`, `\\x` or what may be between bytes",
            Self::Backslash => "`x`",
            Self::Prefix => "two hex digits",
            Self::High(_) => "the second hex digit of a byte",
        }
    }

    fn fault(self, found: &str) -> String {
        format!("{found}; expected {}", self.expected())
    }
}

impl Notation for Hex {
    const NAME: &'static str = "hex text";

    fn take(&mut self, character: u8, bytes: &mut Vec<u8>) -> Result<(), String> {
        self.state = match (self.state, character, digit(character)) {
            (State::Nothing | State::High(_), _, None) if character.is_ascii_whitespace() => return Ok(()),
            // A backslash at the end of a line of a string that goes on.
            (State::Nothing, b',' | b':' | b';' | b'"', _) | (State::Backslash, b'\n', _) => State::Nothing,
            (State::Nothing, b'\\', _) | (State::Backslash, b'\r', _) => State::Backslash,
            (State::Backslash | State::High(0), b'x' | b'X', _) => State::Prefix,
            (State::Nothing | State::Prefix, _, Some(high)) => State::High(high),
            (State::High(high), _, Some(low)) => {
                bytes.push(high << 4 | low);
                State::Nothing
            }
            (state, ..) => return Err(state.fault(&format!("`{}`", character.escape_ascii()))),
        };
        Ok(())
    }

    fn end(&mut self, _: &mut Vec<u8>) -> Result<(), String> {
        if matches!(self.state, State::Nothing) { Ok(()) } else { Err(self.state.fault("its end")) }
    }
}

pub(super) fn digit(character: u8) -> Option<u8> {
    char::from(character).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::super::decode::decoded;
    use super::Hex;

    #[test]
    fn prefixes_and_what_is_between_bytes_do_not_matter() {
        for text in [
            "00677B",
            "0 06\n7\r\n\t7b \n",
            "0x00677b",
            "0x00 0X67 0x7b",
            r"\x00\x67\x7B",
            "\n0x00\\x677b",
            "00:67:7b",
            "0x00, 0x67, 0x7b,",
            "\"\\x00\\x67\" \\\r\n\"\\x7b\";",
        ] {
            assert_eq!(decoded(Hex::default, text), (vec![0x00, 0x67, 0x7B], None), "{text:?}");
        }
        assert_eq!(decoded(Hex::default, " \n"), (Vec::new(), None));
    }

    #[test]
    fn anything_else_is_refused_where_it_is() {
        const ANY: &str = r"two hex digits, `0x`, `\x` or what may be between bytes";
        const SECOND: &str = "the second hex digit of a byte";
        for (text, line, column, found, expected) in [
            ("00 zz", 1, 4, "`z`", ANY),
            ("00 6g", 1, 5, "`g`", SECOND),
            ("00\n  /", 2, 3, "`/`", ANY),
            ("00\n\n\u{1B}", 3, 1, r"`\x1b`", ANY),
            ("00é", 1, 3, r"`\xc3`", ANY),
            ("001x", 1, 4, "`x`", SECOND),
            ("006,7", 1, 4, "`,`", SECOND),
            (r"00\67", 1, 4, "`6`", "`x`"),
            ("000x 1", 1, 5, "` `", "two hex digits"),
            ("006", 1, 4, "its end", SECOND),
            ("000x", 1, 5, "its end", "two hex digits"),
            ("00\n\\", 2, 2, "its end", "`x`"),
        ] {
            let fault = format!("the hex text is wrong at line {line}, column {column}: {found}; expected {expected}");
            assert_eq!(decoded(Hex::default, text), (vec![0x00], Some(fault)), "{text:?}");
        }
    }
}

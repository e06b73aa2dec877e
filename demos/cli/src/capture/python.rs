//! Python's bytes literals amid other text, as programs print what they have sent and received.

use super::decode::Notation;

/// The contents of all literals such as `b'\x00g{…'`, in their order, as one stream. Text around them is passed over.
#[derive(Default)]
pub(super) struct Python {
    state: State,
    /// The name that ends here, as far as it may be the `b` before a literal.
    word: Vec<u8>,
}

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Text,
    /// After the first quote of a literal.
    Opened(Literal),
    /// After two quotes: an empty literal, or the beginning of one with three.
    Doubled(Literal),
    Inside(Literal),
    Backslash(Literal),
    /// After `\x`, and its first digit.
    Hex(Literal, Option<u8>),
    /// In an octal escape: its value so far, and how many digits there were.
    Octal(Literal, u16, u8),
    /// After `\` and a carriage return.
    Return(Literal),
}

#[derive(Clone, Copy)]
struct Literal {
    quote: u8,
    is_raw: bool,
    is_triple: bool,
    /// How many quotes have come one after the other, of a literal with three.
    quotes: u8,
}

impl Literal {
    const fn unquoted(self) -> Self {
        Self { quotes: 0, ..self }
    }
}

impl Python {
    /// Whether no literal is under way.
    pub(super) const fn is_in_text(&self) -> bool {
        matches!(self.state, State::Text)
    }

    fn text(&mut self, character: u8) -> State {
        if matches!(character, b'\'' | b'"') {
            let word = self.word.to_ascii_lowercase();
            self.word.clear();
            if matches!(word.as_slice(), b"b" | b"rb" | b"br") {
                let is_raw = word.len() > 1;
                return State::Opened(Literal { quote: character, is_raw, is_triple: false, quotes: 0 });
            }
        } else if !character.is_ascii_alphanumeric() && character != b'_' && character.is_ascii() {
            self.word.clear();
        } else if self.word.len() < 3 {
            self.word.push(character);
        }
        State::Text
    }

    fn inside(literal: Literal, character: u8, bytes: &mut Vec<u8>) -> Result<State, String> {
        if character == literal.quote {
            let quotes = literal.quotes + 1;
            let goes_on = literal.is_triple && quotes < 3;
            return Ok(if goes_on { State::Inside(Literal { quotes, ..literal }) } else { State::Text });
        }
        // Quotes that did not end it belong to it.
        bytes.extend(std::iter::repeat_n(literal.quote, literal.quotes.into()));
        let literal = literal.unquoted();
        match character {
            b'\\' => return Ok(State::Backslash(literal)),
            b'\n' if !literal.is_triple => return Err("the end of the line; expected the closing quote".into()),
            _ if !character.is_ascii() => {
                return Err(format!("`{}`; expected ASCII or an escape", character.escape_ascii()));
            }
            _ => bytes.push(character),
        }
        Ok(State::Inside(literal))
    }

    fn escaped(literal: Literal, character: u8, bytes: &mut Vec<u8>) -> State {
        let byte = match character {
            _ if literal.is_raw => {
                bytes.extend([b'\\', character]);
                return State::Inside(literal);
            }
            b'\n' => return State::Inside(literal),
            b'\r' => return State::Return(literal),
            b'x' => return State::Hex(literal, None),
            b'0'..=b'7' => return State::Octal(literal, (character - b'0').into(), 1),
            b'\\' | b'\'' | b'"' => character,
            b'a' => 0x07,
            b'b' => 0x08,
            b't' => b'\t',
            b'n' => b'\n',
            b'v' => 0x0B,
            b'f' => 0x0C,
            b'r' => b'\r',
            _ => {
                bytes.push(b'\\');
                character
            }
        };
        bytes.push(byte);
        State::Inside(literal)
    }
}

impl Notation for Python {
    const NAME: &'static str = "text with Python's bytes literals";

    fn take(&mut self, character: u8, bytes: &mut Vec<u8>) -> Result<(), String> {
        self.state = match self.state {
            State::Opened(literal) if character == literal.quote => State::Doubled(literal),
            State::Doubled(literal) if character == literal.quote => {
                State::Inside(Literal { is_triple: true, ..literal })
            }
            State::Text | State::Doubled(_) => self.text(character),
            State::Backslash(literal) => Self::escaped(literal, character, bytes),
            State::Return(literal) if character == b'\n' => State::Inside(literal),
            State::Opened(literal) | State::Inside(literal) | State::Return(literal) => {
                Self::inside(literal, character, bytes)?
            }
            State::Hex(literal, high) => {
                let Some(digit) = super::hex::digit(character) else {
                    return Err(format!("`{}`; expected two hex digits after `\\x`", character.escape_ascii()));
                };
                match high {
                    None => State::Hex(literal, Some(digit)),
                    Some(high) => {
                        bytes.push(high << 4 | digit);
                        State::Inside(literal)
                    }
                }
            }
            State::Octal(literal, value, digits) => match character {
                b'0'..=b'7' if digits < 3 => State::Octal(literal, value * 8 + u16::from(character - b'0'), digits + 1),
                _ => {
                    bytes.push(value.to_le_bytes()[0]);
                    Self::inside(literal, character, bytes)?
                }
            },
        };
        Ok(())
    }

    fn end(&mut self, _: &mut Vec<u8>) -> Result<(), String> {
        match self.state {
            State::Text | State::Doubled(_) => Ok(()),
            _ => Err("its end; expected the closing quote".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::decode::decoded;
    use super::Python;

    #[test]
    fn literals_are_found_amid_other_text_and_put_together() {
        for text in [
            r#"received b'\x00g{"a' from ('127.0.0.1', 61354)"#,
            "it's b\"\\x00g{\\\"a\"",
            r#"b'\0g' 'not ab' then b'{"a'"#,
            r#"b'\000\147{' + b"""""" + B'''"a'''"#,
            "bytearray(b'\\x00g{\\\n\"a')",
            r#"xb'no' 12b'no' éb'no' b'' "no" b'\x00\x67\173\x22a'"#,
            "b'''\\x00g{\"''' br'a'",
        ] {
            assert_eq!(decoded(Python::default, text), (b"\0g{\"a".to_vec(), None), "{text}");
        }
    }

    #[test]
    fn every_escape_is_what_python_makes_of_it() {
        let text = r#"b'\a\b\f\n\r\t\v\\\'\"\q\777\18\x7F' rb'\n' b'''it's ''"'''"#;
        let bytes = b"\x07\x08\x0C\n\r\t\x0B\\'\"\\q\xFF\x018\x7F\\nit's ''\"";
        assert_eq!(decoded(Python::default, text), (bytes.to_vec(), None));
    }

    #[test]
    fn a_literal_that_is_none_is_refused_where_it_is() {
        let fault = |text| decoded(Python::default, text).1.unwrap();
        assert!(fault("b'a\n'").contains("line 1, column 4: the end of the line"));
        assert!(fault("x\nb'\\x0g'").contains("line 2, column 6: `g`; expected two hex digits after `\\x`"));
        assert!(fault("b'é'").contains("expected ASCII"));
        assert!(fault("b'").contains("its end; expected the closing quote"));
    }
}

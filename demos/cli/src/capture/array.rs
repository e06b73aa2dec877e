//! Arrays of bytes in the source text of a program: what `xxd -i` and Wireshark write.

use super::decode::Notation;

/// The numbers between a pair of brackets, hex with `0x` and decimal without. All that is outside of brackets is passed
/// over, and so are comments.
pub(super) struct Array {
    open: u8,
    close: u8,
    state: State,
    /// The number under way.
    number: Vec<u8>,
}

#[derive(Clone, Copy)]
enum State {
    Outside,
    Inside,
    /// After a slash in brackets.
    Slash,
    /// In a comment, which ends with the line or after a star and a slash.
    LineComment,
    Comment {
        star: bool,
    },
}

impl Array {
    /// Arrays in this kind of bracket: `{` or `[`.
    pub(super) const fn new(open: u8) -> Self {
        let close = if open == b'{' { b'}' } else { b']' };
        Self { open, close, state: State::Outside, number: Vec::new() }
    }

    fn complete(&mut self, bytes: &mut Vec<u8>) -> Result<(), String> {
        let text = String::from_utf8_lossy(&self.number).into_owned();
        if text.is_empty() {
            return Ok(());
        }
        self.number.clear();
        let number = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(digits) => u8::from_str_radix(digits, 16).ok(),
            // Java has bytes with a sign.
            None if text.starts_with('-') => text.parse::<i8>().ok().map(i8::cast_unsigned),
            None => text.parse().ok(),
        };
        bytes.push(number.ok_or_else(|| format!("`{text}` before it is no byte, such as 0x7b or 123"))?);
        Ok(())
    }
}

fn is_of_number(character: u8) -> bool {
    character.is_ascii_hexdigit() || matches!(character, b'-' | b'x' | b'X')
}

impl Notation for Array {
    const NAME: &'static str = "array of bytes";

    fn take(&mut self, character: u8, bytes: &mut Vec<u8>) -> Result<(), String> {
        self.state = match (self.state, character) {
            (State::Outside, _) if character == self.open => State::Inside,
            (State::Outside, _) => State::Outside,
            (State::Inside, b'/') => {
                self.complete(bytes)?;
                State::Slash
            }
            (State::Slash, b'*') => State::Comment { star: false },
            (State::LineComment, b'\n') | (State::Comment { star: true }, b'/') => State::Inside,
            (State::Slash, b'/') | (State::LineComment, _) => State::LineComment,
            (State::Comment { .. }, _) => State::Comment { star: character == b'*' },
            (State::Inside, _) if character == self.close => {
                self.complete(bytes)?;
                State::Outside
            }
            (State::Inside, _) if character == b',' || character.is_ascii_whitespace() => {
                self.complete(bytes)?;
                State::Inside
            }
            (State::Inside, _) if self.number.len() < 4 && is_of_number(character) => {
                self.number.push(character);
                State::Inside
            }
            _ => {
                return Err(format!(
                    "`{}`; expected a number, a comma or the closing bracket",
                    character.escape_ascii()
                ));
            }
        };
        Ok(())
    }

    fn end(&mut self, _: &mut Vec<u8>) -> Result<(), String> {
        match self.state {
            State::Outside => Ok(()),
            _ => Err("its end; expected the closing bracket".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::decode::decoded;
    use super::Array;

    #[test]
    fn the_numbers_in_brackets_are_the_bytes() {
        for text in [
            "unsigned char peer[] = {\n  0x00, 0x67,\n  0x7b\n};\nunsigned int peer_len = 3;\n",
            "char a[] = { /* Packet 4, {x} */ 0x00, 0x67, // more\n 0x7B };",
            "byte[] a = {0, 103, 123};",
            "{0x00}\nchar b[] = {103,123}",
        ] {
            assert_eq!(decoded(|| Array::new(b'{'), text), (vec![0x00, 0x67, 0x7B], None), "{text:?}");
        }
        assert_eq!(decoded(|| Array::new(b'['), "[0, -1, 0x80]"), (vec![0, 0xFF, 0x80], None));
    }

    #[test]
    fn anything_else_in_brackets_is_refused() {
        let fault = |text| decoded(|| Array::new(b'{'), text).1.unwrap();
        assert!(fault("{0x00, y}").contains("column 8: `y`; expected a number"));
        assert!(fault("{256}").contains("column 5: `256` before it is no byte"));
        assert!(fault("{0x00,").ends_with("its end; expected the closing bracket"));
    }
}

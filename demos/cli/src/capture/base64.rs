//! Base64, read as the bytes it stands for.

use super::decode::Notation;

/// Four characters for three bytes, in either of the two alphabets, with white space anywhere and `=` at the end or not.
#[derive(Default)]
pub(super) struct Base64 {
    /// The bits that are not a byte yet, and how many these are.
    bits: u32,
    count: u32,
    padding: u32,
}

impl Notation for Base64 {
    const NAME: &'static str = "base64 text";

    fn take(&mut self, character: u8, bytes: &mut Vec<u8>) -> Result<(), String> {
        let value = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' if self.count > 0 && self.padding < 2 => {
                self.padding += 1;
                return Ok(());
            }
            _ if character.is_ascii_whitespace() => return Ok(()),
            _ => return Err(format!("`{}`; expected a digit of base64", character.escape_ascii())),
        };
        if self.padding > 0 {
            // What was encoded in pieces goes on after the end of one.
            self.check_end()?;
            *self = Self::default();
        }
        self.bits = self.bits << 6 | u32::from(value);
        self.count += 6;
        if self.count >= 8 {
            self.count -= 8;
            bytes.push((self.bits >> self.count).to_le_bytes()[0]);
            self.bits &= (1 << self.count) - 1;
        }
        Ok(())
    }

    fn end(&mut self, _: &mut Vec<u8>) -> Result<(), String> {
        self.check_end()
    }
}

impl Base64 {
    fn check_end(&self) -> Result<(), String> {
        let is_whole = matches!((self.count, self.padding), (0, 0) | (2, 0 | 1) | (4, 0 | 2)) && self.bits == 0;
        if is_whole { Ok(()) } else { Err("its end inside a byte; expected more digits of base64".into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::decode::decoded;
    use super::Base64;

    #[test]
    fn digits_of_both_alphabets_in_lines_with_and_without_padding() {
        assert_eq!(decoded(Base64::default, "AGd7\r\nIg==\n"), (b"\0g{\"".to_vec(), None));
        assert_eq!(decoded(Base64::default, "AGd7Ig"), (b"\0g{\"".to_vec(), None));
        assert_eq!(decoded(Base64::default, "+/-_"), (vec![0xFB, 0xFF, 0xBF], None));
        assert_eq!(decoded(Base64::default, "AA==\nZ3s=\nIg=="), (b"\0g{\"".to_vec(), None));
    }

    #[test]
    fn what_is_no_base64_is_refused() {
        let fault = |text| decoded(Base64::default, text).1.unwrap();
        assert!(fault("AG$7").contains("column 3: `$`; expected a digit of base64"));
        assert!(fault("AGd7I").contains("its end inside a byte"));
        assert!(fault("AGd7I=").contains("its end inside a byte"));
        assert!(fault("=").contains("`=`"));
    }
}

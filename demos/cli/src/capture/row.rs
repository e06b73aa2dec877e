//! A row of a hex dump: an offset, bytes, and perhaps the same bytes as characters.

use super::hex::digit;

/// The most bytes that a row has; `xxd` writes no more.
const LONGEST: usize = 256;

/// What a line of a dump is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The offset as it is written, which may be in any of three bases.
    pub(super) offset: String,
    pub(super) bytes: Vec<u8>,
}

impl Row {
    /// The row of this line. There is none in a line that does not begin with an offset; bytes that cannot be read are an
    /// error.
    pub(super) fn of(line: &[u8]) -> Result<Option<Self>, String> {
        let text = line.trim_ascii_end();
        let start = text.len() - text.trim_ascii_start().len();
        let text = &text[start..];
        let text = text.strip_prefix(b"0x").unwrap_or(text);
        let length = text.iter().take_while(|character| character.is_ascii_hexdigit()).count();
        let (offset, rest) = text.split_at(length);
        // The offset is long, or it is marked by what follows it.
        let is_offset = match rest {
            [b':', b' ' | b'\t', ..] => length >= 2,
            [b' ' | b'\t', b' ' | b'\t', ..] => length >= 4,
            [] | [b' ' | b'\t', ..] => length >= 6,
            _ => false,
        };
        if !is_offset || length > 16 {
            return Ok(None);
        }
        let rest = rest.strip_prefix(b":").unwrap_or(rest);
        let row = |bytes| Some(Self { offset: String::from_utf8_lossy(offset).into_owned(), bytes });
        match bytes(rest, length == 7) {
            Some(bytes) => Ok(row(bytes)),
            None => Err("its bytes; expected groups of hex digits, and perhaps the same bytes as characters".into()),
        }
    }

    /// The offset, read in one of the bases that dumps use.
    pub(super) fn offset(&self, base: u32) -> Option<u64> {
        u64::from_str_radix(&self.offset, base).ok()
    }
}

/// The bytes after an offset. `od` and `hexdump` write words with the lower byte last after offsets of seven digits.
fn bytes(text: &[u8], words: bool) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut at = text.len() - text.trim_ascii_start().len();
    let mut is_words = words;
    loop {
        let rest = &text[at..];
        let gap = rest.iter().take_while(|character| matches!(character, b' ' | b'\t')).count();
        let after = &rest[gap..];
        if after.is_empty() {
            break;
        }
        // The characters may begin with spaces.
        if !bytes.is_empty() && (1..=gap).any(|gap| shows(&rest[gap..], &bytes)) {
            break;
        }
        let length = after.iter().take_while(|character| character.is_ascii_hexdigit()).count();
        let is_group = length > 0 && length % 2 == 0 && matches!(after.get(length), None | Some(b' ' | b'\t'));
        if !is_group || bytes.len() + length / 2 > LONGEST {
            return None;
        }
        is_words &= length == 4;
        let pairs = after[..length].chunks(2).filter_map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?));
        bytes.extend(pairs);
        at += gap + length;
    }
    if is_words {
        bytes.chunks_exact_mut(2).for_each(<[u8]>::reverse);
    }
    Some(bytes)
}

/// Whether these characters are those of the bytes, as dumps show them.
fn shows(characters: &[u8], bytes: &[u8]) -> bool {
    // One of these stands around them, or nothing.
    let framed = match characters {
        [b'|', inner @ .., b'|'] | [b'>', inner @ .., b'<'] => Some(inner),
        _ => None,
    };
    framed.is_some_and(|inner| are_shown(inner, bytes, false)) || are_shown(characters, bytes, true)
}

/// White space at the end may have been cut off, and there may be a space after the eighth character.
fn are_shown(characters: &[u8], bytes: &[u8], may_be_cut: bool) -> bool {
    // What is not ASCII takes several bytes in the text, and a column in the dump.
    let text = String::from_utf8_lossy(characters);
    let mut rest = text.chars().peekable();
    for (index, byte) in bytes.iter().enumerate() {
        if index == 8 && rest.peek() == Some(&' ') && *byte != b' ' {
            rest.next();
        }
        let fits = match rest.next() {
            None => may_be_cut && index > 0 && *byte == b' ',
            Some(character) if matches!(byte, b' '..=b'~') => character == char::from(*byte),
            Some(character) => !character.is_ascii_alphanumeric(),
        };
        if !fits {
            return false;
        }
    }
    rest.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: &str) -> (String, Vec<u8>) {
        let Row { offset, bytes } = Row::of(line.as_bytes()).unwrap().expect(line);
        (offset, bytes)
    }

    #[test]
    fn rows_of_every_program_are_read() {
        let expected = b"\0g{\"byteorder\": ".to_vec();
        for line in [
            r#"00000000: 0067 7b22 6279 7465 6f72 6465 7222 3a20  .g{"byteorder": "#,
            r#"00000000: 0067 7b22 6279 7465 6f72 6465 7222 3a20  .g{"byteorder":"#,
            r#"00000000: 00 67 7b 22 62 79 74 65 6f 72 64 65 72 22 3a 20  .g{"byteorder": "#,
            r#"00000000  00 67 7b 22 62 79 74 65  6f 72 64 65 72 22 3a 20  |.g{"byteorder": |"#,
            r#"	0x0000:  0067 7b22 6279 7465 6f72 6465 7222 3a20  .g{"byteorder": "#,
            r#"0000  00 67 7b 22 62 79 74 65 6f 72 64 65 72 22 3a 20   .g{"byteorder": "#,
            r#"00000000  00 67 7b 22 62 79 74 65  6f 72 64 65 72 22 3a 20   .g{"byte order": "#,
            r#"000000 00 67 7b 22 62 79 74 65 6f 72 64 65 72 22 3a 20  >.g{"byteorder": <"#,
            "0000000 6700 227b 7962 6574 726f 6564 2272 203a",
            "0000000 00 67 7b 22 62 79 74 65 6f 72 64 65 72 22 3a 20",
        ] {
            assert_eq!(row(line).1, expected, "{line}");
        }
        assert_eq!(row("00000085: 2046 524f 4d20 50   FROM P").1, b" FROM P");
        assert_eq!(row("000000af: 2031 227d           1\"}").1, b" 1\"}");
        assert_eq!(row("000000b7"), ("000000b7".into(), vec![]));
        assert_eq!(row("00000010  20  | |"), ("00000010".into(), vec![b' ']));
        assert_eq!(row("00000010: 3030  00"), ("00000010".into(), b"00".to_vec()));
    }

    #[test]
    fn other_lines_are_none_and_broken_rows_are_errors() {
        for line in
            ["", "00677b22", "00 67 7b", "00:67:7b", "12:00:01.5 IP a > b: Flags [P.], length 9", "*", "received"]
        {
            assert_eq!(Row::of(line.as_bytes()).ok().flatten().filter(|row| !row.bytes.is_empty()), None, "{line}");
        }
        assert!(Row::of(b"00000000: 0067 7b2  .g{").is_err());
        assert!(Row::of(b"00000000: 0067 7b22  .g{x").is_err());
    }
}

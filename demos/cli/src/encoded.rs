//! Content as it comes in pieces: whether it is in the encoding that its header names, and how long its text is.

use std::fmt::{self, Display, Formatter};

use jsonframe::{Encoding, Header, TextDecoder, TextError};

use crate::hint::{MEND, is_cut, json};
use crate::text::Printable;

/// How much is decoded at a time, in bytes.
const STEP: usize = 4096;

/// By how much of a content another encoding is recognised, in bytes.
const SAMPLE: usize = 64;

/// UTF-8 that comes in pieces, and is counted in other units than bytes.
#[derive(Clone, Debug)]
pub struct Utf8 {
    characters: u64,
    utf16_units: u64,
    /// How many bytes are in whole characters.
    valid: u64,
    /// The offset of the first byte that is not ASCII.
    wide: Option<u64>,
    /// The beginning of a character that is not whole.
    begun: Vec<u8>,
    is_valid: bool,
}

impl Default for Utf8 {
    fn default() -> Self {
        Self { characters: 0, utf16_units: 0, valid: 0, wide: None, begun: Vec::new(), is_valid: true }
    }
}

impl Utf8 {
    /// Looks at the next piece.
    pub fn push(&mut self, mut piece: &[u8]) {
        while self.is_valid
            && !self.begun.is_empty()
            && let Some((byte, rest)) = piece.split_first()
        {
            piece = rest;
            let mut begun = std::mem::take(&mut self.begun);
            begun.push(*byte);
            self.count(&begun);
        }
        if self.is_valid {
            self.count(piece);
        }
    }

    fn count(&mut self, bytes: &[u8]) {
        if bytes.is_ascii() {
            // Of most text that is all there is to do, and quick.
            let length = bytes.len() as u64;
            self.characters += length;
            self.utf16_units += length;
            self.valid += length;
            return;
        }
        if self.wide.is_none() {
            self.wide = bytes.iter().position(|byte| !byte.is_ascii()).map(|at| self.valid + at as u64);
        }
        let (text, rest) = match str::from_utf8(bytes) {
            Ok(text) => (text, &[][..]),
            Err(error) => {
                self.is_valid = error.error_len().is_none();
                let (text, rest) = bytes.split_at(error.valid_up_to());
                (str::from_utf8(text).unwrap_or_default(), &rest[..rest.len().min(4)])
            }
        };
        let characters = text.chars().count() as u64;
        self.characters += characters;
        self.utf16_units += characters + text.bytes().filter(|byte| *byte >= 0xF0).count() as u64;
        self.valid += text.len() as u64;
        self.begun.extend_from_slice(rest);
    }

    pub(crate) const fn characters(&self) -> u64 {
        self.characters
    }

    pub(crate) const fn utf16_units(&self) -> u64 {
        self.utf16_units
    }

    /// Whether nothing that has come is anything but UTF-8, of which the last character may not be whole.
    pub(crate) const fn is_utf8(&self) -> bool {
        self.is_valid
    }

    /// Whether it has fewer characters than this, and nothing that is not UTF-8.
    pub(crate) const fn has_fewer_than(&self, count: u64) -> bool {
        self.is_valid && self.characters < count
    }

    /// Whether it ends inside a character.
    pub(crate) const fn is_cut(&self) -> bool {
        self.is_valid && !self.begun.is_empty()
    }

    /// Whether it may have been cut short because its characters were counted. That alone says nothing. It does if the bytes
    /// that follow are not a message.
    pub const fn may_be_cut(&self) -> bool {
        self.is_valid && self.wide.is_some()
    }
}

/// Content that is looked at piece by piece, in constant memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Encoded {
    encoding: Option<Encoding>,
    /// How its header names that.
    label: String,
    /// What it is as UTF-8, whatever its header says.
    text: Utf8,
    /// What decodes it, if that is another encoding.
    decoder: Option<TextDecoder>,
    received: u64,
    /// The first and the last bytes that have come.
    first: Vec<u8>,
    last: Vec<u8>,
    wrong: Option<Wrong>,
    /// Whether no header says so, so that nothing is wrong with other content.
    pub(crate) is_assumed: bool,
}

/// Where content is not in its encoding.
#[derive(Clone, Debug)]
struct Wrong {
    offset: u64,
    before: Option<u8>,
    /// The bytes from there on.
    from: Vec<u8>,
}

impl Encoded {
    /// The content of this header, of which nothing has come.
    pub(crate) fn of(header: &Header<'_>) -> Self {
        let encoding = header.encoding();
        let is_known = |encoding: &Encoding| [Encoding::UTF_8, Encoding::ASCII, Encoding::LATIN_1].contains(encoding);
        Self {
            encoding,
            label: header.content_encoding().to_owned(),
            decoder: encoding.filter(|encoding| !is_known(encoding)).map(TextDecoder::new),
            ..Self::default()
        }
    }

    /// Looks at the next piece.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        if self.encoding.is_none() {
            return;
        }
        self.text.push(piece);
        keep(&mut self.first, piece);
        if let Some(wrong) = &mut self.wrong {
            keep(&mut wrong.from, piece);
        } else {
            self.wrong = self.first_wrong(piece).map(|offset| self.wrong_at(offset, piece));
        }
        self.received += piece.len() as u64;
        let kept = piece.len().min(4);
        self.last.drain(..(self.last.len() + kept).saturating_sub(4));
        self.last.extend_from_slice(&piece[piece.len() - kept..]);
    }

    fn first_wrong(&mut self, piece: &[u8]) -> Option<u64> {
        match self.encoding? {
            Encoding::UTF_8 => (!self.text.is_valid).then_some(self.text.valid),
            Encoding::ASCII => self.text.wide,
            _ => {
                let decoder = self.decoder.as_mut()?;
                let mut text = String::new();
                piece.chunks(STEP).find_map(|step| {
                    text.clear();
                    offset(&decoder.decode(step, &mut text))
                })
            }
        }
    }

    /// What is at this offset, which is in this piece, the next one, or shortly before it.
    fn wrong_at(&self, offset: u64, piece: &[u8]) -> Wrong {
        let known = self.received - self.last.len() as u64;
        let at = usize::try_from(offset.saturating_sub(known)).unwrap_or(usize::MAX);
        let byte = |at: usize| self.last.get(at).or_else(|| piece.get(at - self.last.len()));
        let (before, from) = (at.checked_sub(1).and_then(byte), (at..).map_while(byte).take(SAMPLE));
        Wrong { offset, before: before.copied(), from: from.copied().collect() }
    }

    /// Its text, if it is meant to be UTF-8.
    pub(crate) fn text(&self) -> Option<&Utf8> {
        Some(&self.text).filter(|_| self.encoding == Some(Encoding::UTF_8))
    }

    /// Whether it ends here inside a character.
    pub(crate) fn is_cut(&self) -> bool {
        self.wrong.is_none() && (self.text().is_some_and(Utf8::is_cut) || self.decoder.as_ref().is_some_and(is_held))
    }

    /// Whether it is all in its encoding, and does not look like another one, if it ends here.
    pub(crate) fn is_right(&self) -> bool {
        self.hint().is_none()
    }

    /// What is wrong with a whole content, if that can be seen: this is all of it, or its beginning.
    pub(crate) fn hint_of(&self, header: &Header<'_>, beginning: &[u8]) -> Option<String> {
        if is_cut(header, beginning) {
            return Some(format!("the JSON is cut short; {MEND}"));
        }
        self.hint().or_else(|| json::of_content(header, beginning))
    }

    /// What is wrong with it if it ends here, and how to mend it.
    pub(crate) fn hint(&self) -> Option<String> {
        let label = Printable(&self.label);
        let other = self.looks_like();
        let is_utf8 = self.text.is_valid && self.text.begun.is_empty() && self.text.wide.is_some();
        match &self.wrong {
            _ if self.is_assumed => None,
            _ if self.is_pickle() => Some(format!(
                "the content is a Python pickle, which nothing but Python reads, and its header says {label}: send JSON, \
                 json.dumps(value).encode(\"utf-8\") in Python"
            )),
            Some(wrong) => {
                let mend = if is_utf8 { Mend::Label } else { Mend::Encode(&self.label) };
                let other = other.map_or_else(String::new, |other| format!("it looks like {other}; "));
                Some(format!("the content is not {label}, as its header says{wrong}; {other}{mend}"))
            }
            None if self.is_cut() => Some(format!("the content ends inside a character of {label}; {MEND}")),
            None if is_utf8 && self.encoding == Some(Encoding::LATIN_1) => {
                Some(format!("the content looks like UTF-8, and its header says {label}; {}", Mend::Label))
            }
            None => other.map(|other| {
                let mend = Mend::Encode(&self.label);
                format!("the content looks like {other}, and its header says {label}; {mend}")
            }),
        }
    }

    /// Whether it is all of a Python pickle, which no text begins like.
    fn is_pickle(&self) -> bool {
        let begins = matches!(self.first[..], [0x80, 2..=5, ..]);
        begins && self.last.ends_with(b".") && self.decoder.is_none()
    }

    /// The encoding that it is in instead, where that is clear.
    fn looks_like(&self) -> Option<&'static str> {
        if self.decoder.is_some() {
            return None;
        }
        let utf16 = is_utf16(&self.first).then_some("UTF-16");
        // After other characters of UTF-8 it is not clear.
        let wrong = self.wrong.as_ref().filter(|wrong| self.text.wide == Some(wrong.offset));
        utf16.or_else(|| wrong.and_then(Wrong::single_byte))
    }
}

/// Appends as much of these bytes as is needed of them.
fn keep(sample: &mut Vec<u8>, bytes: &[u8]) {
    sample.extend_from_slice(&bytes[..bytes.len().min(SAMPLE - sample.len())]);
}

/// The encoding that a text is in instead of UTF-8, where that is clear.
pub(crate) fn other_than_utf8(text: &[u8]) -> Option<&'static str> {
    let mut encoded = Encoded { encoding: Some(Encoding::UTF_8), ..Encoded::default() };
    encoded.push(text);
    encoded.looks_like()
}

/// Whether a content that begins so looks like UTF-16: by its byte order mark, or since every second byte is zero.
fn is_utf16(first: &[u8]) -> bool {
    if let [0xFF, 0xFE, rest @ ..] | [0xFE, 0xFF, rest @ ..] = first {
        return !rest.starts_with(&[0, 0]);
    }
    let units = first.chunks_exact(2);
    let count = units.len();
    let ascii_at = |at: usize| units.clone().filter(|unit| unit[at] != 0 && unit[1 - at] == 0).count();
    match [ascii_at(0), ascii_at(1)] {
        [most, 0] | [0, most] => count >= 2 && 4 * most >= 3 * count,
        _ => false,
    }
}

impl Wrong {
    /// Guesses the single-byte encoding, if the byte is beside a letter and the bytes after it are text.
    fn single_byte(&self) -> Option<&'static str> {
        let is_windows = |byte: &u8| matches!(byte, 0x80..=0x9F);
        let is_letter = |byte: &u8| matches!(byte, 0xC0..=0xFF) && !matches!(byte, 0xD7 | 0xF7);
        let is_text = |byte: &u8| match byte {
            0x81 | 0x8D | 0x8F | 0x90 | 0x9D => false,
            0x80.. => true,
            _ => byte.is_ascii_graphic() || byte.is_ascii_whitespace(),
        };
        let (byte, after) = self.from.split_first()?;
        let beside = [self.before.as_ref(), after.first()];
        let is_beside_letter = beside.into_iter().flatten().any(u8::is_ascii_alphabetic);
        let is_lone = after.first().is_none_or(u8::is_ascii);
        let is_clear = is_beside_letter && is_lone && (is_letter(byte) || is_windows(byte));
        let name = if self.from.iter().any(is_windows) { "Windows-1252 (cp1252)" } else { "Latin-1" };
        (is_clear && self.from.iter().all(is_text)).then_some(name)
    }
}

/// Whether the text ends inside a character.
fn is_held(decoder: &TextDecoder) -> bool {
    decoder.clone().finish().is_err()
}

fn offset(outcome: &Result<(), TextError>) -> Option<u64> {
    match outcome {
        Err(TextError::Malformed { offset, .. }) => Some(*offset),
        _ => None,
    }
}

impl Display for Wrong {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { offset, from, .. } = self;
        match from.first() {
            Some(byte) => write!(f, ": byte {byte:02x} at offset {offset} of it"),
            None => write!(f, ": the byte at offset {offset} of it"),
        }
    }
}

/// How the sender can mend it.
enum Mend<'a> {
    /// It is UTF-8, and its header does not say so.
    Label,
    Encode(&'a str),
}

impl Display for Mend<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Label => f.write_str("it is UTF-8, and the header should say utf-8"),
            Self::Encode(label) => {
                f.write_str("encode it with the encoding that the header names")?;
                // What is shown as code must be code.
                let is_plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
                if is_plain { write!(f, ": text.encode(\"{label}\") in Python") } else { Ok(()) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(encoding: &str, content: &[u8]) -> Option<String> {
        let header = Header::new("x", encoding, content.len() as u64);
        let said = |size| {
            let mut encoded = Encoded::of(&header);
            content.chunks(size).for_each(|piece| encoded.push(piece));
            encoded.hint()
        };
        let whole = said(content.len().max(1));
        for size in 1..content.len().min(20) {
            assert_eq!(said(size), whole, "in pieces of {size}");
        }
        whole
    }

    #[test]
    fn an_encoding_that_is_not_the_header_s_is_named() {
        let wrong = "the content is not utf-8, as its header says: byte e9 at offset 3 of it; it looks like Latin-1; encode it with \
                     the encoding that the header names: text.encode(\"utf-8\") in Python";
        assert_eq!(hint("utf-8", b"caf\xE9 ").as_deref(), Some(wrong));
        let utf8 =
            "the content looks like UTF-8, and its header says latin-1; it is UTF-8, and the header should say utf-8";
        assert_eq!(hint("latin-1", "café".as_bytes()).as_deref(), Some(utf8));
        for (encoding, content) in [("utf-8", "café"), ("utf-8", ""), ("ascii", "e"), ("latin-1", "e"), ("binary", "é")]
        {
            assert_eq!(hint(encoding, content.as_bytes()), None, "{encoding}");
        }
        assert_eq!(hint("latin-1", b"caf\xE9"), None);
        let cut = hint("utf-8", &"é".as_bytes()[..1]).unwrap();
        assert!(cut.starts_with("the content ends inside a character of utf-8; "), "{cut}");
        assert!(hint("utf-16-le", b"a\0b").unwrap().starts_with("the content ends inside a character of utf-16-le"));
        let lone = hint("utf-16-le", b"a\0\0\xDCb\0").unwrap();
        assert!(
            lone.starts_with("the content is not utf-16-le, as its header says: byte 00 at offset 2 of it"),
            "{lone}"
        );
    }

    #[test]
    fn a_pickle_is_named_where_its_header_says_text() {
        // pickle.dumps({"a": 1}, protocol), and of 1.
        let pickles: [&[u8]; 4] = [
            b"\x80\x02}q\0X\x01\0\0\0aq\x01K\x01s.",
            b"\x80\x03}q\0X\x01\0\0\0aq\x01K\x01s.",
            b"\x80\x04\x95\x0a\0\0\0\0\0\0\0}\x94\x8c\x01a\x94K\x01s.",
            b"\x80\x05K\x01.",
        ];
        for pickle in pickles {
            for encoding in ["utf-8", "latin-1"] {
                let expected = format!(
                    "the content is a Python pickle, which nothing but Python reads, and its header says {encoding}: send JSON, \
                     json.dumps(value).encode(\"utf-8\") in Python"
                );
                assert_eq!(hint(encoding, pickle), Some(expected));
            }
            assert_eq!(hint("binary", pickle), None);
            let cut = hint("utf-8", &pickle[..pickle.len() - 1]).unwrap();
            assert!(
                cut.starts_with("the content is not utf-8, as its header says: byte 80 at offset 0 of it"),
                "{cut}"
            );
        }
    }

    #[test]
    fn utf8_that_its_header_calls_ascii_is_said_to_be_utf8() {
        let ascii = "the content is not ascii, as its header says: byte c3 at offset 3 of it; it is UTF-8, and the header \
                     should say utf-8";
        assert_eq!(hint("ascii", "café".as_bytes()).as_deref(), Some(ascii));
        let other = "the content is not ascii, as its header says: byte e9 at offset 3 of it; it looks like Latin-1; encode it with \
                     the encoding that the header names: text.encode(\"ascii\") in Python";
        assert_eq!(hint("ascii", b"caf\xE9 ").as_deref(), Some(other));
    }

    #[test]
    fn another_encoding_is_recognised_where_it_is_clear() {
        let looks_like = |encoding: &str, content: &[u8]| {
            let hint = hint(encoding, content)?;
            let (_, rest) = hint.split_once("looks like ")?;
            Some(rest.split([';', ',']).next()?.to_owned())
        };
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        let big = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>();
        let json = "{\"value\": \"café\"}";
        for content in [utf16(json), big(json), utf16("\u{feff}{}"), big("\u{feff}日本"), utf16("{}"), big("[1]")] {
            for encoding in ["utf-8", "ascii", "latin-1"] {
                assert_eq!(looks_like(encoding, &content).as_deref(), Some("UTF-16"), "{encoding}: {content:?}");
            }
        }
        for (content, name) in [
            (&b"caf\xE9 \xE0 la carte"[..], "Latin-1"),
            (b"\xC4rger \xB5m", "Latin-1"),
            (b"it\x92s", "Windows-1252 (cp1252)"),
            (b"na\xEFve, 5 \x80", "Windows-1252 (cp1252)"),
        ] {
            assert_eq!(looks_like("utf-8", content).as_deref(), Some(name), "{content:?}");
        }
        let others: [&[u8]; 9] = [
            b"caf\xE9\xE9 ",
            b"1 \xE9 ",
            b"\xFF\xFE\0\0",
            b"e\xFF\x01",
            b"caf\xC3\xA9 caf\xE9 ",
            b"a\x81b",
            b"a\0",
            b"a\0\0b\0\0",
            b"\0\0\0\0",
        ];
        for content in others {
            assert_eq!(looks_like("utf-8", content), None, "{content:?}");
        }
    }

    #[test]
    fn a_byte_that_is_not_in_the_encoding_is_found_wherever_it_is() {
        for size in [STEP, 70_000, 1 << 20] {
            for (encoding, one, bad) in [("utf-8", &b"a"[..], &b"\xC3("[..]), ("utf-16-le", b"a\0", b"\0\xDCb\0")] {
                let content = [&one.repeat(size), bad, one].concat();
                let expected = format!("byte {:02x} at offset {} of it", bad[0], one.len() * size);
                let header = Header::new("x", encoding, content.len() as u64);
                let mut encoded = Encoded::of(&header);
                content.chunks(1001).for_each(|piece| encoded.push(piece));
                assert!(!encoded.is_right() && encoded.hint().unwrap().contains(&expected), "{:?}", encoded.hint());
            }
        }
    }

    #[test]
    fn text_is_recognised_however_it_comes_in_pieces() {
        let text = "dance on 🐶 café";
        let cases = [
            (text.as_bytes(), true),
            (&text.as_bytes()[..11], true),
            (&text.as_bytes()[..text.len() - 1], true),
            (b"dance", false),
            (b"", false),
            (b"\xC3\xA9\xFF", false),
            (b"\xC3\xC3", false),
            (b"\x80", false),
        ];
        for (content, possible) in cases {
            for size in 1..=content.len().max(1) {
                let mut text = Utf8::default();
                content.chunks(size).for_each(|piece| text.push(piece));
                assert_eq!(text.may_be_cut(), possible, "{content:?} in pieces of {size}");
            }
        }
    }
}

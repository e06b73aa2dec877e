//! The first bytes of a stream, and what they say about a stream that is not understood.

use std::sync::atomic::{AtomicUsize, Ordering};

use jsonframe::{Decoder, Dialect, Event, Header};

use crate::dialect::DialectName;
use crate::hint::Cause;
use crate::inspect::{self, Options};

/// For how many streams a hint was looked for.
static LOOKED_FOR: AtomicUsize = AtomicUsize::new(0);

/// The beginning of a stream, as far as it is kept.
#[derive(Debug, Default)]
pub(crate) struct Start {
    bytes: Vec<u8>,
    /// Whether that is all that has come.
    has_more: bool,
}

impl Start {
    /// How much is kept, in bytes.
    const KEPT: usize = 64 * 1024;

    /// How often a process looks for a hint, at most: the name of a dialect that is found out is never freed.
    const MOST: usize = 256;

    pub(crate) const fn new() -> Self {
        Self { bytes: Vec::new(), has_more: false }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let space = Self::KEPT - self.bytes.len();
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(space)]);
        self.has_more |= bytes.len() > space;
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How many bytes of a header have come and how many it has, if the stream is inside one that may be right.
    pub(crate) fn header(&self, dialect: &'static Dialect) -> Option<(u64, u64)> {
        if self.has_more {
            return None;
        }
        let mut decoder = Decoder::new(vec![0; dialect.prefix().len() + Header::MAX_LEN]).with_dialect(dialect);
        let (mut start, mut is_content) = (0, false);
        let mut input = &self.bytes[..];
        while let Some(event) = decoder.decode(&mut input).ok()? {
            is_content = !matches!(event, Event::End);
            if !is_content {
                start = self.bytes.len() - input.len();
            }
        }
        let before = start + dialect.prefix().len() + usize::from(dialect.proto_header().len());
        let come = self.bytes.len().checked_sub(before).filter(|come| *come > 0 && !is_content)? as u64;
        Some((come, come + decoder.needs()))
    }

    /// Why it is not understood by somebody who expects this dialect, if its beginning tells.
    pub(crate) fn hint(&self, dialect: DialectName) -> Option<Cause> {
        if self.has_more || self.bytes.is_empty() {
            return None;
        }
        if LOOKED_FOR.fetch_add(1, Ordering::Relaxed) >= Self::MOST {
            return None;
        }
        inspect::cause(&self.bytes, &Options { dialect, ..Options::default() }, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(bytes: &[u8], dialect: &str) -> Option<String> {
        let mut start = Start::default();
        bytes.chunks(7).for_each(|piece| start.push(piece));
        start.hint(dialect.parse().unwrap()).map(|cause| cause.words)
    }

    const HEADER: &str =
        r#"{"byteorder": "little", "content-type": "text/json", "content-encoding": "utf-8", "content-length": 9}"#;

    #[test]
    fn another_dialect_is_named() {
        let u32_form =
            [&u32::try_from(HEADER.len()).unwrap().to_be_bytes()[..], HEADER.as_bytes(), b"[1, 2, 3]"].concat();
        let named = "the header length has four bytes, and the protocol's has two: struct.pack(\">H\", n) in Python; to accept \
                     it as it is: --dialect u32";
        assert_eq!(hint(&u32_form, "standard").as_deref(), Some(named));
        // The content may not have come yet.
        assert_eq!(hint(&u32_form[..4 + HEADER.len()], "standard").as_deref(), Some(named));
        assert_eq!(hint(&u32_form, "u32"), None);
    }

    #[test]
    fn how_far_a_header_is_is_known() {
        let message = [&[0, 102][..], HEADER.as_bytes(), b"[1, 2, 3]"].concat();
        let mut start = Start::default();
        for (index, byte) in message.repeat(2).into_iter().enumerate() {
            let at = (index % message.len()).checked_sub(2).filter(|at| (1..102).contains(at));
            assert_eq!(start.header(&Dialect::STANDARD), at.map(|at| (at as u64, 102)), "{index}");
            start.push(&[byte]);
        }
    }

    #[test]
    fn text_is_shown() {
        let expected = r#"this is text, not messages: "ERROR unknown command\r\n""#;
        assert_eq!(hint(b"ERROR unknown command\r\nbye\r\n", "standard").as_deref(), Some(expected));
        let long = hint(&b"no, ".repeat(25), "standard").unwrap();
        assert!(long.ends_with(&format!(": \"{}\"", "no, ".repeat(15))), "{long}");
        let tls = r#"these are not messages: the stream begins with "\x15\x03\x01\x00\x02\x02F", which looks like TLS"#;
        assert_eq!(hint(b"\x15\x03\x01\0\x02\x02\x46", "standard").as_deref(), Some(tls));
    }

    #[test]
    fn a_length_of_characters_is_recognised() {
        let content = "{\"é\": 11}";
        let short = [&[0, 102][..], HEADER.as_bytes(), content.as_bytes()].concat();
        assert_eq!(content.chars().count(), 9);
        assert!(hint(&short, "standard").unwrap().contains("content-length counts bytes, not characters"));
        assert_eq!(hint(b"", "standard"), None);
    }
}

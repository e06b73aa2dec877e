//! Tells when a content length seems to count characters, the commonest fault of clients.
//!
//! Text in UTF-8 has more bytes than characters, or units of UTF-16, as soon as it is not ASCII. A length that counts those
//! cuts the content short, and what is cut off is taken for the beginning of the next message. At least one byte that is
//! not ASCII is always within the shorter length.

use std::fmt::Display;

use jsonframe::{Encoding, Header};
use jsonframe_std::server::{CloseReason, Deadline};
use serde::de::IgnoredAny;

use crate::text::Printable;

/// What to tell whoever seems to count characters.
pub const COUNTS_BYTES: &str = "content-length counts bytes, not characters";

/// Whether this JSON in UTF-8 seems to be cut short because its characters were counted.
pub fn json_is_cut(content: &[u8]) -> bool {
    !content.is_ascii()
        && match str::from_utf8(content) {
            Ok(text) => serde_json::from_str::<IgnoredAny>(text).is_err_and(|error| error.is_eof()),
            // It ends inside a character.
            Err(error) => error.error_len().is_none(),
        }
}

/// Says so if content that begins with these bytes is in another encoding than its header says.
pub fn wrong_encoding(header: &Header<'_>, content: &[u8]) -> Option<String> {
    let (encoding, label) = (header.encoding()?, Printable(header.content_encoding()));
    let wide = content.iter().position(|byte| !byte.is_ascii())?;
    // It may end inside a character.
    let (valid, is_utf8) = match str::from_utf8(content) {
        Ok(_) => (content.len(), true),
        Err(error) => (error.valid_up_to(), error.error_len().is_none()),
    };
    let wrong = match encoding {
        Encoding::UTF_8 if !is_utf8 => valid,
        Encoding::ASCII => wide,
        Encoding::LATIN_1 if is_utf8 && wide < valid => {
            return Some(format!("the content looks like UTF-8, and its header says {label}"));
        }
        _ => return None,
    };
    let byte = content.get(wrong)?;
    Some(format!(
        "the content is not {label}, as its header says: byte {byte:02x} at offset {wrong} of it; encode it with the encoding \
         that the header names"
    ))
}

/// Whether this end of a connection can come of content before it that was [cut short](CutText).
pub const fn follows_cut(why: &CloseReason) -> bool {
    matches!(why, CloseReason::Protocol(_) | CloseReason::Deadline(Deadline::Header))
}

/// A reason, and what to tell whoever seems to count characters, if that is so.
pub fn with(reason: impl Display, is_cut: bool) -> String {
    if is_cut { format!("{reason}; {COUNTS_BYTES}") } else { reason.to_string() }
}

/// A cause, and then the error.
pub(crate) fn before(cause: &str, error: impl Display) -> String {
    format!("{cause}; the error was: {error}")
}

/// Looks at content piece by piece: whether it may be UTF-8 that was cut short because its characters were counted.
///
/// That alone says nothing. It does if the bytes that follow are not a message.
#[derive(Clone, Debug, Default)]
pub struct CutText {
    /// The beginning of a character that is not whole.
    begun: Vec<u8>,
    has_wide: bool,
    is_other: bool,
}

impl CutText {
    /// Looks at the next piece of the content.
    pub fn push(&mut self, mut piece: &[u8]) {
        while !self.is_other
            && !self.begun.is_empty()
            && let Some((byte, rest)) = piece.split_first()
        {
            self.begun.push(*byte);
            piece = rest;
            match str::from_utf8(&self.begun) {
                Ok(_) => self.begun.clear(),
                Err(error) => self.is_other = error.error_len().is_some(),
            }
        }
        if self.is_other || piece.is_ascii() {
            return;
        }
        self.has_wide = true;
        if let Err(error) = str::from_utf8(piece) {
            self.is_other = error.error_len().is_some();
            self.begun = piece[error.valid_up_to()..].iter().copied().take(4).collect();
        }
    }

    /// Whether all that came may be such text.
    pub const fn is_possible(&self) -> bool {
        self.has_wide && !self.is_other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_that_is_cut_after_a_wide_character_was_counted_in_characters() {
        let whole = r#"{"action": "search", "value": "🐶 café"}"#;
        for length in [whole.chars().count(), whole.encode_utf16().count()] {
            assert!(json_is_cut(&whole.as_bytes()[..length]), "{length}");
        }
        // Inside a character.
        assert!(json_is_cut(&whole.as_bytes()[..33]));
        for other in [whole.as_bytes(), br#"{"action": "sea"#, b"\xFF\xFE{", b"", "{\"é\": 1} x".as_bytes()] {
            assert!(!json_is_cut(other), "{other:?}");
        }
    }

    #[test]
    fn an_encoding_that_is_not_the_header_s_is_named() {
        let hint = |encoding, content: &[u8]| wrong_encoding(&Header::new("x", encoding, 1000), content);
        let wrong = hint("utf-8", b"caf\xE9 ").unwrap();
        assert!(
            wrong.starts_with("the content is not utf-8, as its header says: byte e9 at offset 3 of it; "),
            "{wrong}"
        );
        assert!(
            hint("ascii", "café".as_bytes()).unwrap().contains("not ascii, as its header says: byte c3 at offset 3")
        );
        let utf8 = "the content looks like UTF-8, and its header says latin-1";
        assert_eq!(hint("latin-1", "café".as_bytes()).as_deref(), Some(utf8));
        // It may go on.
        assert_eq!(hint("utf-8", "é".as_bytes().split_at(1).0), None);
        for (encoding, content) in [("utf-8", "café"), ("utf-8", ""), ("ascii", "e"), ("latin-1", "e"), ("binary", "é")]
        {
            assert_eq!(hint(encoding, content.as_bytes()), None, "{encoding}");
        }
        assert_eq!(hint("latin-1", b"caf\xE9"), None);
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
                let mut cut = CutText::default();
                content.chunks(size).for_each(|piece| cut.push(piece));
                assert_eq!(cut.is_possible(), possible, "{content:?} in pieces of {size}");
            }
        }
    }
}

//! Tells when a content length seems to count characters, the commonest fault of clients.
//!
//! Text in UTF-8 has more bytes than characters, or units of UTF-16, as soon as it is not ASCII. A length that counts those
//! cuts the content short, and what is cut off is taken for the beginning of the next message. At least one byte that is
//! not ASCII is always within the shorter length.

pub(crate) mod json;

use std::fmt::Display;

use jsonframe::{DecodeErrorKind, Header};
use jsonframe_std::Error;
use jsonframe_std::server::{CloseReason, Deadline};
use serde::de::IgnoredAny;

/// What to tell whoever seems to count characters.
pub const COUNTS_BYTES: &str = "content-length counts bytes, not characters";

/// What they should write instead.
pub(crate) const MEND: &str =
    "content-length counts bytes, not characters: len(text.encode(\"utf-8\")) in Python, not len(text)";

/// What to look for when a message stops halfway.
pub(crate) const SENDS_ALL: &str = "does it send all of it (sendall, not send)?";

/// Whether this JSON in UTF-8 seems to be cut short because its characters were counted.
pub fn json_is_cut(content: &[u8]) -> bool {
    !content.is_ascii()
        && match str::from_utf8(content) {
            Ok(text) => serde_json::from_str::<IgnoredAny>(text).is_err_and(|error| error.is_eof()),
            // It ends inside a character.
            Err(error) => error.error_len().is_none(),
        }
}

/// Whether it is JSON that seems to be cut short because its characters were counted.
pub(crate) fn is_cut(header: &Header<'_>, content: &[u8]) -> bool {
    header.is_json() && content.len() as u64 == header.content_length() && json_is_cut(content)
}

/// Whether it is JSON that is whole, so that nothing after it can belong to it.
pub(crate) fn is_whole_json(header: &Header<'_>, content: &[u8]) -> bool {
    header.is_json()
        && content.len() as u64 == header.content_length()
        && serde_json::from_slice::<IgnoredAny>(content).is_ok()
}

/// Whether this end of a connection can come of content before it that may have been cut short.
pub const fn follows_cut(why: &CloseReason) -> bool {
    matches!(why, CloseReason::Protocol(_) | CloseReason::Deadline(Deadline::Header))
}

/// A reason, and what to tell whoever seems to count characters, if that is so.
pub fn with(reason: impl Display, is_cut: bool) -> String {
    if is_cut { format!("{reason}; {COUNTS_BYTES}") } else { reason.to_string() }
}

/// The likely cause of a fault, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    pub(crate) words: String,
    /// Whether the decoder's error adds nothing: these are no messages, or the rest of one that was cut short.
    pub(crate) is_enough: bool,
}

impl Cause {
    /// The cause of a fault in messages.
    pub(crate) const fn of_fault(words: String) -> Self {
        Self { words, is_enough: false }
    }

    /// The cause of an end inside a message, as far as it can be told without its bytes.
    pub(crate) fn of_end(error: &Error) -> Option<Self> {
        let words = "the peer ended its sending before the message was whole: does it send all of it (sendall, not send), and \
                     are its lengths right, len(header) and len(content) in Python, of the encoded bytes?";
        let is_end = matches!(error, Error::Decode(error) if matches!(error.kind(), DecodeErrorKind::Truncated { .. }));
        is_end.then(|| Self::of_fault(words.into()))
    }

    /// The cause of this error after JSON that has been said to be [cut short](is_cut), where something has come after that. It
    /// does not say of a time-out that it is one.
    pub(crate) fn of_rest(error: &Error) -> Self {
        let words = format!("this is the rest of a content that was cut short: {COUNTS_BYTES}");
        Self { words, is_enough: matches!(error, Error::Decode(_)) }
    }

    /// The cause, and then the error, on one line.
    pub(crate) fn before(&self, error: impl Display) -> String {
        let Self { words, is_enough } = self;
        if *is_enough { words.clone() } else { format!("{words}; the error was: {error}") }
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
}

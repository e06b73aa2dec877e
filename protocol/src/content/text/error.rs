//! The errors of decoding and encoding text.

use alloc::string::String;

use thiserror::Error;

use super::Encoding;

/// Says why content could not be decoded as text, or text could not be encoded.
///
/// ```
/// use jsonframe::{Header, Message, TextError};
///
/// # #[cfg(feature = "text")] {
/// let message = Message::new(Header::new("text/plain", "ascii", 4), b"caf\xE9").expect("the length is right");
/// let error = message.text().unwrap_err();
/// assert!(matches!(error, TextError::Malformed { offset: 3, .. }));
/// assert_eq!(error.to_string(), "the content is not text in ascii (at its byte 3)");
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TextError {
    /// The `content-encoding` is not the label of a known encoding of text.
    #[error("the content-encoding is {label:?}, which is not known as an encoding of text")]
    Label {
        /// The `content-encoding` of the header.
        label: String,
    },

    /// The content contains bytes that are not a character, or ends inside one.
    #[error("the content is not text in {encoding} (at its byte {offset})")]
    Malformed {
        /// The encoding that the content was decoded from.
        encoding: Encoding,
        /// The offset of the first malformed or incomplete character, in bytes from the beginning of the content.
        offset: u64,
    },

    /// The encoding lacks a character of the text.
    #[error("{encoding} has no character U+{:04X} (at byte {offset} of the text)", u32::from(*character))]
    Unmappable {
        /// The encoding of the content.
        encoding: Encoding,
        /// The first such character.
        character: char,
        /// The offset of the character, in bytes from the beginning of the text.
        offset: usize,
    },
}

//! Why content is not text, or text cannot be content.

use alloc::string::String;

use thiserror::Error;

use super::Encoding;

/// Why content could not be decoded as text, or text not encoded.
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
    /// The `content-encoding` is not known as the label of an encoding of text.
    #[error("the content-encoding is {label:?}, which is not known as an encoding of text")]
    Label {
        /// The `content-encoding` of the header.
        label: String,
    },

    /// There are bytes that are no character, or the content ends within one.
    #[error("the content is not text in {encoding} (at its byte {offset})")]
    Malformed {
        /// What the content was decoded from.
        encoding: Encoding,
        /// Where the first character that is not whole begins, in bytes from the beginning of the content.
        offset: u64,
    },

    /// There is a character that the encoding has not.
    #[error("{encoding} has no character U+{:04X} (at byte {offset} of the text)", u32::from(*character))]
    Unmappable {
        /// What the text was to be encoded into.
        encoding: Encoding,
        /// The character.
        character: char,
        /// Where it stands: the first that there is, in bytes from the beginning of the text.
        offset: usize,
    },
}

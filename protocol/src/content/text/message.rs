//! Text as the content of a message.

use alloc::borrow::Cow;

use super::TextError;
use crate::{Encoding, Message};

impl<'a> Message<'a> {
    /// The content as text, decoded from what the header says that it is in.
    ///
    /// UTF-8 and ASCII are lent as they stand, everything else is copied.
    ///
    /// # Errors
    ///
    /// [`TextError::Label`] if `content-encoding` is not known as the label of an encoding of text,
    /// [`TextError::Malformed`] if the content is not text in that encoding.
    ///
    /// ```
    /// use jsonframe::{Header, Message};
    ///
    /// let message = Message::new(Header::new("text/plain", "latin-1", 4), b"caf\xE9")?;
    /// assert_eq!(message.text()?, "café");
    ///
    /// let message = Message::new(Header::new("text/plain", "gzip", 4), b"caf\xE9")?;
    /// assert_eq!(
    ///     message.text().unwrap_err().to_string(),
    ///     "the content-encoding is \"gzip\", which is not known as an encoding of text",
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn text(&self) -> Result<Cow<'a, str>, TextError> {
        Encoding::of(self.header())?.decode(self.content())
    }
}

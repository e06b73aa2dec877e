//! The text of messages.

use alloc::borrow::Cow;

use super::TextError;
use crate::{Encoding, Message, OwnedMessage};

impl<'a> Message<'a> {
    /// Decodes the content as text, by the header's `content-encoding`.
    ///
    /// The text is borrowed where [`Encoding::decode`] borrows.
    ///
    /// # Errors
    ///
    /// [`TextError::Label`] if `content-encoding` is not the label of a known encoding of text;
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
        Encoding::of(&self.header())?.decode(self.content())
    }
}

impl OwnedMessage {
    /// Decodes the content as text: [`Message::text`].
    ///
    /// # Errors
    ///
    /// See [`Message::text`].
    pub fn text(&self) -> Result<Cow<'_, str>, TextError> {
        self.message().text()
    }
}

//! Encodes text as content.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::{Encoding, Repr, TextError, UTF_8_MARK};

impl Encoding {
    /// Encodes a text as content.
    ///
    /// As in Python, `utf-16` and `utf-32` begin with a byte-order mark, and so does `utf-8-sig`. Set the byte order to that
    /// of the header by [`with_byte_order`](Self::with_byte_order). Decoding the result always returns the same text.
    ///
    /// # Errors
    ///
    /// [`TextError::Unmappable`] if the encoding lacks one of the characters.
    ///
    /// ```
    /// use jsonframe::{Encoding, Header, Message};
    ///
    /// let encoding: Encoding = "cp1252".parse()?;
    /// let content = encoding.encode("5 €")?;
    /// let message = Message::new(Header::new("text/plain", encoding.name(), 3), &content)?;
    /// assert_eq!(message.content(), b"5 \x80");
    ///
    /// let error = encoding.encode("🐶 5 €").unwrap_err();
    /// assert_eq!(error.to_string(), "cp1252 has no character U+1F436 (at byte 0 of the text)");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn encode(self, text: &str) -> Result<Cow<'_, [u8]>, TextError> {
        let encoded = match self.0 {
            Repr::Utf8 => Ok(Cow::Borrowed(text.as_bytes())),
            Repr::Utf8Sig => Ok([UTF_8_MARK, text.as_bytes()].concat().into()),
            Repr::Wide(wide) => Ok(wide.encode(text).into()),
            // All that follow are supersets of ASCII.
            _ if text.is_ascii() => Ok(Cow::Borrowed(text.as_bytes())),
            Repr::Ascii => Err(text.find(|character: char| !character.is_ascii()).unwrap_or(0)),
            Repr::Latin1 => latin1(text).map(Cow::Owned),
            Repr::Legacy(legacy) => legacy.encode(text),
        };
        encoded.map_err(|offset| {
            let character = text.get(offset..).and_then(|rest| rest.chars().next()).unwrap_or_default();
            TextError::Unmappable { encoding: self, character, offset }
        })
    }
}

fn latin1(text: &str) -> Result<Vec<u8>, usize> {
    text.char_indices().map(|(offset, character)| u8::try_from(character).map_err(|_| offset)).collect()
}

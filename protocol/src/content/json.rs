//! Converts JSON content to and from the program's types.

mod spaced;

use alloc::string::String;
use alloc::vec::Vec;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Dialect, EncodeError, Encoding, Header, Message, OwnedMessage, TextError, Value};

/// Says why a value could not be serialised as content, or content not deserialised as a value.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JsonError {
    /// The method cannot read JSON from the content's encoding. [`TextError::Label`] is reported as this.
    #[error("the content-encoding is {label:?}, which JSON cannot be read from here")]
    Encoding {
        /// The `content-encoding` of the header.
        label: String,
    },

    /// The content is not text in the encoding that the header gives. Never [`TextError::Label`].
    #[error(transparent)]
    Text(TextError),

    /// The content is not JSON of the expected shape, or the value cannot be represented in JSON.
    #[error("the content does not fit: {0}")]
    Json(serde_json::Error),

    /// The message cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

// Not derived by `thiserror`, which would also make it the source, so that reports would repeat its text.
impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

impl From<TextError> for JsonError {
    fn from(error: TextError) -> Self {
        match error {
            TextError::Label { label } => Self::Encoding { label },
            other => Self::Text(other),
        }
    }
}

impl<'a> Message<'a> {
    /// Deserialises the content as JSON, in place.
    ///
    /// The content type is ignored. The encoding must be UTF-8 or ASCII, so that a `T` can borrow from the content; for
    /// other encodings use [`json_owned`](Self::json_owned). What a type accepts is up to serde: a derived struct is also
    /// read from an array of its fields.
    ///
    /// # Errors
    ///
    /// [`JsonError`] if the encoding is another, or the content is not text in it or not the JSON of a `T`. The error's text
    /// may quote the content at length.
    ///
    /// ```
    /// use jsonframe::{Header, Message};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Request<'a> {
    ///     action: &'a str,
    /// }
    ///
    /// let content = br#"{"action": "search", "value": "needle"}"#;
    /// let message = Message::new(Header::for_json(content.len() as u64), content)?;
    /// assert_eq!(message.json::<Request>()?.action, "search");
    /// # Ok::<(), jsonframe::JsonError>(())
    /// ```
    pub fn json<T: Deserialize<'a>>(&self) -> Result<T, JsonError> {
        let header = self.header();
        let text = header.encoding().and_then(|encoding| Some((encoding, encoding.in_place(self.content())?)));
        let Some((encoding, text)) = text else {
            return Err(JsonError::Encoding { label: header.content_encoding().into() });
        };
        parse(encoding, text)
    }

    /// Deserialises the content as JSON in any known encoding of text, as a type that borrows nothing.
    ///
    /// These are all of [`Encoding`] with the feature `text`, and those of [`json`](Self::json) without it. To read a type
    /// that borrows, begin with the text: `serde_json::from_str(&message.text()?)`.
    ///
    /// # Errors
    ///
    /// See [`json`](Self::json).
    ///
    /// ```
    /// use jsonframe::{ByteOrder, Header, Message};
    ///
    /// let message = Message::new(Header::for_json(4), b"[42]")?;
    /// assert_eq!(message.json_owned::<[u8; 1]>()?, [42]);
    ///
    /// # #[cfg(feature = "text")] {
    /// let header = Header::new("text/json", "utf-16", 8).with_byte_order(ByteOrder::Big);
    /// let message = Message::new(header, b"\0\"\0\xE9\0t\0\"")?;
    /// assert_eq!(message.json_owned::<String>()?, "ét");
    /// # }
    /// # Ok::<(), jsonframe::JsonError>(())
    /// ```
    pub fn json_owned<T: DeserializeOwned>(&self) -> Result<T, JsonError> {
        #[cfg(feature = "text")]
        return Ok(serde_json::from_str(&self.text()?)?);
        #[cfg(not(feature = "text"))]
        self.json()
    }
}

/// Deserialises JSON content in UTF-8: [`Message::json`] without a message.
///
/// # Errors
///
/// [`JsonError`] if the content is not UTF-8, or not the JSON of a `T`.
///
/// ```
/// let (value, numbers): (&str, [u8; 2]) = jsonframe::from_json(b"[\"needle\", [1, 2]]")?;
/// assert_eq!((value, numbers), ("needle", [1, 2]));
/// # Ok::<(), jsonframe::JsonError>(())
/// ```
pub fn from_json<'a, T: Deserialize<'a>>(content: &'a [u8]) -> Result<T, JsonError> {
    parse(Encoding::UTF_8, core::str::from_utf8(content).map_err(|error| error.valid_up_to()))
}

/// Serialises a value as JSON content, with Python's spacing: `{"action": "search", "value": [1, 2]}`.
///
/// Text beyond ASCII is not escaped, as with `ensure_ascii=False`. Floating-point numbers are written as serde_json does,
/// which differs from Python for very small ones (`1e-7`, not `1e-07`); those that are not finite become `null`.
///
/// # Errors
///
/// [`JsonError::Json`] if the value cannot be represented in JSON, such as a map whose keys are not text.
///
/// ```
/// let content = jsonframe::to_json(&("needle", [1, 2]))?;
/// assert_eq!(content, b"[\"needle\", [1, 2]]");
/// # Ok::<(), jsonframe::JsonError>(())
/// ```
pub fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, JsonError> {
    // What most messages fit in.
    let mut content = Vec::with_capacity(128);
    append_json(value, &mut content)?;
    Ok(content)
}

/// Appends a value to `bytes` as [`to_json`] serialises it, for programs that use the same memory again and again. On error
/// `bytes` is unchanged.
///
/// # Errors
///
/// See [`to_json`].
///
/// ```
/// let mut bytes = b"> ".to_vec();
/// jsonframe::append_json(&("needle", [1, 2]), &mut bytes)?;
/// assert_eq!(bytes, b"> [\"needle\", [1, 2]]");
/// # Ok::<(), jsonframe::JsonError>(())
/// ```
pub fn append_json<T: Serialize + ?Sized>(value: &T, bytes: &mut Vec<u8>) -> Result<(), JsonError> {
    Ok(spaced::append(value, bytes)?)
}

/// Serialises a value as a whole message with JSON content.
///
/// [`Dialect::to_json_message`] does it in another dialect, or with extension members.
///
/// # Errors
///
/// See [`to_json`].
///
/// ```
/// use jsonframe::{Assembler, Growable};
///
/// let wire = jsonframe::to_json_message(&["needle"])?;
///
/// let mut assembler = Assembler::new([0; 256], Growable::with_limit(1024));
/// let message = assembler.decode(&mut wire.as_slice()).expect("it is valid").expect("it is whole");
/// assert_eq!(message.json::<Vec<String>>()?, ["needle"]);
/// # Ok::<(), jsonframe::JsonError>(())
/// ```
pub fn to_json_message<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, JsonError> {
    Dialect::STANDARD.to_json_message(value, &[])
}

impl OwnedMessage {
    /// Creates a message with `value` as its JSON content, serialised as by [`to_json`].
    ///
    /// # Errors
    ///
    /// [`JsonError::Json`] if the value cannot be represented in JSON.
    ///
    /// ```
    /// use jsonframe::OwnedMessage;
    ///
    /// let message = OwnedMessage::from_json(&["needle"])?.with_extensions(&[("id", 7.into())])?;
    /// assert_eq!(message.content(), br#"["needle"]"#);
    /// assert_eq!(message.json::<[&str; 1]>()?, ["needle"]);
    /// # Ok::<(), jsonframe::JsonError>(())
    /// ```
    pub fn from_json<T: Serialize + ?Sized>(value: &T) -> Result<Self, JsonError> {
        let content = to_json(value)?;
        Ok(Self::new(&Header::for_json(content.len() as u64), content)?)
    }

    /// Deserialises the content as JSON, in place: [`Message::json`].
    ///
    /// # Errors
    ///
    /// See [`Message::json`].
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, JsonError> {
        self.message().json()
    }

    /// Deserialises the content as JSON in any known encoding of text: [`Message::json_owned`].
    ///
    /// # Errors
    ///
    /// See [`Message::json`].
    pub fn json_owned<T: DeserializeOwned>(&self) -> Result<T, JsonError> {
        self.message().json_owned()
    }
}

impl Dialect {
    /// Serialises a value as a whole message with JSON content and these extension members, in this dialect.
    ///
    /// # Errors
    ///
    /// See [`to_json`] and [`encode`](Self::encode).
    ///
    /// ```
    /// use jsonframe::Dialect;
    ///
    /// let wire = Dialect::STANDARD.to_json_message(&["needle"], &[("id", 7.into())])?;
    /// assert!(wire.ends_with(br#", "content-length": 10, "id": 7}["needle"]"#));
    /// # Ok::<(), jsonframe::JsonError>(())
    /// ```
    pub fn to_json_message<T: Serialize + ?Sized>(
        &self,
        value: &T,
        extensions: &[(&str, Value<'_>)],
    ) -> Result<Vec<u8>, JsonError> {
        let content = to_json(value)?;
        let header = self.json_header(content.len() as u64).with_extensions(extensions);
        Ok(self.to_vec(&Message::new(header, &content)?)?)
    }
}

/// Deserialises JSON from text, or reports the offset at which it is not text in this encoding.
fn parse<'a, T: Deserialize<'a>>(encoding: Encoding, text: Result<&'a str, usize>) -> Result<T, JsonError> {
    let text = text.map_err(|offset| TextError::Malformed { encoding, offset: offset as u64 })?;
    Ok(serde_json::from_str(text)?)
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn only_what_is_utf8_is_read_in_place() {
        for (label, ok) in [
            ("utf-8", true),
            ("UTF8", true),
            ("Utf_8", true),
            ("utf-8-sig", true),
            ("us-ascii", true),
            ("latin-1", false),
            ("utf-16", false),
            ("", false),
        ] {
            let message = Message::new(Header::new("text/json", label, 1), b"1").unwrap();
            assert_eq!(message.json::<u8>().is_ok(), ok, "{label:?}");
        }
        let message = Message::new(Header::new("text/json", "gzip", 1), b"1").unwrap();
        assert_eq!(
            message.json::<u8>().unwrap_err().to_string(),
            "the content-encoding is \"gzip\", which JSON cannot be read from here"
        );
        let message = Message::new(Header::new("text/json", "ascii", 4), b"\"\xC3\xA9\"").unwrap();
        assert_eq!(
            message.json::<String>().unwrap_err().to_string(),
            "the content is not text in ascii (at its byte 1)"
        );
    }

    #[test]
    fn an_error_is_reported_once() {
        use core::error::Error;

        let message = Message::new(Header::for_json(1), b"x").unwrap();
        let error = message.json::<u8>().unwrap_err();
        assert_eq!(error.to_string(), "the content does not fit: expected value at line 1 column 1");
        assert!(error.source().is_none());
    }
}

//! A whole message that owns what it says.

use bytes::Bytes;

use crate::message::outgoing::check_length;
use crate::{EncodeError, Growable, Header, Message, OwnedHeader};

/// A whole message that owns its header and its content, to be kept, or handed to another task.
///
/// A [`Codec`](crate::Codec) receives these. To copy one, or its content, copies no content: it is [shared](Bytes).
///
/// ```
/// use jsonframe::{Header, OwnedMessage};
///
/// let message = OwnedMessage::new(&Header::new("text/plain", "utf-8", 5), "hello")?;
/// assert_eq!(message.header().content_type(), "text/plain");
/// assert_eq!(message.content(), "hello");
/// # Ok::<(), jsonframe::EncodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct OwnedMessage {
    header: OwnedHeader<Growable>,
    content: Bytes,
}

impl OwnedMessage {
    /// A message of this header, which is copied, and this content.
    ///
    /// # Errors
    ///
    /// [`EncodeError::LengthMismatch`] if the header announces another length than the content has; what
    /// [`Header::encode`] returns for a header that cannot be sent; [`EncodeError::BufferTooSmall`] if there is no memory
    /// for it.
    pub fn new(header: &Header<'_>, content: impl Into<Bytes>) -> Result<Self, EncodeError> {
        let content = content.into();
        check_length(header, &content)?;
        let header = OwnedHeader::new(header, Growable::with_limit(usize::MAX))?;
        Ok(Self { header, content })
    }

    /// A message of JSON content, written as [`to_json`](crate::to_json) does.
    ///
    /// # Errors
    ///
    /// [`JsonError`](crate::JsonError) if the value has no form in JSON.
    ///
    /// ```
    /// use jsonframe::OwnedMessage;
    ///
    /// let message = OwnedMessage::from_json(&["needle"])?;
    /// assert_eq!(message.content(), r#"["needle"]"#);
    /// # Ok::<(), jsonframe::JsonError>(())
    /// ```
    #[cfg(feature = "json")]
    pub fn from_json<T: serde::Serialize + ?Sized>(value: &T) -> Result<Self, crate::JsonError> {
        let content = crate::to_json(value)?;
        Ok(Self::new(&Header::for_json(content.len() as u64), content)?)
    }

    /// A message whose content has the length that the header announces.
    pub(crate) const fn received(header: OwnedHeader<Growable>, content: Bytes) -> Self {
        Self { header, content }
    }

    /// The message's header.
    pub fn header(&self) -> Header<'_> {
        self.header.header()
    }

    /// The message's content.
    pub const fn content(&self) -> &Bytes {
        &self.content
    }

    /// The message's content, to keep.
    pub fn into_content(self) -> Bytes {
        self.content
    }

    /// The message, to be read as JSON or sent again.
    ///
    #[cfg_attr(feature = "json", doc = "```")]
    #[cfg_attr(not(feature = "json"), doc = "```ignore")]
    /// # use jsonframe::OwnedMessage;
    /// let message = OwnedMessage::from_json(&["needle"])?;
    /// assert_eq!(message.message().json::<Vec<&str>>()?, ["needle"]);
    /// # Ok::<(), jsonframe::JsonError>(())
    /// ```
    pub fn message(&self) -> Message<'_> {
        Message::received(self.header(), &self.content)
    }
}

impl PartialEq for OwnedMessage {
    fn eq(&self, other: &Self) -> bool {
        self.message() == other.message()
    }
}

impl Eq for OwnedMessage {}

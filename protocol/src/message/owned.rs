//! Messages that own their header and content.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::hash::{Hash, Hasher};

#[cfg(feature = "tokio")]
use crate::header::found::Found;
use crate::message::outgoing::check_length;
use crate::{EncodeError, Growable, Header, Message, OwnedHeader, Value};

/// With tokio, content is shared instead of copied.
#[cfg(feature = "tokio")]
type Bytes = bytes::Bytes;
#[cfg(not(feature = "tokio"))]
type Bytes = Vec<u8>;

/// A whole message that owns its header and its content, to be kept or sent to another thread or task.
///
/// With the feature `tokio`, clones share the content, and a [`Codec`](crate::Codec) receives messages of this type without
/// copying them.
///
/// ```
/// use jsonframe::{Header, OwnedMessage, Value};
///
/// let message = OwnedMessage::new(&Header::new("text/plain", "utf-8", 5), "hello")?.with_extensions(&[("id", 7.into())])?;
/// assert_eq!(message.header().content_type(), "text/plain");
/// assert_eq!(message.header().extension("id"), Some(Value::from(7)));
/// assert_eq!(message.content(), b"hello");
/// # Ok::<(), jsonframe::EncodeError>(())
/// ```
#[derive(Clone)]
pub struct OwnedMessage {
    /// The content, after whatever was received in one piece with it.
    bytes: Bytes,
    /// The index in `bytes` at which the content begins.
    content: usize,
    header: Kept,
}

/// Where the header is.
#[derive(Clone)]
enum Kept {
    Apart(Box<OwnedHeader<Growable>>),
    /// A copy, in the bytes that end where the content begins.
    Copied(OwnedHeader<()>),
    /// In the bytes that end where the content begins.
    #[cfg(feature = "tokio")]
    BeforeContent(Found),
}

impl OwnedMessage {
    /// Creates a message from a copy of the header and this content.
    ///
    /// # Errors
    ///
    /// [`EncodeError::LengthMismatch`] if the header announces another length than that of the content;
    /// [`EncodeError::BufferTooSmall`] if memory runs out; otherwise see [`Header::encode`].
    pub fn new(header: &Header<'_>, content: impl Into<Vec<u8>>) -> Result<Self, EncodeError> {
        let content: Vec<u8> = content.into();
        Self::of(header, content)
    }

    /// Creates a message from a copy of the header and this content, which is shared.
    ///
    /// # Errors
    ///
    /// See [`new`](Self::new).
    #[cfg(feature = "tokio")]
    pub fn new_shared(header: &Header<'_>, content: bytes::Bytes) -> Result<Self, EncodeError> {
        Self::of(header, content)
    }

    fn of(header: &Header<'_>, content: impl Into<Bytes> + AsRef<[u8]>) -> Result<Self, EncodeError> {
        check_length(header, content.as_ref())?;
        Ok(Self::with_header(Kept::apart(header)?, content, 0))
    }

    fn with_header(header: Kept, bytes: impl Into<Bytes>, content: usize) -> Self {
        Self { bytes: bytes.into(), content, header }
    }

    /// Creates a message from received bytes. `content` is the index where the header ends and the content begins.
    #[cfg(feature = "tokio")]
    #[inline]
    pub(crate) const fn received(found: Found, bytes: Bytes, content: usize) -> Self {
        Self { bytes, content, header: Kept::BeforeContent(found) }
    }

    /// Sets the extension members, in place of any there were: [`Header::with_extensions`].
    ///
    /// # Errors
    ///
    /// [`EncodeError::BufferTooSmall`] if memory runs out; otherwise see [`Header::encode`].
    pub fn with_extensions(self, extensions: &[(&str, Value<'_>)]) -> Result<Self, EncodeError> {
        let header = Kept::apart(&self.header().with_extensions(extensions))?;
        Ok(Self { header, ..self })
    }

    /// Returns the header.
    #[inline]
    pub fn header(&self) -> Header<'_> {
        match &self.header {
            Kept::Apart(header) => header.header(),
            Kept::Copied(header) => header.header_in(self.bytes.get(..self.content).unwrap_or_default()),
            #[cfg(feature = "tokio")]
            Kept::BeforeContent(found) => found.header(self.bytes.get(..self.content).unwrap_or_default()),
        }
    }

    /// Returns the content.
    #[inline]
    pub fn content(&self) -> &[u8] {
        self.bytes.get(self.content..).unwrap_or_default()
    }

    /// Returns the content. Content that is shared is copied, and content that is in one piece with its header is moved.
    pub fn into_content(self) -> Vec<u8> {
        #[cfg(feature = "tokio")]
        return self.into_bytes().into();
        #[cfg(not(feature = "tokio"))]
        {
            let mut bytes = self.bytes;
            bytes.drain(..self.content.min(bytes.len()));
            bytes
        }
    }

    /// Returns the content without copying it.
    #[cfg(feature = "tokio")]
    pub fn into_bytes(mut self) -> bytes::Bytes {
        bytes::Buf::advance(&mut self.bytes, self.content);
        self.bytes
    }

    /// Returns the message as one that borrows from this.
    pub fn message(&self) -> Message<'_> {
        Message::received(self.header(), self.content())
    }
}

impl Kept {
    fn apart(header: &Header<'_>) -> Result<Self, EncodeError> {
        Ok(Self::Apart(Box::new(OwnedHeader::try_from(header)?)))
    }
}

/// Copies the header and the content, to one piece of memory.
impl TryFrom<Message<'_>> for OwnedMessage {
    type Error = EncodeError;

    fn try_from(message: Message<'_>) -> Result<Self, EncodeError> {
        let (header, content) = (message.header(), message.content());
        check_length(&header, content)?;
        let capacity = |header: usize| Growable::with_capacity(header.saturating_add(content.len()));
        let (storage, header) = OwnedHeader::with_storage(&header, capacity)?.into_parts();
        let mut bytes = storage.into_vec();
        let start = bytes.len();
        bytes.extend_from_slice(content);
        Ok(Self::with_header(Kept::Copied(header), bytes, start))
    }
}

impl PartialEq for OwnedMessage {
    fn eq(&self, other: &Self) -> bool {
        self.message() == other.message()
    }
}

impl Eq for OwnedMessage {}

impl Hash for OwnedMessage {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.header().hash(state);
        self.content().hash(state);
    }
}

impl fmt::Debug for OwnedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedMessage").field("header", &self.header()).field("content", &self.content()).finish()
    }
}

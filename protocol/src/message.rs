//! Whole messages.

pub(crate) mod outgoing;
#[cfg(feature = "alloc")]
mod owned;
mod sending;

pub use self::outgoing::Outgoing;
use self::outgoing::check_length;
#[cfg(feature = "alloc")]
pub use self::owned::OwnedMessage;
use crate::{EncodeError, Header};

/// A whole message: its header and all of its content.
///
/// Received from an [`Assembler`](crate::Assembler), or made to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    header: Header<'a>,
    content: &'a [u8],
}

impl<'a> Message<'a> {
    /// Creates a message from a header and its content.
    ///
    /// # Errors
    ///
    /// [`EncodeError::LengthMismatch`] if the header announces another length than that of the content.
    ///
    /// ```
    /// use jsonframe::{Header, Message};
    ///
    /// let message = Message::new(Header::new("text/plain", "utf-8", 5), b"hello")?;
    /// assert_eq!(message.content(), b"hello");
    /// assert!(Message::new(Header::new("text/plain", "utf-8", 4), b"hello").is_err());
    /// # Ok::<(), jsonframe::EncodeError>(())
    /// ```
    pub const fn new(header: Header<'a>, content: &'a [u8]) -> Result<Self, EncodeError> {
        match check_length(&header, content) {
            Ok(()) => Ok(Self { header, content }),
            Err(error) => Err(error),
        }
    }

    /// Creates a message whose content is known to have the announced length.
    pub(crate) const fn received(header: Header<'a>, content: &'a [u8]) -> Self {
        Self { header, content }
    }

    /// Returns the header.
    pub const fn header(&self) -> Header<'a> {
        self.header
    }

    /// Returns the content.
    pub const fn content(&self) -> &'a [u8] {
        self.content
    }

    /// Encodes the message: its head, followed by a copy of its content.
    ///
    /// [`Outgoing`] sends without the copy, [`Dialect::to_vec`](crate::Dialect::to_vec) in another dialect.
    ///
    /// # Errors
    ///
    /// See [`Header::encode`].
    ///
    /// ```
    /// use jsonframe::{Header, Message};
    ///
    /// let message = Message::new(Header::new("text/plain", "utf-8", 5), b"hello")?;
    /// assert!(message.to_vec()?.ends_with(b"\"content-length\": 5}hello"));
    /// # Ok::<(), jsonframe::EncodeError>(())
    /// ```
    #[cfg(feature = "alloc")]
    pub fn to_vec(&self) -> Result<alloc::vec::Vec<u8>, EncodeError> {
        crate::Dialect::STANDARD.to_vec(self)
    }
}

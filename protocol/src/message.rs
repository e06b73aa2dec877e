//! A whole message.

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
/// Borrowed from an [`Assembler`](crate::Assembler), or made to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    header: Header<'a>,
    content: &'a [u8],
}

impl<'a> Message<'a> {
    /// A message of this header and content.
    ///
    /// # Errors
    ///
    /// [`EncodeError::LengthMismatch`] if the header announces another length than the content has.
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

    /// A message whose content is known to have the length that the header announces.
    pub(crate) const fn received(header: Header<'a>, content: &'a [u8]) -> Self {
        Self { header, content }
    }

    /// The message's header.
    pub const fn header(&self) -> Header<'a> {
        self.header
    }

    /// The message's content.
    pub const fn content(&self) -> &'a [u8] {
        self.content
    }

    /// The message as it is sent. [`Dialect::to_vec`](crate::Dialect::to_vec) is the same in another dialect.
    ///
    /// To send without this copy, see [`Outgoing`].
    ///
    /// # Errors
    ///
    /// What [`Header::encode`] returns for a header that cannot be sent.
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

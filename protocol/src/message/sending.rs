//! Encodes messages in a dialect.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;

#[cfg(feature = "alloc")]
use crate::Message;
use crate::message::outgoing::check_length;
use crate::{Dialect, EncodeError, Header, Outgoing};

impl Dialect {
    /// Encodes the head of a message into `buffer`, of which it takes [`encoded_len`](Self::encoded_len) bytes.
    ///
    /// # Errors
    ///
    /// [`EncodeError::LengthMismatch`] if the header announces another length than that of the content; otherwise see
    /// [`encode`](Self::encode).
    ///
    /// ```
    /// # use jsonframe::{Dialect, Header};
    /// const VERSIONED: Dialect = Dialect::STANDARD.with_prefix(b"\x01");
    /// let mut buffer = [0; 128];
    /// let message = VERSIONED.outgoing(&Header::for_json(2), b"{}", &mut buffer)?;
    /// assert!(message.parts()[0].starts_with(b"\x01"));
    /// # Ok::<(), jsonframe::EncodeError>(())
    /// ```
    pub fn outgoing<'a>(
        &self,
        header: &Header<'_>,
        content: &'a [u8],
        buffer: &'a mut [u8],
    ) -> Result<Outgoing<'a>, EncodeError> {
        check_length(header, content)?;
        Ok(Outgoing::from_parts([self.encode(header, buffer)?, content]))
    }

    /// Encodes a message: its head, followed by a copy of its content.
    ///
    /// # Errors
    ///
    /// See [`encode`](Self::encode).
    #[cfg(feature = "alloc")]
    pub fn to_vec(&self, message: &Message<'_>) -> Result<Vec<u8>, EncodeError> {
        self.with_head(&message.header(), |head| [head, message.content()].concat())
    }

    /// Appends the encoded head to `bytes` and returns its length. On error `bytes` is unchanged.
    ///
    /// # Errors
    ///
    /// See [`encode`](Self::encode).
    ///
    /// ```
    /// use jsonframe::{Dialect, Header};
    ///
    /// let mut queued = Vec::new();
    /// let length = Dialect::STANDARD.append_to(&Header::for_json(2), &mut queued)?;
    /// queued.extend_from_slice(b"{}");
    /// assert_eq!(queued.len(), length + 2);
    /// # Ok::<(), jsonframe::EncodeError>(())
    /// ```
    #[cfg(feature = "alloc")]
    pub fn append_to(&self, header: &Header<'_>, bytes: &mut Vec<u8>) -> Result<usize, EncodeError> {
        self.with_head(header, |head| {
            bytes.extend_from_slice(head);
            head.len()
        })
    }

    /// Encodes a head, on the stack if it is short, and passes it to `take`.
    #[cfg(feature = "alloc")]
    pub(crate) fn with_head<R>(&self, header: &Header<'_>, take: impl FnOnce(&[u8]) -> R) -> Result<R, EncodeError> {
        match self.encode(header, &mut [0; 256]) {
            Err(EncodeError::BufferTooSmall { needed, .. }) => {
                self.encode(header, &mut alloc::vec![0; needed]).map(take)
            }
            head => head.map(take),
        }
    }
}

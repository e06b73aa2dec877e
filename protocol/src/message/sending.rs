//! Messages in a dialect: from a header and its content to bytes.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;

#[cfg(feature = "alloc")]
use crate::Message;
use crate::member::{CONTENT_ENCODING, CONTENT_TYPE};
use crate::message::outgoing::check_length;
use crate::{ByteOrder, Dialect, EncodeError, Encoding, Header, Outgoing};

impl Dialect {
    /// A message to be written in this dialect: [`Outgoing::new`] is the same in the standard one.
    ///
    /// The head is encoded into `buffer`, which takes [`encoded_len`](Self::encoded_len) bytes.
    ///
    /// # Errors
    ///
    /// [`EncodeError::LengthMismatch`] if the header announces another length than the content has; and what
    /// [`encode`](Self::encode) returns.
    pub fn outgoing<'a>(
        &self,
        header: &Header<'_>,
        content: &'a [u8],
        buffer: &'a mut [u8],
    ) -> Result<Outgoing<'a>, EncodeError> {
        check_length(header, content)?;
        Ok(Outgoing::from_parts([self.encode(header, buffer)?, content]))
    }

    /// The message as it is sent in this dialect: [`Message::to_vec`] is the same in the standard one.
    ///
    /// # Errors
    ///
    /// What [`encode`](Self::encode) returns for a header that cannot be sent.
    #[cfg(feature = "alloc")]
    pub fn to_vec(&self, message: &Message<'_>) -> Result<Vec<u8>, EncodeError> {
        self.with_head(message.header(), |head| [head, message.content()].concat())
    }

    /// Appends the encoded head to `bytes` and returns its length. On error `bytes` is unchanged.
    ///
    /// # Errors
    ///
    /// What [`encode`](Self::encode) returns for a header that cannot be sent.
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

    /// A header for JSON content of this length in bytes, in UTF-8, with the values that this dialect has for absent members.
    ///
    /// They are those of [`Header::for_json`] unless the dialect has others that also mean JSON in UTF-8.
    ///
    /// ```
    /// use jsonframe::{ByteOrder, Dialect, Header};
    ///
    /// const PEER: Dialect = Dialect::STANDARD.byte_order_or(ByteOrder::Big).content_type_or("application/json");
    ///
    /// assert_eq!(PEER.json_header(2), Header::new("application/json", "utf-8", 2).with_byte_order(ByteOrder::Big));
    /// assert_eq!(Dialect::STANDARD.json_header(2), Header::for_json(2));
    /// assert_eq!(Dialect::STANDARD.content_type_or("image/png").json_header(2), Header::for_json(2));
    /// ```
    pub fn json_header(&self, content_length: u64) -> Header<'static> {
        let standard = Header::for_json(content_length);
        let is_json = |kind: &&str| Header::new(kind, "", 0).is_json();
        let content_type = self.stand_in(CONTENT_TYPE).filter(is_json).unwrap_or(standard.content_type());
        let is_utf8 = |label: &&str| label.parse() == Ok(Encoding::UTF_8);
        let content_encoding = self.stand_in(CONTENT_ENCODING).filter(is_utf8).unwrap_or(standard.content_encoding());
        Header::new(content_type, content_encoding, content_length)
            .with_byte_order(self.byte_order().unwrap_or(ByteOrder::NATIVE))
    }

    /// Encodes a head and passes it to `take`.
    ///
    /// A short head, as nearly all are, is encoded on the stack.
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

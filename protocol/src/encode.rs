//! From a header to its bytes ([SPEC §4](crate::spec#4-sending)).

use core::fmt;

use crate::emit::{Sink, write_integer, write_string};
use crate::{ByteOrder, EncodeError, Header, Member};

/// The size of a proto-header, in bytes.
pub(crate) const PROTO_HEADER_LEN: usize = 2;

impl Header<'_> {
    /// How many bytes the proto-header and the header take when encoded.
    ///
    /// ```
    /// use jsonframe::{ByteOrder, Header};
    ///
    /// assert_eq!(Header::json(39).with_byte_order(ByteOrder::Little).encoded_len(), 2 + 103);
    /// ```
    pub fn encoded_len(&self) -> usize {
        let mut counter = Counter(0);
        let _ = self.write_json(&mut counter);
        counter.0.saturating_add(PROTO_HEADER_LEN)
    }

    /// Writes the proto-header and the header to the beginning of a buffer, and returns them.
    ///
    /// What follows on the wire is the content, [`content_length`](Self::content_length) bytes of it.
    ///
    /// # Errors
    ///
    /// The buffer is left as it was if the header is longer than a proto-header can announce
    /// ([`EncodeError::HeaderTooLong`]), if the buffer is too small ([`EncodeError::BufferTooSmall`]; ask
    /// [`encoded_len`](Self::encoded_len) first), or if an extension bears the name of a required member
    /// ([`EncodeError::ReservedName`]).
    ///
    /// ```
    /// use jsonframe::{ByteOrder, Header};
    ///
    /// let mut buffer = [0; 128];
    /// let head = Header::json(39).with_byte_order(ByteOrder::Little).encode(&mut buffer)?;
    /// assert_eq!(
    ///     head,
    ///     b"\x00g{\"byteorder\": \"little\", \"content-type\": \"text/json\", \
    ///       \"content-encoding\": \"utf-8\", \"content-length\": 39}",
    /// );
    /// # Ok::<(), jsonframe::EncodeError>(())
    /// ```
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
        let needed = self.checked_len()?;
        let available = buffer.len();
        let too_small = EncodeError::BufferTooSmall { needed, available };
        let (head, _) = buffer.split_at_mut_checked(needed).ok_or(too_small)?;
        let (proto_header, json) = head.split_first_chunk_mut::<PROTO_HEADER_LEN>().ok_or(too_small)?;
        let length = u16::try_from(json.len()).map_err(|_| EncodeError::HeaderTooLong { length: json.len() })?;
        *proto_header = length.to_be_bytes();
        self.write_json(&mut Filler(json)).map_err(|_| too_small)?;
        Ok(head)
    }

    /// Like [`encoded_len`](Self::encoded_len), for a header that can be sent.
    pub(crate) fn checked_len(&self) -> Result<usize, EncodeError> {
        if let Some(member) = self.extensions().find_map(|(name, _)| Member::from_name(name.as_bytes())) {
            return Err(EncodeError::ReservedName { member });
        }
        let needed = self.encoded_len();
        let length = needed.saturating_sub(PROTO_HEADER_LEN);
        if length > usize::from(u16::MAX) {
            return Err(EncodeError::HeaderTooLong { length });
        }
        Ok(needed)
    }

    #[inline]
    pub(crate) fn write_json(&self, out: &mut impl Sink) -> fmt::Result {
        match self.byte_order() {
            ByteOrder::Little => out.put(b"{\"byteorder\": \"little\", \"content-type\": ")?,
            ByteOrder::Big => out.put(b"{\"byteorder\": \"big\", \"content-type\": ")?,
        }
        write_string(out, self.content_type())?;
        out.put(b", \"content-encoding\": ")?;
        write_string(out, self.content_encoding())?;
        out.put(b", \"content-length\": ")?;
        write_integer(out, self.content_length())?;
        for (name, value) in self.extensions() {
            out.put(b", ")?;
            write_string(out, name)?;
            out.put(b": ")?;
            value.write_json(out)?;
        }
        out.put(b"}")
    }
}

/// Writes the header's JSON as it is sent, without the proto-header.
impl fmt::Display for Header<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_json(f)
    }
}

/// Counts what is written to it.
struct Counter(usize);

impl Sink for Counter {
    #[inline]
    fn put(&mut self, bytes: &[u8]) -> fmt::Result {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(())
    }
}

/// Fills a slice from its beginning with what is written to it.
struct Filler<'a>(&'a mut [u8]);

impl Sink for Filler<'_> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) -> fmt::Result {
        let room = core::mem::take(&mut self.0);
        let (place, rest) = room.split_at_mut_checked(bytes.len()).ok_or(fmt::Error)?;
        place.copy_from_slice(bytes);
        self.0 = rest;
        Ok(())
    }
}

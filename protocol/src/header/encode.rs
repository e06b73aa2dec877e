//! From a header to its bytes ([SPEC §4](crate::spec#4-sending)).

use core::fmt;

use super::{Source, Value};
use crate::framing::PROTO_HEADER_LEN;
use crate::json::number::write_integer;
use crate::json::write::{Sink, fill, write_again, write_string};
use crate::member::Kind;
use crate::{ByteOrder, Dialect, EncodeError, Header, Member};

impl Header<'_> {
    /// Returns how many bytes the proto-header and the header take when encoded.
    ///
    /// ```
    /// use jsonframe::{ByteOrder, Header};
    ///
    /// assert_eq!(Header::for_json(39).with_byte_order(ByteOrder::Little).encoded_len(), 2 + 103);
    /// ```
    pub fn encoded_len(&self) -> usize {
        let mut nowhere = Filler { buffer: &mut [], written: PROTO_HEADER_LEN };
        let _ = self.write_json(&mut nowhere);
        nowhere.written
    }

    /// Writes the proto-header and the header to the beginning of a buffer, and returns them.
    ///
    /// What follows on the wire is the content, [`content_length`](Self::content_length) bytes of it.
    ///
    /// # Errors
    ///
    /// [`EncodeError::ReservedName`] if an extension bears the name of a required member,
    /// [`EncodeError::HeaderTooLong`] if the header is longer than a proto-header can announce,
    /// [`EncodeError::BufferTooSmall`] if it does not fit, which says how many bytes are needed. There is nothing to be sent
    /// in the buffer then.
    ///
    /// ```
    /// use jsonframe::{ByteOrder, Header};
    ///
    /// let mut buffer = [0; 128];
    /// let head = Header::for_json(39).with_byte_order(ByteOrder::Little).encode(&mut buffer)?;
    /// assert_eq!(
    ///     head,
    ///     b"\x00g{\"byteorder\": \"little\", \"content-type\": \"text/json\", \
    ///       \"content-encoding\": \"utf-8\", \"content-length\": 39}",
    /// );
    /// # Ok::<(), jsonframe::EncodeError>(())
    /// ```
    #[inline]
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
        // `fill` returns a length because a slice would be returned through memory, where the caller's load stalls.
        let length = self.fill(buffer)?;
        Ok(buffer.get(..length).unwrap_or_default())
    }

    /// Writes the proto-header and the header to the beginning of a buffer, and returns how long they are.
    fn fill(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        self.check_names()?;
        let available = buffer.len();
        let mut filler = Filler { buffer, written: PROTO_HEADER_LEN };
        let _ = self.write_json(&mut filler);
        let needed = filler.written;
        let length = check_length(needed)?;
        if needed > available {
            return Err(EncodeError::BufferTooSmall { needed, available });
        }
        if let Some(proto_header) = filler.buffer.first_chunk_mut() {
            *proto_header = length.to_be_bytes();
        }
        Ok(needed)
    }

    /// Whether its texts are so short that they can be sent, whatever it takes to escape them.
    pub(crate) const fn has_short_texts(&self) -> bool {
        /// An escape takes six bytes, and what is around the texts not a hundred.
        const SHORT: usize = 10_000;

        self.content_type().len().saturating_add(self.content_encoding().len()) <= SHORT
    }

    /// [`encoded_len`](Self::encoded_len), for a header that can be sent.
    pub(crate) fn checked_len(&self) -> Result<usize, EncodeError> {
        self.check_names()?;
        let needed = self.encoded_len();
        check_length(needed)?;
        Ok(needed)
    }

    #[cfg_attr(not(feature = "small"), inline)]
    pub(crate) fn check_names(&self) -> Result<(), EncodeError> {
        // Among received ones there are none, or they would not be extensions.
        let Source::Listed(members) = self.source() else {
            return Ok(());
        };
        match members.iter().find_map(|(name, _)| Member::from_name(name.as_bytes())) {
            None => Ok(()),
            Some(member) => Err(EncodeError::ReservedName { member }),
        }
    }

    #[cfg_attr(not(feature = "small"), inline)]
    pub(crate) fn write_json(&self, out: &mut impl Sink) -> fmt::Result {
        match (self.byte_order(), self.content_type(), self.content_encoding()) {
            // Most messages are JSON in UTF-8, and all of that is one piece.
            (ByteOrder::Little, "text/json", "utf-8") => out.put(
                b"{\"byteorder\": \"little\", \"content-type\": \"text/json\", \
                  \"content-encoding\": \"utf-8\", \"content-length\": ",
            )?,
            _ => self.write_texts(out)?,
        }
        write_integer(out, self.content_length())?;
        if !matches!(self.source(), Source::Listed([])) {
            self.write_extensions(", ", out)?;
        }
        out.put(b"}")
    }

    /// Writes what comes before the content length.
    #[inline(never)]
    fn write_texts(&self, out: &mut impl Sink) -> fmt::Result {
        match self.byte_order() {
            ByteOrder::Little => out.put(b"{\"byteorder\": \"little\", \"content-type\": ")?,
            ByteOrder::Big => out.put(b"{\"byteorder\": \"big\", \"content-type\": ")?,
        }
        write_string(out, self.content_type())?;
        out.put(b", \"content-encoding\": ")?;
        write_string(out, self.content_encoding())?;
        out.put(b", \"content-length\": ")
    }

    #[inline(never)]
    fn write_extensions(&self, mut separator: &str, out: &mut impl Sink) -> fmt::Result {
        for (name, value) in self.extensions() {
            out.put(separator.as_bytes())?;
            write_string(out, name)?;
            out.put(b": ")?;
            value.write_json(out)?;
            separator = ", ";
        }
        Ok(())
    }
}

impl Dialect {
    /// Returns how many bytes the [prefix](Self::prefix), the proto-header and this header take in this dialect.
    pub fn encoded_len(&self, header: &Header<'_>) -> usize {
        if self.is_standard() {
            return header.encoded_len();
        }
        let mut nowhere = Filler::new(&mut []);
        let _ = self.write_head(header, &mut nowhere);
        nowhere.written
    }

    /// Writes the [prefix](Self::prefix), the proto-header and the header in this dialect to the beginning of a buffer, and
    /// returns them.
    ///
    /// # Errors
    ///
    /// As [`Header::encode`]. With a proto-header of one byte, a header longer than 255 is too long; the members' names in
    /// this dialect are reserved too; [`EncodeError::PrefixMismatch`] if the header has a prefix of another length than the
    /// dialect's.
    pub fn encode<'b>(&self, header: &Header<'_>, buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
        if self.is_standard() {
            return header.encode(buffer);
        }
        let prefix = self.check(header)?.len();
        let available = buffer.len();
        let mut filler = Filler::new(buffer);
        let _ = self.write_head(header, &mut filler);
        let needed = filler.written;
        let (proto_header, limit) = (usize::from(self.proto_header().len()), self.proto_header().limit());
        let length = needed.saturating_sub(prefix).saturating_sub(proto_header);
        let announced = u16::try_from(length).ok().filter(|length| *length <= limit);
        let announced = announced.ok_or(EncodeError::HeaderTooLong { length, limit })?;
        let head = buffer.get_mut(..needed).ok_or(EncodeError::BufferTooSmall { needed, available })?;
        let place = head.get_mut(prefix..).and_then(|rest| rest.get_mut(..proto_header));
        self.proto_header().write(announced, place.unwrap_or_default());
        Ok(head)
    }

    /// Checks that the header can be sent, but for its length, and returns its prefix.
    fn check<'a>(&self, header: &Header<'a>) -> Result<&'a [u8], EncodeError> {
        // Extensions of a header that was received in another dialect may be required members in this one.
        if let Some(member) = header.extensions().find_map(|(name, _)| self.member(|known| known == name)) {
            return Err(EncodeError::ReservedName { member });
        }
        let prefix = self.prefix_of(header);
        let (expected, actual) = (self.prefix().len(), prefix.len());
        if actual == expected { Ok(prefix) } else { Err(EncodeError::PrefixMismatch { expected, actual }) }
    }

    /// What is sent before the proto-header: what the header has there, or else the dialect, and nothing where that has none.
    const fn prefix_of<'a>(&self, header: &Header<'a>) -> &'a [u8] {
        if self.prefix().is_empty() || header.prefix().is_empty() { self.prefix() } else { header.prefix() }
    }

    /// Writes the prefix, place for the proto-header, and the header.
    fn write_head(&self, header: &Header<'_>, out: &mut impl Sink) -> fmt::Result {
        out.put(self.prefix_of(header))?;
        for _ in 0..self.proto_header().len() {
            out.put(&[0])?;
        }
        let mut separator = "{";
        for member in Member::ALL.iter().copied().filter(|member| !self.leaves_out(header, *member)) {
            out.put(separator.as_bytes())?;
            write_string(out, self.name(member))?;
            out.put(b": ")?;
            match member.kind() {
                Kind::ByteOrder => write_string(out, header.byte_order().as_str())?,
                Kind::Text(index) => match header.text(index) {
                    json if self.is_raw_json(json) => write_again(out, json)?,
                    text => write_string(out, text)?,
                },
                Kind::Length => write_integer(out, header.content_length())?,
            }
            separator = ", ";
        }
        if separator == "{" && header.extensions().next().is_none() {
            out.put(b"{")?;
        }
        header.write_extensions(separator, out)?;
        out.put(b"}")
    }

    /// Whether the member says what stands in for it where it is absent, and is left out then.
    fn leaves_out(&self, header: &Header<'_>, member: Member) -> bool {
        self.omits(member)
            && match member.kind() {
                Kind::ByteOrder => self.byte_order() == Some(header.byte_order()),
                Kind::Text(index) => self.stand_in(index) == Some(header.text(index)),
                Kind::Length => self.may_lack(member) && header.content_length() == 0,
            }
    }

    fn is_raw_json(&self, text: &str) -> bool {
        self.keeps_raw_json() && text.starts_with(['[', '{']) && Value::from_json(text).is_ok()
    }
}

/// Writes the header's JSON as it is sent, without the proto-header.
impl fmt::Display for Header<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_json(f)
    }
}

/// The length of a header from how long its head is.
fn check_length(encoded_len: usize) -> Result<u16, EncodeError> {
    let length = encoded_len.saturating_sub(PROTO_HEADER_LEN);
    u16::try_from(length).map_err(|_| EncodeError::HeaderTooLong { length, limit: u16::MAX })
}

/// Fills a slice from its beginning with what is written to it, as long as that fits, and counts all of it.
pub(crate) struct Filler<'a> {
    buffer: &'a mut [u8],
    written: usize,
}

impl<'a> Filler<'a> {
    pub(crate) const fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, written: 0 }
    }
}

impl Sink for Filler<'_> {
    #[cfg_attr(not(feature = "small"), inline)]
    #[cfg_attr(feature = "small", inline(never))]
    fn put(&mut self, bytes: &[u8]) -> fmt::Result {
        fill(self.buffer, self.written, bytes);
        self.written = self.written.saturating_add(bytes.len());
        Ok(())
    }
}

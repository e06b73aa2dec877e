//! A header that is kept.

use core::fmt;

use crate::emit::Sink;
use crate::encode::PROTO_HEADER_LEN;
use crate::header::Members;
use crate::parse::{Fields, parse};
use crate::text::Text;
use crate::{EncodeError, Header, Storage};

/// A header that owns its text, for when it must outlive the decoder's next message.
///
/// Kept in a [`Growable`](crate::Growable) here; without an allocator, in a `heapless::Vec<u8, N>`.
///
#[cfg_attr(feature = "alloc", doc = "```")]
#[cfg_attr(not(feature = "alloc"), doc = "```ignore")]
/// use jsonframe::{Growable, Header, OwnedHeader};
///
/// let header = Header::new("text/plain", "utf-8", 12);
/// let kept = OwnedHeader::new(&header, Growable::with_limit(1024))?;
/// assert_eq!(kept.header(), header);
/// # Ok::<(), jsonframe::EncodeError>(())
/// ```
#[derive(Clone)]
pub struct OwnedHeader<S> {
    storage: S,
    fields: Fields,
    /// Where the header that holds the members begins in the storage.
    members: usize,
}

impl<S: Storage> OwnedHeader<S> {
    /// Copies a header to this storage, which is cleared first.
    ///
    /// A header without extensions takes the length of its content type and content encoding; a received one with
    /// extensions takes its own length besides. One that was made with extensions, or whose two texts have more than 10,000
    /// bytes, takes the length of its JSON.
    ///
    /// # Errors
    ///
    /// [`EncodeError::BufferTooSmall`] if the header does not fit, or there is no memory for it; and for a header that was
    /// not received, what [`Header::encode`] returns if it could not be sent.
    pub fn new(header: &Header<'_>, mut storage: S) -> Result<Self, EncodeError> {
        storage.clear();
        match header.members() {
            Members::Received(members) => Self::of_received(header, members, storage),
            Members::Listed([]) if header.has_short_texts() => Self::of_received(header, &[], storage),
            Members::Listed(_) => Self::of_listed(header, storage),
        }
    }

    /// Copies the bytes that hold the members as they are, behind the two texts.
    fn of_received(header: &Header<'_>, members: &[u8], mut storage: S) -> Result<Self, EncodeError> {
        let (content_type, content_encoding) = (header.content_type(), header.content_encoding());
        let texts = content_type.len().saturating_add(content_encoding.len());
        let needed = texts.saturating_add(members.len());
        let available = storage.limit();
        for bytes in [content_type.as_bytes(), content_encoding.as_bytes(), members] {
            storage.extend(bytes).map_err(|_| EncodeError::BufferTooSmall { needed, available })?;
        }
        let fields = Fields {
            content_length: header.content_length(),
            content_type: Text::at(0, content_type.len()),
            content_encoding: Text::at(content_type.len(), texts),
            digits: 0,
            byte_order: header.byte_order(),
        };
        Ok(Self { storage, fields, members: texts })
    }

    /// Encodes the header and parses it again.
    fn of_listed(header: &Header<'_>, mut storage: S) -> Result<Self, EncodeError> {
        let needed = header.checked_len()?.saturating_sub(PROTO_HEADER_LEN);
        let available = storage.limit();
        let too_small = EncodeError::BufferTooSmall { needed, available };
        header.write_json(&mut Extender(&mut storage)).map_err(|_| too_small)?;
        let fields = parse(storage.as_mut(), None).map_err(|_| too_small)?;
        Ok(Self { storage, fields, members: 0 })
    }

    /// The header.
    pub fn header(&self) -> Header<'_> {
        let bytes = self.storage.as_ref();
        let members = self.fields.members(bytes.get(self.members..).unwrap_or_default());
        Header::received(bytes, &self.fields, members, None)
    }
}

impl<S: Storage> fmt::Debug for OwnedHeader<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnedHeader").field(&self.header()).finish()
    }
}

/// Extends a storage by what is written to it.
struct Extender<'a, S>(&'a mut S);

impl<S: Storage> Sink for Extender<'_, S> {
    fn put(&mut self, bytes: &[u8]) -> fmt::Result {
        self.0.extend(bytes).map_err(|_| fmt::Error)
    }
}

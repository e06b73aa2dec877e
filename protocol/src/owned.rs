//! A header that is kept.

use core::fmt::{self, Write};

use crate::encode::PROTO_HEADER_LEN;
use crate::parse::{Fields, parse};
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
#[derive(Clone, Debug)]
pub struct OwnedHeader<S> {
    json: S,
    fields: Fields,
}

impl<S: Storage> OwnedHeader<S> {
    /// Copies a header to this storage, which is cleared first.
    ///
    /// # Errors
    ///
    /// [`EncodeError::BufferTooSmall`] if the header's JSON does not fit, and what [`Header::encode`] returns for a header
    /// that could not be sent.
    pub fn new(header: &Header<'_>, mut storage: S) -> Result<Self, EncodeError> {
        let needed = header.checked_len()?.saturating_sub(PROTO_HEADER_LEN);
        let available = storage.limit();
        let too_small = EncodeError::BufferTooSmall { needed, available };
        storage.clear();
        header.write_json(&mut Extender(&mut storage)).map_err(|_| too_small)?;
        let fields = parse(storage.as_mut()).map_err(|_| too_small)?;
        Ok(Self { json: storage, fields })
    }

    /// The header.
    pub fn header(&self) -> Header<'_> {
        Header::received(self.json.as_ref(), &self.fields)
    }
}

/// Extends a storage by what is written to it.
struct Extender<'a, S>(&'a mut S);

impl<S: Storage> Write for Extender<'_, S> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend(text.as_bytes()).map_err(|_| fmt::Error)
    }
}

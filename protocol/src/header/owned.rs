//! A header that owns its text.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::Range;

use super::Source;
use super::resolved::Resolved;
use crate::framing::PROTO_HEADER_LEN;
use crate::json::write::Sink;
use crate::{ByteOrder, Dialect, EncodeError, Header, Storage};

/// A header that owns its text, so that it can outlive the decoder's next message.
///
/// With an allocator, `OwnedHeader::try_from(&header)` copies a header to a [`Growable`](crate::Growable); without one,
/// [`new`](Self::new) copies it to a `heapless::Vec<u8, N>` or to another [`Storage`].
///
#[cfg_attr(feature = "alloc", doc = "```")]
#[cfg_attr(not(feature = "alloc"), doc = "```ignore")]
/// use jsonframe::{Header, OwnedHeader};
///
/// let header = Header::new("text/plain", "utf-8", 12);
/// let kept = OwnedHeader::try_from(&header)?;
/// assert_eq!(kept.header(), header);
/// # Ok::<(), jsonframe::EncodeError>(())
/// ```
#[derive(Clone)]
pub struct OwnedHeader<S> {
    /// The content type, the content encoding, the prefix, and a header with the extensions.
    storage: S,
    content_length: u64,
    byte_order: ByteOrder,
    /// Indices in the storage. They may exceed those of a header, because a dialect's default may be of any length.
    type_end: usize,
    encoding_end: usize,
    prefix_end: usize,
    /// The dialect of the header with the extensions.
    dialect: Option<&'static Dialect>,
}

impl<S: Storage> OwnedHeader<S> {
    /// Copies a header to `storage`, which is cleared first.
    ///
    /// This takes the length of the content type, the content encoding and the prefix; with extensions, also the length of
    /// the header as it was received, or at most that of its JSON if it was not received.
    ///
    /// # Errors
    ///
    /// [`EncodeError::BufferTooSmall`] if the header does not fit or memory runs out; for a header that was not received,
    /// also what [`Header::encode`] returns.
    pub fn new(header: &Header<'_>, storage: S) -> Result<Self, EncodeError> {
        Self::with_storage(header, |_| storage)
    }

    /// Copies a header to the storage that is made for its length.
    pub(crate) fn with_storage(header: &Header<'_>, storage: impl FnOnce(usize) -> S) -> Result<Self, EncodeError> {
        let texts = [header.content_type(), header.content_encoding()];
        let encoding_end = texts.iter().fold(0, |length: usize, text| length.saturating_add(text.len()));
        let prefix_end = encoding_end.saturating_add(header.prefix().len());
        // The texts are stored separately.
        let extended = Header::new("", "", header.content_length()).with_byte_order(header.byte_order());
        let (extended, members) = match header.source() {
            Source::Received(received) => (extended, received.header.len()),
            Source::Listed([]) if header.has_short_texts() => (extended, 0),
            Source::Listed(extensions) => {
                header.checked_len()?;
                let extended = extended.with_extensions(extensions);
                let length = extended.encoded_len().saturating_sub(PROTO_HEADER_LEN);
                (extended, if extensions.is_empty() { 0 } else { length })
            }
        };
        let needed = prefix_end.saturating_add(members);
        let mut storage = storage(needed);
        let too_small = EncodeError::BufferTooSmall { needed, available: storage.limit() };

        storage.clear();
        let mut dialect = None;
        for text in texts {
            storage.append(text.as_bytes()).map_err(|_| too_small)?;
        }
        storage.append(header.prefix()).map_err(|_| too_small)?;
        match header.source() {
            Source::Received(received) => {
                storage.append(received.header).map_err(|_| too_small)?;
                dialect = received.dialect;
            }
            Source::Listed([]) => {}
            Source::Listed(_) => {
                extended.write_json(&mut Appender(&mut storage)).map_err(|_| too_small)?;
                // Resolves the escapes.
                Header::parse(storage.as_mut().get_mut(prefix_end..).unwrap_or_default()).map_err(|_| too_small)?;
            }
        }
        Ok(Self {
            storage,
            content_length: header.content_length(),
            byte_order: header.byte_order(),
            type_end: header.content_type().len(),
            encoding_end,
            prefix_end,
            dialect,
        })
    }

    /// Returns the storage, to be used again.
    pub fn into_storage(self) -> S {
        self.storage
    }

    /// Returns the header.
    pub fn header(&self) -> Header<'_> {
        self.header_in(self.storage.as_ref())
    }
}

impl<S> OwnedHeader<S> {
    /// Returns the storage, and what is known of its bytes.
    #[cfg(feature = "alloc")]
    pub(crate) fn into_parts(self) -> (S, OwnedHeader<()>) {
        let Self { storage, content_length, byte_order, type_end, encoding_end, prefix_end, dialect } = self;
        let known =
            OwnedHeader { storage: (), content_length, byte_order, type_end, encoding_end, prefix_end, dialect };
        (storage, known)
    }

    /// Returns the header whose storage has these bytes.
    pub(crate) fn header_in<'a>(&self, bytes: &'a [u8]) -> Header<'a> {
        let content_type = text(bytes, 0..self.type_end);
        let content_encoding = text(bytes, self.type_end..self.encoding_end);
        Header::new(content_type, content_encoding, self.content_length)
            .with_byte_order(self.byte_order)
            .with_prefix(bytes.get(self.encoding_end..self.prefix_end).unwrap_or_default())
            .with_source(Source::Received(Resolved {
                header: bytes.get(self.prefix_end..).unwrap_or_default(),
                dialect: self.dialect,
            }))
    }
}

/// Copies a header of any length to memory of its own.
#[cfg(feature = "alloc")]
impl TryFrom<&Header<'_>> for OwnedHeader<crate::Growable> {
    type Error = EncodeError;

    fn try_from(header: &Header<'_>) -> Result<Self, EncodeError> {
        Self::with_storage(header, crate::Growable::with_capacity)
    }
}

impl<S: Storage> PartialEq for OwnedHeader<S> {
    fn eq(&self, other: &Self) -> bool {
        self.header() == other.header()
    }
}

impl<S: Storage> Eq for OwnedHeader<S> {}

impl<S: Storage> Hash for OwnedHeader<S> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.header().hash(state);
    }
}

impl<S: Storage> fmt::Debug for OwnedHeader<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnedHeader").field(&self.header()).finish()
    }
}

fn text(bytes: &[u8], range: Range<usize>) -> &str {
    bytes.get(range).and_then(|bytes| core::str::from_utf8(bytes).ok()).unwrap_or_default()
}

/// Appends what is written to a storage.
struct Appender<'a, S>(&'a mut S);

impl<S: Storage> Sink for Appender<'_, S> {
    fn put(&mut self, bytes: &[u8]) -> fmt::Result {
        self.0.append(bytes).map_err(|_| fmt::Error)
    }
}

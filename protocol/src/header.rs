//! The header of a message: the four required members, and extensions beside them.

pub(crate) mod canonical;
pub(crate) mod encode;
mod extensions;
#[cfg(feature = "tokio")]
pub(crate) mod found;
mod owned;
pub(crate) mod parse;
pub(crate) mod required;
pub(crate) mod resolved;
mod value;

use core::fmt;
use core::hash::{Hash, Hasher};

pub use self::extensions::Extensions;
pub use self::owned::OwnedHeader;
use self::parse::parse;
use self::required::RequiredMembers;
use self::resolved::{Escapes, Resolved};
pub use self::value::Value;
use crate::member::TEXTS;
use crate::{ByteOrder, DecodeError, DecodeErrorKind, Dialect};

/// The header of a message, received or to be sent ([SPEC §3](crate::spec#3-the-header)).
///
/// It borrows its texts from the decoder that received it, or from the program that creates it.
///
/// ```
/// use jsonframe::{ByteOrder, Header};
///
/// let extensions = [("filename", "a.txt".into()), ("keep-alive", true.into())];
/// let header = Header::new("text/plain", "utf-8", 12)
///     .with_byte_order(ByteOrder::Big)
///     .with_extensions(&extensions);
///
/// assert_eq!(header.extension("filename").and_then(|value| value.as_str()), Some("a.txt"));
/// assert_eq!(
///     header.to_string(),
///     "{\"byteorder\": \"big\", \"content-type\": \"text/plain\", \"content-encoding\": \"utf-8\", \
///       \"content-length\": 12, \"filename\": \"a.txt\", \"keep-alive\": true}",
/// );
/// ```
#[derive(Clone, Copy)]
pub struct Header<'a> {
    byte_order: ByteOrder,
    /// In the order of the table of members.
    texts: [&'a str; TEXTS],
    content_length: u64,
    prefix: &'a [u8],
    extensions: Source<'a>,
}

/// Where the extension members are.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    /// In a list, to be sent.
    Listed(&'a [(&'a str, Value<'a>)]),
    /// In the bytes of a received header.
    Received(Resolved<'a>),
}

impl<'a> Header<'a> {
    /// The length of the longest possible header, in bytes. A decoder with a buffer of this size takes every header.
    pub const MAX_LEN: usize = u16::MAX as usize;

    /// Creates a header for content of this type, encoding and length in bytes, in this machine's byte order, without
    /// extensions.
    ///
    /// ```
    /// use jsonframe::Header;
    ///
    /// const HEADER: Header<'_> = Header::new("binary/custom-client-binary-type", "binary", 1024);
    /// ```
    pub const fn new(content_type: &'a str, content_encoding: &'a str, content_length: u64) -> Self {
        Self {
            byte_order: ByteOrder::NATIVE,
            texts: [content_type, content_encoding],
            content_length,
            prefix: &[],
            extensions: Source::Listed(&[]),
        }
    }

    /// Creates a header for `content_length` bytes of JSON: `text/json`, `utf-8`, in this machine's byte order.
    pub const fn for_json(content_length: u64) -> Self {
        Self::new("text/json", "utf-8", content_length)
    }

    /// Sets the byte order of the content.
    #[must_use]
    pub const fn with_byte_order(self, byte_order: ByteOrder) -> Self {
        Self { byte_order, ..self }
    }

    /// Sets the extension members, in this order, in place of any there were.
    ///
    /// [`encode`](Self::encode) refuses the name of a required member. Other names are not checked, and should occur only
    /// once: a receiver that finds a name twice uses the last.
    #[must_use]
    pub const fn with_extensions(self, extensions: &'a [(&'a str, Value<'a>)]) -> Self {
        Self { extensions: Source::Listed(extensions), ..self }
    }

    /// Sets the bytes before the proto-header, for a dialect that has a prefix ([`Dialect::with_prefix`]). Other dialects do
    /// not send them.
    #[must_use]
    pub const fn with_prefix(self, prefix: &'a [u8]) -> Self {
        Self { prefix, ..self }
    }

    /// Parses a header without a proto-header, such as one from a file. It must take up all of `bytes`, where its escapes
    /// are resolved.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if a [`Decoder`](crate::Decoder) would refuse the header. Offsets count from the start of `bytes`.
    ///
    /// ```
    /// use jsonframe::Header;
    ///
    /// let mut bytes = *b"{\"byteorder\": \"big\", \"content-type\": \"x\", \"content-encoding\": \"y\", \"content-length\": 7}";
    /// assert_eq!(Header::parse(&mut bytes)?.content_length(), 7);
    ///
    /// let error = Header::parse(&mut bytes[1..]).unwrap_err();
    /// assert_eq!(error.to_string(), "the header begins with `\"`; expected a JSON object, `{` (at byte 0)");
    /// # Ok::<(), jsonframe::DecodeError>(())
    /// ```
    pub fn parse(bytes: &'a mut [u8]) -> Result<Self, DecodeError> {
        Self::parse_in(bytes, None)
    }

    /// Parses a header in this dialect. `None` is the standard.
    pub(crate) fn parse_in(bytes: &'a mut [u8], dialect: Option<&'static Dialect>) -> Result<Self, DecodeError> {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let mut members = RequiredMembers::NONE;
        let mut escapes = Escapes::NONE;
        match length {
            0 => Err((DecodeErrorKind::EmptyHeader, 0)),
            0x1_0000.. => Err((DecodeErrorKind::HeaderTooLong { length, capacity: u16::MAX.into() }, 0)),
            _ => parse(bytes, None, dialect, &mut members, &mut escapes),
        }
        .map_err(|(kind, at)| DecodeError::new(kind, at as u64))?;
        escapes.resolve(bytes, &mut members);
        Ok(Self::received(bytes, &members, dialect, true))
    }

    /// Creates the header of these bytes from what was found in them.
    #[cfg_attr(not(feature = "small"), inline)]
    pub(crate) fn received(
        header: &'a [u8],
        members: &RequiredMembers,
        dialect: Option<&'static Dialect>,
        has_extensions: bool,
    ) -> Self {
        Self {
            byte_order: members.byte_order,
            texts: members.texts(header, dialect),
            content_length: members.content_length,
            prefix: &[],
            extensions: if has_extensions {
                Source::Received(Resolved { header, dialect })
            } else {
                Source::Listed(&[])
            },
        }
    }

    /// Sets where the extensions are.
    pub(crate) const fn with_source(self, extensions: Source<'a>) -> Self {
        Self { extensions, ..self }
    }

    pub(crate) const fn source(&self) -> Source<'a> {
        self.extensions
    }

    pub(crate) fn text(&self, index: usize) -> &'a str {
        self.texts.get(index).copied().unwrap_or_default()
    }

    /// Returns the byte order of the content's own data: `byteorder`.
    pub const fn byte_order(&self) -> ByteOrder {
        self.byte_order
    }

    /// Returns what the content is: `content-type`.
    pub const fn content_type(&self) -> &'a str {
        let [content_type, _] = self.texts;
        content_type
    }

    /// Returns how text in the content is encoded, or a word that says it is not text: `content-encoding`.
    pub const fn content_encoding(&self) -> &'a str {
        let [_, content_encoding] = self.texts;
        content_encoding
    }

    /// Returns the number of bytes of content that follow the header: `content-length`.
    ///
    /// In a received header, this is the peer's claim. Limit it before you act on it:
    /// [`Decoder::limit_content`](crate::Decoder::limit_content).
    pub const fn content_length(&self) -> u64 {
        self.content_length
    }

    /// Returns the bytes before the proto-header, in a dialect that has a prefix ([`Dialect::with_prefix`]); otherwise none.
    pub const fn prefix(&self) -> &'a [u8] {
        self.prefix
    }

    /// Returns the value of the last extension member of this name.
    ///
    /// Each call searches a received header from its beginning. To look up several members, iterate over
    /// [`extensions`](Self::extensions) once.
    pub fn extension(&self, name: &str) -> Option<Value<'a>> {
        let named = self.extensions().filter(|member| member.0 == name);
        named.last().map(|(_, value)| value)
    }

    /// Returns an iterator over the extension members, each a name and a value, in the order of the header.
    ///
    /// ```
    /// use jsonframe::{Decoder, Event};
    ///
    /// let mut decoder = Decoder::new([0; 256]);
    /// let mut input = &b"\0i{\"byteorder\": \"big\", \"content-type\": \"x\", \"content-encoding\": \"y\", \
    ///                    \"content-length\": 0, \"tag\\u0073\": [1]}"[..];
    /// let Some(Event::Header(header)) = decoder.decode(&mut input)? else { panic!("no header") };
    ///
    /// let (name, value) = header.extensions().next().expect("one extension");
    /// assert_eq!((name, value.as_json()), ("tags", Some("[1]")));
    /// # Ok::<(), jsonframe::DecodeError>(())
    /// ```
    pub fn extensions(&self) -> Extensions<'a> {
        Extensions::new(self.extensions)
    }
}

/// Headers are equal if their required members, their prefixes and their extensions are, extensions in the same order.
impl PartialEq for Header<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.byte_order == other.byte_order
            && self.texts == other.texts
            && self.content_length == other.content_length
            && self.prefix == other.prefix
            && self.extensions().eq(other.extensions())
    }
}

impl Eq for Header<'_> {}

/// Hashes only the names of the extensions.
impl Hash for Header<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.byte_order, self.texts, self.content_length).hash(state);
        for (name, _) in self.extensions() {
            name.hash(state);
        }
    }
}

impl fmt::Debug for Header<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut header = f.debug_struct("Header");
        if !self.prefix.is_empty() {
            header.field("prefix", &self.prefix);
        }
        header
            .field("byte_order", &self.byte_order)
            .field("content_type", &self.content_type())
            .field("content_encoding", &self.content_encoding())
            .field("content_length", &self.content_length)
            .field("extensions", &self.extensions())
            .finish()
    }
}

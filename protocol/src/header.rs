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

use self::canonical::Canonical;
pub use self::extensions::Extensions;
pub use self::owned::OwnedHeader;
use self::parse::{Parsed, parse};
use self::required::RequiredMembers;
use self::resolved::Resolved;
pub use self::value::Value;
use crate::member::TEXTS;
use crate::{ByteOrder, DecodeError, DecodeErrorKind, Dialect};

/// The header of a message, received or to be sent ([SPEC §3](crate::spec#3-the-header)).
///
/// It borrows its texts: from the decoder that received it, or from whoever makes it.
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
    /// The length of the longest header there can be, in bytes: a decoder with a buffer of this size takes every header.
    pub const MAX_LEN: usize = u16::MAX as usize;

    /// A header for content of this type, encoding and length (in bytes), in this machine's byte order, without
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

    /// A header for JSON content of this length in bytes: `text/json`, `utf-8`.
    pub const fn for_json(content_length: u64) -> Self {
        Self::new("text/json", "utf-8", content_length)
    }

    /// The same header with another byte order.
    #[must_use]
    pub const fn with_byte_order(self, byte_order: ByteOrder) -> Self {
        Self { byte_order, ..self }
    }

    /// The same header with these extension members, in this order, in place of any it had.
    ///
    /// A name must not be that of a required member, which [`encode`](Self::encode) refuses, and should be there only
    /// once, which is left to the caller: a receiver that finds a name twice goes by the last.
    #[must_use]
    pub const fn with_extensions(self, extensions: &'a [(&'a str, Value<'a>)]) -> Self {
        Self { extensions: Source::Listed(extensions), ..self }
    }

    /// The same header with these bytes before its proto-header, in a dialect that has some there
    /// ([`Dialect::with_prefix`]). Others do not send them.
    #[must_use]
    pub const fn with_prefix(self, prefix: &'a [u8]) -> Self {
        Self { prefix, ..self }
    }

    /// Reads a header from all of these bytes, without its proto-header: those that a program holds, from a file or
    /// another protocol. Escapes are resolved in place.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if they are no header that a [`Decoder`](crate::Decoder) takes. Offsets count from their beginning.
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

    /// [`parse`](Self::parse), in this dialect.
    pub(crate) fn parse_in(bytes: &'a mut [u8], dialect: Option<&'static Dialect>) -> Result<Self, DecodeError> {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let parsed = match length {
            0 => Err((DecodeErrorKind::EmptyHeader, 0)),
            0x1_0000.. => Err((DecodeErrorKind::HeaderTooLong { length, capacity: u16::MAX.into() }, 0)),
            _ => parse(bytes, Canonical::read(bytes), dialect),
        };
        let Parsed { mut members, edits } = parsed.map_err(|(kind, at)| DecodeError::new(kind, at as u64))?;
        edits.make(bytes, &mut members);
        let bytes = &*bytes;
        Ok(Self::received(bytes, &members, dialect, Source::Received(Resolved::new(bytes))))
    }

    /// A header of these bytes, with what was found in them, and where its extensions are.
    #[cfg_attr(not(feature = "small"), inline)]
    pub(crate) fn received(
        header: &'a [u8],
        members: &RequiredMembers,
        dialect: Option<&'static Dialect>,
        extensions: Source<'a>,
    ) -> Self {
        Self {
            byte_order: members.byte_order,
            texts: members.texts(header, dialect),
            content_length: members.content_length,
            prefix: &[],
            extensions,
        }
    }

    /// The same header with the extensions that are in the bytes of a received one.
    pub(crate) const fn with_source(self, extensions: Source<'a>) -> Self {
        Self { extensions, ..self }
    }

    pub(crate) const fn source(&self) -> Source<'a> {
        self.extensions
    }

    pub(crate) fn text(&self, index: usize) -> &'a str {
        self.texts.get(index).copied().unwrap_or_default()
    }

    /// The byte order of the content's own data: `byteorder`.
    pub const fn byte_order(&self) -> ByteOrder {
        self.byte_order
    }

    /// What the content is: `content-type`.
    pub const fn content_type(&self) -> &'a str {
        let [content_type, _] = self.texts;
        content_type
    }

    /// How text in the content is encoded, or that it is not text: `content-encoding`.
    pub const fn content_encoding(&self) -> &'a str {
        let [_, content_encoding] = self.texts;
        content_encoding
    }

    /// How many bytes of content follow the header: `content-length`.
    ///
    /// The peer's word. Check it against what you are willing to take before you act on it:
    /// [`Decoder::limit_content`](crate::Decoder::limit_content).
    pub const fn content_length(&self) -> u64 {
        self.content_length
    }

    /// The bytes before the proto-header, in a dialect that has some there ([`Dialect::with_prefix`]); otherwise empty.
    pub const fn prefix(&self) -> &'a [u8] {
        self.prefix
    }

    /// The value of the extension member of this name, if there is one; of several, the last.
    ///
    /// A received header is searched from its beginning at every call. To look at many members, go through
    /// [`extensions`](Self::extensions) once.
    pub fn extension(&self, name: &str) -> Option<Value<'a>> {
        let named = self.extensions().filter(|member| member.0 == name);
        named.last().map(|(_, value)| value)
    }

    /// The extension members in the order of the header, each a name and a value.
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

/// Headers are equal when their required members are, their prefixes, and their extensions in the same order.
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

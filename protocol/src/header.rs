//! The header of a message: the four required members, and extensions beside them.

pub(crate) mod canonical;
pub(crate) mod encode;
mod extensions;
mod owned;
pub(crate) mod parse;
pub(crate) mod text;
mod value;

use core::fmt;

pub use self::extensions::Extensions;
pub use self::owned::OwnedHeader;
use self::parse::Fields;
pub use self::value::Value;
use crate::{ByteOrder, Dialect};

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
    content_type: &'a str,
    content_encoding: &'a str,
    content_length: u64,
    members: Members<'a>,
}

/// Where the extension members are.
#[derive(Clone, Copy)]
pub(crate) enum Members<'a> {
    /// In a list, to be sent.
    Listed(&'a [(&'a str, Value<'a>)]),
    /// In the bytes of a received header, whose own strings are resolved.
    Received(&'a [u8]),
}

impl<'a> Header<'a> {
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
            content_type,
            content_encoding,
            content_length,
            members: Members::Listed(&[]),
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
        Self { members: Members::Listed(extensions), ..self }
    }

    /// A received header: its bytes, what was found in them, where its members are, and its dialect, if not the standard.
    #[cfg_attr(not(feature = "small"), inline)]
    pub(crate) fn received(
        header: &'a [u8],
        fields: &Fields,
        members: Members<'a>,
        dialect: Option<&'static Dialect>,
    ) -> Self {
        Self {
            byte_order: fields.byte_order,
            content_type: fields.content_type.of(header, dialect),
            content_encoding: fields.content_encoding.of(header, dialect),
            content_length: fields.content_length,
            members,
        }
    }

    /// The same header with the extensions that are in the bytes of a received one.
    pub(crate) const fn with_members(self, header: &'a [u8]) -> Self {
        Self { members: Members::Received(header), ..self }
    }

    pub(crate) const fn members(&self) -> Members<'a> {
        self.members
    }

    /// The byte order of the content's own data: `byteorder`.
    pub const fn byte_order(&self) -> ByteOrder {
        self.byte_order
    }

    /// What the content is: `content-type`.
    pub const fn content_type(&self) -> &'a str {
        self.content_type
    }

    /// How text in the content is encoded, or that it is not text: `content-encoding`.
    pub const fn content_encoding(&self) -> &'a str {
        self.content_encoding
    }

    /// How many bytes of content follow the header: `content-length`.
    ///
    /// The peer's word. Check it against what you are willing to take before you act on it:
    /// [`Decoder::limit_content`](crate::Decoder::limit_content).
    pub const fn content_length(&self) -> u64 {
        self.content_length
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
        Extensions::new(self.members)
    }
}

/// Headers are equal when their required members are, and their extensions in the same order.
impl PartialEq for Header<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.byte_order == other.byte_order
            && self.content_type == other.content_type
            && self.content_encoding == other.content_encoding
            && self.content_length == other.content_length
            && self.extensions().eq(other.extensions())
    }
}

impl Eq for Header<'_> {}

impl fmt::Debug for Header<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header")
            .field("byte_order", &self.byte_order)
            .field("content_type", &self.content_type)
            .field("content_encoding", &self.content_encoding)
            .field("content_length", &self.content_length)
            .field("extensions", &self.extensions())
            .finish()
    }
}

//! The four members that every header must hold.

use core::fmt;

/// One of the four members that every header must hold
/// ([SPEC §3](crate::spec#3-the-header)).
///
/// Errors use it to say which member they are about.
///
/// ```
/// use jsonframe::Member;
///
/// assert_eq!(Member::ContentLength.as_str(), "content-length");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Member {
    /// `byteorder`: the byte order of the content's own data.
    ByteOrder,
    /// `content-type`: what the content is.
    ContentType,
    /// `content-encoding`: how the content's text is encoded.
    ContentEncoding,
    /// `content-length`: how many bytes of content follow the header.
    ContentLength,
}

impl Member {
    /// All four, in the order in which they are emitted.
    pub const ALL: [Self; 4] = [Self::ByteOrder, Self::ContentType, Self::ContentEncoding, Self::ContentLength];

    /// The member's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ByteOrder => "byteorder",
            Self::ContentType => "content-type",
            Self::ContentEncoding => "content-encoding",
            Self::ContentLength => "content-length",
        }
    }

    /// The member that bears this name, if it is one of the four.
    pub(crate) fn from_name(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"byteorder" => Self::ByteOrder,
            b"content-type" => Self::ContentType,
            b"content-encoding" => Self::ContentEncoding,
            b"content-length" => Self::ContentLength,
            _ => return None,
        })
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

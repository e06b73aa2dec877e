//! The table of members: the four that every header must hold.
//!
//! To add a member is to add a variant, its line in the table, and what is to be done with its [`Kind`] of value.

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
#[non_exhaustive]
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

/// What the value of a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `little` or `big`.
    ByteOrder,
    /// Any string: the one at this index of a header's texts.
    Text(usize),
    /// A plain non-negative integer.
    Length,
}

/// How many members are texts.
pub(crate) const TEXTS: usize = 2;
/// The indices of those among a header's texts.
pub(crate) const CONTENT_TYPE: usize = 0;
pub(crate) const CONTENT_ENCODING: usize = 1;

impl Member {
    /// All four, in the order in which they are sent.
    pub const ALL: &'static [Self] = &[Self::ByteOrder, Self::ContentType, Self::ContentEncoding, Self::ContentLength];

    /// The length of the shortest name, in bytes.
    pub(crate) const SHORTEST: usize = Self::ByteOrder.as_str().len();

    const fn row(self) -> (&'static str, Kind) {
        match self {
            Self::ByteOrder => ("byteorder", Kind::ByteOrder),
            Self::ContentType => ("content-type", Kind::Text(CONTENT_TYPE)),
            Self::ContentEncoding => ("content-encoding", Kind::Text(CONTENT_ENCODING)),
            Self::ContentLength => ("content-length", Kind::Length),
        }
    }

    /// The member's name on the wire.
    pub const fn as_str(self) -> &'static str {
        self.row().0
    }

    pub(crate) const fn kind(self) -> Kind {
        self.row().1
    }

    /// The member's place in [`ALL`](Self::ALL).
    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    /// The member that bears this name, if it is one of the four.
    #[cfg_attr(not(feature = "small"), inline)]
    pub(crate) fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL.iter().copied().find(|member| member.as_str().as_bytes() == name)
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

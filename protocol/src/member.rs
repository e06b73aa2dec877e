//! The four members that every header must hold.

use core::fmt;

use crate::json::swar::IS_SMALL;

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

    /// How many bytes the shortest of their names has.
    pub(crate) const SHORTEST_NAME: usize = Self::ByteOrder.as_str().len();

    /// The member's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ByteOrder => "byteorder",
            Self::ContentType => "content-type",
            Self::ContentEncoding => "content-encoding",
            Self::ContentLength => "content-length",
        }
    }

    /// The member whose name, in quotes and without escapes, these bytes begin with, and how long that is.
    ///
    /// To compare is faster than to look for the name's end first. On a small machine it is not done.
    #[cfg_attr(not(feature = "small"), inline)]
    pub(crate) fn at_front(bytes: &[u8]) -> Option<(Self, usize)> {
        if IS_SMALL {
            return None;
        }
        match bytes.get(1)? {
            b'b' => bytes.starts_with(b"\"byteorder\"").then_some((Self::ByteOrder, 11)),
            b'c' => match bytes.get(9)? {
                b'l' => bytes.starts_with(b"\"content-length\"").then_some((Self::ContentLength, 16)),
                b't' => bytes.starts_with(b"\"content-type\"").then_some((Self::ContentType, 14)),
                b'e' => bytes.starts_with(b"\"content-encoding\"").then_some((Self::ContentEncoding, 18)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The member that bears this name, if it is one of the four.
    pub(crate) fn from_name(name: &[u8]) -> Option<Self> {
        if IS_SMALL {
            return Self::ALL.into_iter().find(|member| member.as_str().as_bytes() == name);
        }
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

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    #[cfg_attr(feature = "small", ignore = "small builds go the general way")]
    fn a_name_at_the_front_is_known_with_its_quotes() {
        for member in Member::ALL {
            let quoted = format!("\"{member}\"");
            assert_eq!(Member::at_front(format!("{quoted}: 1").as_bytes()), Some((member, quoted.len())));
            assert_eq!(Member::at_front(quoted.trim_end_matches('"').as_bytes()), None);
            assert_eq!(Member::from_name(member.as_str().as_bytes()), Some(member));
        }
        assert_eq!(Member::at_front(b"\"content-length2\""), None);
    }
}

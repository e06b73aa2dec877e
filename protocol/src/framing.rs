//! The proto-header: how long the header is ([SPEC §2](crate::spec#2-the-proto-header)).

pub(crate) mod foreign;

use crate::ByteOrder;

/// The size of a proto-header in the standard form, in bytes.
pub(crate) const PROTO_HEADER_LEN: usize = 2;

/// What a proto-header is: how many bytes, in which order ([SPEC C](crate::spec#appendix-c-dialects)).
///
/// ```
/// use jsonframe::{ByteOrder, ProtoHeader};
///
/// assert_eq!(ProtoHeader::STANDARD, ProtoHeader::U16(ByteOrder::Big));
/// assert_eq!(ProtoHeader::STANDARD.len(), 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::len_without_is_empty, reason = "none is empty")]
pub enum ProtoHeader {
    /// One byte: headers of up to 255.
    U8,
    /// Two bytes, in this order: headers of up to 65,535.
    U16(ByteOrder),
    /// Four bytes, in this order. A header that is longer than 65,535 bytes all the same is refused.
    U32(ByteOrder),
}

impl ProtoHeader {
    /// Two bytes, most significant first.
    pub const STANDARD: Self = Self::U16(ByteOrder::Big);

    /// How many bytes it takes: 1, 2 or 4.
    pub const fn len(self) -> u8 {
        match self {
            Self::U8 => 1,
            Self::U16(_) => 2,
            Self::U32(_) => 4,
        }
    }

    /// How long a header can be whose proto-header begins with these bytes, in bytes. What follows them is not looked at.
    pub(crate) fn longest(self, first: &[u8]) -> u16 {
        let mut length = 0;
        for taken in 0..self.len() {
            let byte = first.get(usize::from(taken)).copied().unwrap_or(u8::MAX);
            length = self.with_byte(length, taken, byte);
        }
        u16::try_from(length).unwrap_or(u16::MAX)
    }

    /// The length that a header has at most, in bytes.
    pub(crate) const fn limit(self) -> u16 {
        match self {
            Self::U8 => 0xFF,
            Self::U16(_) | Self::U32(_) => u16::MAX,
        }
    }

    const fn is_little(self) -> bool {
        matches!(self, Self::U16(ByteOrder::Little) | Self::U32(ByteOrder::Little))
    }

    /// What the bytes say with another one after the `taken` ones that say `length`.
    pub(crate) fn with_byte(self, length: u32, taken: u8, byte: u8) -> u32 {
        if self.is_little() {
            length | u32::from(byte).wrapping_shl(u32::from(taken).wrapping_mul(8))
        } else {
            length.wrapping_shl(8) | u32::from(byte)
        }
    }

    /// Writes this length to all of `place`, which is as long as the proto-header.
    pub(crate) fn write(self, length: u16, place: &mut [u8]) {
        let little = u32::from(length).to_le_bytes();
        for (index, byte) in little.into_iter().take(place.len()).enumerate() {
            let at = if self.is_little() { Some(index) } else { place.len().checked_sub(index.wrapping_add(1)) };
            if let Some(place) = at.and_then(|at| place.get_mut(at)) {
                *place = byte;
            }
        }
    }
}

//! The proto-header, which announces the length of the header ([SPEC §2](crate::spec#2-the-proto-header)).

pub(crate) mod foreign;

use crate::ByteOrder;

/// The size of a proto-header in the standard form, in bytes.
pub(crate) const PROTO_HEADER_LEN: usize = 2;

/// The form of a proto-header: its size and byte order ([SPEC C](crate::spec#appendix-c-dialects)).
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
    /// One byte: headers of up to 255 bytes.
    U8,
    /// Two bytes in this order: headers of up to 65,535 bytes.
    U16(ByteOrder),
    /// Four bytes in this order. Headers longer than 65,535 bytes are refused all the same.
    U32(ByteOrder),
}

impl ProtoHeader {
    /// The form of the specification: two bytes, big-endian.
    pub const STANDARD: Self = Self::U16(ByteOrder::Big);

    /// Returns the size in bytes: 1, 2 or 4.
    pub const fn len(self) -> u8 {
        match self {
            Self::U8 => 1,
            Self::U16(_) => 2,
            Self::U32(_) => 4,
        }
    }

    /// Returns the greatest length, in bytes, of a header whose proto-header begins with `first`. Later bytes are ignored.
    pub(crate) fn longest(self, first: &[u8]) -> u16 {
        let mut length = 0;
        for taken in 0..self.len() {
            let byte = first.get(usize::from(taken)).copied().unwrap_or(u8::MAX);
            length = self.with_byte(length, taken, byte);
        }
        u16::try_from(length).unwrap_or(u16::MAX)
    }

    /// Returns the greatest length of a header, in bytes.
    pub(crate) const fn limit(self) -> u16 {
        match self {
            Self::U8 => 0xFF,
            Self::U16(_) | Self::U32(_) => u16::MAX,
        }
    }

    const fn is_little(self) -> bool {
        matches!(self, Self::U16(ByteOrder::Little) | Self::U32(ByteOrder::Little))
    }

    /// Returns the length that `taken` bytes, which say `length`, and the next `byte` say together.
    pub(crate) fn with_byte(self, length: u32, taken: u8, byte: u8) -> u32 {
        if self.is_little() {
            length | u32::from(byte).wrapping_shl(u32::from(taken).wrapping_mul(8))
        } else {
            length.wrapping_shl(8) | u32::from(byte)
        }
    }

    /// Writes `length` to all of `out`, which has the size of the proto-header.
    pub(crate) fn write(self, length: u16, out: &mut [u8]) {
        let little = u32::from(length).to_le_bytes();
        for (index, byte) in little.into_iter().take(out.len()).enumerate() {
            let at = if self.is_little() { Some(index) } else { out.len().checked_sub(index.wrapping_add(1)) };
            if let Some(target) = at.and_then(|at| out.get_mut(at)) {
                *target = byte;
            }
        }
    }
}

//! The byte order of data.

use core::fmt;
use core::str::FromStr;

use thiserror::Error;

/// The byte order of the content's own data ([SPEC §3.1](crate::spec#31-byteorder)).
///
/// It says nothing about the proto-header, which is big-endian in the standard protocol.
///
/// ```
/// use jsonframe::ByteOrder;
///
/// let order: ByteOrder = "little".parse()?;
/// assert_eq!(order, ByteOrder::Little);
/// assert_eq!(order.to_string(), "little");
/// # Ok::<(), jsonframe::InvalidByteOrder>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

impl ByteOrder {
    /// The byte order of the machine that this program runs on.
    pub const NATIVE: Self = if cfg!(target_endian = "big") { Self::Big } else { Self::Little };

    /// Returns the name on the wire: `little` or `big`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Little => "little",
            Self::Big => "big",
        }
    }
}

/// Writes the name on the wire: `little` or `big`.
impl fmt::Display for ByteOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Reads the name on the wire. As in a header, it must be exactly `little` or `big`.
impl FromStr for ByteOrder {
    type Err = InvalidByteOrder;

    fn from_str(name: &str) -> Result<Self, InvalidByteOrder> {
        match name {
            "little" => Ok(Self::Little),
            "big" => Ok(Self::Big),
            _ => Err(InvalidByteOrder(())),
        }
    }
}

/// The error of a [`ByteOrder`] parsed from text that is neither `little` nor `big`.
///
/// ```
/// let error = "BIG".parse::<jsonframe::ByteOrder>().unwrap_err();
/// assert_eq!(error.to_string(), "the byte order is neither \"little\" nor \"big\"");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the byte order is neither \"little\" nor \"big\"")]
pub struct InvalidByteOrder(());

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn only_the_names_on_the_wire_are_parsed() {
        for order in [ByteOrder::Little, ByteOrder::Big] {
            assert_eq!(order.as_str().parse(), Ok(order));
            assert_eq!(format!("{order:>7}"), format!("{:>7}", order.as_str()));
        }
        for name in ["", "Little", "BIG", "little ", "native", "<"] {
            assert_eq!(name.parse::<ByteOrder>(), Err(InvalidByteOrder(())), "{name:?}");
        }
    }
}

//! The checksum of a file's content.

use std::fmt::{self, Display, Formatter};
use std::io::{self, Write};

use sha2::{Digest, Sha256};

/// The header's member that carries it.
pub(super) const MEMBER: &str = "sha256";

/// A SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Checksum([u8; 32]);

impl Checksum {
    /// The checksum of this hex text.
    pub(super) fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

impl Display for Checksum {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Sums up the bytes that are written to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Summer(Sha256);

impl Summer {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn sum(self) -> Checksum {
        Checksum(self.0.finalize().into())
    }
}

impl Write for Summer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.add(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_checksum_is_what_the_standard_says() {
        let mut summer = Summer::default();
        summer.add(b"a");
        summer.add(b"bc");
        assert_eq!(summer.sum().to_string(), ABC);
    }

    #[test]
    fn a_checksum_is_64_hex_digits() {
        let sum = Checksum::from_hex(ABC).unwrap();
        assert_eq!(Checksum::from_hex(&ABC.to_uppercase()), Some(sum));
        assert_eq!(sum.to_string(), ABC);
        for wrong in ["", "ba78", &ABC[1..], &format!("{ABC}0"), &format!("{ABC}00"), &ABC.replace('b', "g")] {
            assert_eq!(Checksum::from_hex(wrong), None);
        }
    }
}

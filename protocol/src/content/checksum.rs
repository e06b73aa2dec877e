//! Checksums of content, in an extension member of the header.

use core::fmt;
use core::str::FromStr;

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::{Header, Value};

/// The SHA-256 of content: 32 bytes, or 64 hexadecimal digits in the extension member `sha256` of its header
/// ([SPEC §3.7](crate::spec#37-sha256)).
///
/// The checksum is that of the content as it is on the wire. Since the header precedes the content, a sender needs all of
/// the content before it sends any. The checksum reveals content that was damaged or mixed up on its way. It does not
/// reveal an attacker, who would replace both; for the same reason nothing here is compared in constant time.
///
/// A sender adds the member to its header:
///
/// ```
/// use jsonframe::{Checksum, Header};
///
/// let content = b"abc";
/// let sum = Checksum::of(content).to_hex();
/// let extensions = [sum.member()];
/// let header = Header::new("text/plain", "utf-8", 3).with_extensions(&extensions);
/// assert!(header.to_string().ends_with(
///     "\"sha256\": \"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"}"
/// ));
/// ```
///
/// A receiver compares. Whole content is compared by [`check`](Self::check), content in pieces by a [`ContentHasher`]:
///
/// ```
/// # use jsonframe::{Checksum, ChecksumError, Header};
/// # let sum = Checksum::of(b"abc").to_hex();
/// # let extensions = [sum.member()];
/// # let header = Header::new("text/plain", "utf-8", 3).with_extensions(&extensions);
/// Checksum::announced(&header)?.check(b"abc")?;
/// let error = Checksum::announced(&header)?.check(b"abd").unwrap_err();
/// assert!(matches!(error, ChecksumError::Mismatch { .. }));
/// # Ok::<(), ChecksumError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Checksum([u8; 32]);

impl Checksum {
    /// The name of the extension member: `sha256`.
    pub const MEMBER: &'static str = "sha256";

    /// Computes the checksum of `content`.
    pub fn of(content: &[u8]) -> Self {
        let mut hasher = ContentHasher::new();
        hasher.update(content);
        hasher.checksum()
    }

    /// Reads the checksum that the header announces.
    ///
    /// # Errors
    ///
    /// [`ChecksumError::Missing`] if the header has no member `sha256`; [`ChecksumError::Malformed`] if the member is not a
    /// checksum.
    pub fn announced(header: &Header<'_>) -> Result<Self, ChecksumError> {
        let value = header.extension(Self::MEMBER).ok_or(ChecksumError::Missing)?;
        value.as_str().ok_or(ChecksumError::Malformed)?.parse()
    }

    /// Checks that this is the checksum of `content`.
    ///
    /// # Errors
    ///
    /// [`ChecksumError::Mismatch`] if it is not.
    pub fn check(self, content: &[u8]) -> Result<(), ChecksumError> {
        self.compare(Self::of(content))
    }

    fn compare(self, actual: Self) -> Result<(), ChecksumError> {
        if self == actual { Ok(()) } else { Err(ChecksumError::Mismatch { announced: self, actual }) }
    }

    /// Returns the 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the 64 hexadecimal digits, for a header to borrow.
    pub fn to_hex(self) -> ChecksumHex {
        let mut digits = [0; 64];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
        ChecksumHex(digits)
    }
}

/// Returns the hexadecimal digit of a number below 16.
const fn digit(number: u8) -> u8 {
    match number {
        0..=9 => b'0'.wrapping_add(number),
        _ => b'a'.wrapping_add(number).wrapping_sub(10),
    }
}

/// Takes bytes that were computed elsewhere.
impl From<[u8; 32]> for Checksum {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// Reads 64 hexadecimal digits of either case.
impl FromStr for Checksum {
    type Err = ChecksumError;

    fn from_str(text: &str) -> Result<Self, ChecksumError> {
        if text.len() != 64 {
            return Err(ChecksumError::Malformed);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            for digit in pair {
                let digit = char::from(*digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                *byte = (*byte << 4) | digit.ok_or(ChecksumError::Malformed)?;
            }
        }
        Ok(Self(bytes))
    }
}

/// Writes 64 hexadecimal digits in lower case.
impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.to_hex().as_str())
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checksum({self})")
    }
}

/// A [`Checksum`] as hexadecimal digits, for a header to borrow: [`Checksum::to_hex`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChecksumHex([u8; 64]);

impl ChecksumHex {
    /// Returns the 64 digits, in lower case.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Returns the extension member for [`Header::with_extensions`].
    pub fn member(&self) -> (&'static str, Value<'_>) {
        (Checksum::MEMBER, self.as_str().into())
    }
}

impl fmt::Debug for ChecksumHex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChecksumHex({})", self.as_str())
    }
}

/// Computes the checksum of content in pieces, whether received or sent. It takes about 112 bytes of memory.
///
/// ```
/// use jsonframe::{Checksum, ContentHasher, Decoder, Event};
///
/// let wire = b"\0\xb2{\"byteorder\": \"big\", \"content-type\": \"text/plain\", \"content-encoding\": \"utf-8\", \
///              \"content-length\": 3, \
///              \"sha256\": \"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"}abc";
/// let mut decoder = Decoder::new([0; 256]);
/// let mut hasher = ContentHasher::new();
/// for mut piece in wire.chunks(182) {
///     while let Some(event) = decoder.decode(&mut piece)? {
///         match event {
///             // Report a missing or malformed checksum before the content.
///             Event::Header(header) => drop(Checksum::announced(&header)?),
///             Event::Content(bytes) => hasher.update(bytes),
///             Event::End => {
///                 let header = decoder.header().expect("it stays to the end of the message");
///                 hasher.check(Checksum::announced(&header)?)?;
///                 hasher = ContentHasher::new();
///             }
///         }
///     }
/// }
/// # assert_eq!(decoder.position(), wire.len() as u64);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ContentHasher(Sha256);

impl ContentHasher {
    /// Creates a hasher at the beginning of a content.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next piece of the content. It makes no difference where the content is cut.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// Returns the checksum of the pieces added so far.
    pub fn checksum(&self) -> Checksum {
        Checksum(self.0.clone().finalize().into())
    }

    /// Checks that the pieces added so far have the checksum that was announced.
    ///
    /// # Errors
    ///
    /// [`ChecksumError::Mismatch`] if they do not.
    pub fn check(&self, announced: Checksum) -> Result<(), ChecksumError> {
        announced.compare(self.checksum())
    }
}

/// Says why content could not be confirmed by its checksum.
///
/// None of these is a fault of the stream ([SPEC §3.7](crate::spec#37-sha256)): the next message can be received as usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ChecksumError {
    /// The header has no member `sha256`. The receiver decides whether that is an error.
    #[error("the header has no member `sha256`")]
    Missing,

    /// The member `sha256`, or the text that was parsed, is not a string of 64 hexadecimal digits.
    #[error("the sha256 is not 64 hex digits")]
    Malformed,

    /// The content has another checksum than announced.
    #[error("the content does not have its checksum: expected {announced}, received {actual}")]
    Mismatch {
        /// The checksum in the header.
        announced: Checksum,
        /// The checksum of the content that was received.
        actual: Checksum,
    },
}

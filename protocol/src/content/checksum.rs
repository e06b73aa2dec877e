//! The checksum of content, in an extension member of its header.

use core::fmt;
use core::str::FromStr;

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::{Header, Value};

/// The SHA-256 of content: 32 bytes, and 64 hexadecimal digits in the header's extension member `sha256`
/// ([SPEC §3.7](crate::spec#37-sha256)).
///
/// It is over the content as it is on the wire, and the header goes before the content: a sender has to know all of the
/// content before it sends any. It finds content that was damaged or mixed up on its way. It does not find an attacker,
/// who would replace it together with the content; for the same reason nothing here is compared in constant time.
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
/// A receiver compares, content in pieces by a [`ContentHasher`], whole content by [`check`](Self::check):
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
    /// The name of the header's member: `sha256`.
    pub const MEMBER: &'static str = "sha256";

    /// The checksum of this content.
    pub fn of(content: &[u8]) -> Self {
        let mut hasher = ContentHasher::new();
        hasher.update(content);
        hasher.checksum()
    }

    /// The checksum that the header says its content has.
    ///
    /// # Errors
    ///
    /// [`ChecksumError::Missing`] if it does not say, [`ChecksumError::Malformed`] if it does so wrongly.
    pub fn announced(header: &Header<'_>) -> Result<Self, ChecksumError> {
        let value = header.extension(Self::MEMBER).ok_or(ChecksumError::Missing)?;
        value.as_str().ok_or(ChecksumError::Malformed)?.parse()
    }

    /// Whether this is the checksum of the content, which has arrived whole.
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

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Its hexadecimal digits, as a header has them.
    pub fn to_hex(self) -> ChecksumHex {
        let mut digits = [0; 64];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
        ChecksumHex(digits)
    }
}

/// The digit of a number below 16.
const fn digit(number: u8) -> u8 {
    match number {
        0..=9 => b'0'.wrapping_add(number),
        _ => b'a'.wrapping_add(number).wrapping_sub(10),
    }
}

/// As bytes that were computed elsewhere.
impl From<[u8; 32]> for Checksum {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// From 64 hexadecimal digits of either case.
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

/// As 64 hexadecimal digits in lower case.
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

/// A [`Checksum`] in hexadecimal digits, for the header that borrows them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChecksumHex([u8; 64]);

impl ChecksumHex {
    /// The 64 digits, in lower case.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The member, to be among the extensions of a header: [`Header::with_extensions`].
    pub fn member(&self) -> (&'static str, Value<'_>) {
        (Checksum::MEMBER, self.as_str().into())
    }
}

impl fmt::Debug for ChecksumHex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChecksumHex({})", self.as_str())
    }
}

/// The checksum of content that comes in pieces, on its way in or out. It takes 112 bytes or so, whatever the content.
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
///             // What is missing or malformed is known before the content.
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
    /// For content of which nothing has come yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece of the content. Where the pieces are cut makes no difference.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The checksum of what has come until now.
    pub fn checksum(&self) -> Checksum {
        Checksum(self.0.clone().finalize().into())
    }

    /// Whether what has come until now has the checksum that was announced.
    ///
    /// # Errors
    ///
    /// [`ChecksumError::Mismatch`] if it does not.
    pub fn check(&self, announced: Checksum) -> Result<(), ChecksumError> {
        announced.compare(self.checksum())
    }
}

/// Why content is not what its checksum says.
///
/// None of these is a fault of the stream ([SPEC §3.7](crate::spec#37-sha256)): the next message follows as ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ChecksumError {
    /// The header has no member `sha256`. Whether that is an error is up to the receiver.
    #[error("the header has no member `sha256`")]
    Missing,

    /// The member `sha256`, or the text it was to be made from, is not a string of 64 hexadecimal digits.
    #[error("the sha256 is not 64 hex digits")]
    Malformed,

    /// The content has another checksum.
    #[error("the content does not have its checksum: expected {announced}, received {actual}")]
    Mismatch {
        /// The checksum in the header.
        announced: Checksum,
        /// The checksum of the content that was received.
        actual: Checksum,
    },
}

//! The encodings of text in content, by the labels of Python's codecs.

#[cfg(feature = "text")]
mod decoder;
#[cfg(feature = "text")]
mod encode;
#[cfg(any(feature = "json", feature = "text"))]
mod error;
mod label;
#[cfg(feature = "text")]
mod legacy;
#[cfg(feature = "text")]
mod message;
#[cfg(feature = "text")]
mod wide;

use core::fmt;
use core::str::FromStr;

use thiserror::Error;

#[cfg(feature = "text")]
pub use self::decoder::TextDecoder;
#[cfg(any(feature = "json", feature = "text"))]
pub use self::error::TextError;
use self::label::{Label, Labels};
use crate::{ByteOrder, Header};

/// An encoding of text, named by a `content-encoding` such as `utf-8`
/// ([SPEC §3.3](crate::spec#33-content-encoding)).
///
/// A label is parsed by [`str::parse`], and means what it means to Python: `latin-1` maps bytes to characters one to one
/// and is not the web's windows-1252, `cp1252` leaves five bytes without a character, `utf-16` begins with a byte-order
/// mark. Case does not matter, nor do the hyphens, underscores and spaces between words. Not every codec of Python is
/// here; an unknown label is refused, never guessed.
///
/// Without the feature `text`, the known encodings are `utf-8`, `utf-8-sig`, `ascii` and `latin-1`. With it, they are those
/// of Unicode and 40 older ones, and content can be decoded and encoded:
///
/// | | |
/// |---|---|
/// | Unicode | `utf-8`, `utf-8-sig`, `utf-16`, `utf-16-le`, `utf-16-be`, `utf-32`, `utf-32-le`, `utf-32-be` |
/// | one byte per character | `ascii`, `latin-1`, `iso8859-2` to `-11` and `-13` to `-16`, `cp1250` to `cp1258`, `cp866`, `cp874`, `koi8-r`, `koi8-u`, `mac-roman`, `mac-cyrillic`, `tis-620` |
/// | several bytes per character | `gbk`, `gb2312`, `gb18030`, `big5`, `cp950`, `shift_jis`, `cp932`, `euc_jp`, `euc_kr`, `cp949` |
///
/// Where the tables of `encoding_rs`, which are those of the web, differ from Python's, Python's hold. Nothing is read as
/// another character than in Python. What the tables of the web lack is refused:
///
/// | | read and written by Python, refused here |
/// |---|---|
/// | `big5`, `cp950` | 249 and 250 pairs: all kana, the lower-case Cyrillic letters and some of the upper-case ones, numbers in circles and parentheses |
/// | `euc_kr` | 8,822 of the 11,172 syllables of Hangul, those that Python writes as eight bytes, and the Hangul filler; `cp949` has them all |
///
/// | | written by Python, only read here |
/// |---|---|
/// | `euc_jp` | the 6,067 characters of JIS X 0212 |
/// | `cp932` | the 1,880 characters for private use |
///
/// A few signs that Python writes as other characters are refused when written, such as `¥` in `euc_jp` and `shift_jis`.
///
/// ```
/// use jsonframe::Encoding;
///
/// assert_eq!("UTF8".parse(), Ok(Encoding::UTF_8));
/// assert_eq!("ISO 8859-1".parse(), Ok(Encoding::LATIN_1));
/// assert_eq!(Encoding::LATIN_1.to_string(), "iso8859-1");
///
/// let error = "gzip".parse::<Encoding>().unwrap_err();
/// assert_eq!(error.to_string(), "not known as an encoding of text");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Encoding(Repr);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Repr {
    Utf8,
    /// UTF-8 after a byte-order mark.
    Utf8Sig,
    Ascii,
    Latin1,
    #[cfg(feature = "text")]
    Wide(wide::Wide),
    #[cfg(feature = "text")]
    Legacy(&'static legacy::Legacy),
}

/// The encodings that need no tables, and their labels.
static PLAIN: [(Labels, Repr); 4] = [
    (Labels::new("utf_8", &["cp65001", "u8", "utf", "utf8", "utf8_ucs2", "utf8_ucs4"]), Repr::Utf8),
    (Labels::new("utf_8_sig", &[]), Repr::Utf8Sig),
    (
        Labels::new(
            "ascii",
            &[
                "646",
                "ansi_x3.4_1968",
                "ansi_x3.4_1986",
                "ansi_x3_4_1968",
                "cp367",
                "csascii",
                "ibm367",
                "iso646_us",
                "iso_646.irv_1991",
                "iso_ir_6",
                "us",
                "us_ascii",
            ],
        ),
        Repr::Ascii,
    ),
    (
        Labels::new(
            "latin_1",
            &[
                "8859",
                "cp819",
                "csisolatin1",
                "ibm819",
                "iso8859",
                "iso8859_1",
                "iso_8859_1",
                "iso_8859_1_1987",
                "iso_ir_100",
                "l1",
                "latin",
                "latin1",
            ],
        ),
        Repr::Latin1,
    ),
];

const UTF_8_MARK: &[u8] = b"\xEF\xBB\xBF";

impl Encoding {
    /// UTF-8. A byte-order mark is an ordinary character.
    pub const UTF_8: Self = Self(Repr::Utf8);

    /// ASCII: the bytes from 0 to 127, and no others.
    pub const ASCII: Self = Self(Repr::Ascii);

    /// Latin-1: every byte is the character of the same number.
    pub const LATIN_1: Self = Self(Repr::Latin1);

    fn for_label(label: &str) -> Option<Self> {
        if label == "utf-8" {
            return Some(Self::UTF_8);
        }
        let label = Label::new(label)?;
        let plain = PLAIN.iter().find(|(labels, _)| label.is_one_of(labels)).map(|(_, repr)| Self(*repr));
        #[cfg(feature = "text")]
        let plain = plain
            .or_else(|| wide::Wide::for_label(&label).map(|wide| Self(Repr::Wide(wide))))
            .or_else(|| legacy::Legacy::for_label(&label).map(|legacy| Self(Repr::Legacy(legacy))));
        plain
    }

    /// Returns Python's name for the encoding, such as `utf-8`, `iso8859-1` or `cp1252`.
    ///
    /// The name is one of the encoding's labels, in Python and here.
    pub const fn name(self) -> &'static str {
        match self.0 {
            Repr::Utf8 => "utf-8",
            Repr::Utf8Sig => "utf-8-sig",
            Repr::Ascii => "ascii",
            Repr::Latin1 => "iso8859-1",
            #[cfg(feature = "text")]
            Repr::Wide(wide) => wide.name(),
            #[cfg(feature = "text")]
            Repr::Legacy(legacy) => legacy.name(),
        }
    }

    /// Sets the byte order of `utf-16` and `utf-32` content that has no byte-order mark.
    ///
    /// Every other encoding stays as it is: the byte order of `utf-16-le` is known, and that of `cp1252` has no meaning.
    #[must_use]
    pub const fn with_byte_order(self, order: ByteOrder) -> Self {
        #[cfg(feature = "text")]
        if let Self(Repr::Wide(wide)) = self {
            return Self(Repr::Wide(wide.with_byte_order(order)));
        }
        let _ = order;
        self
    }

    /// Decodes UTF-8 and ASCII without copying and without an allocator.
    ///
    /// Returns `None` if `bytes` are malformed, and for every encoding but `utf-8`, `utf-8-sig` and `ascii`: those take
    /// `Encoding::decode` of the feature `text`. The byte-order mark of `utf-8-sig` is left out.
    ///
    /// ```
    /// use jsonframe::Encoding;
    ///
    /// assert_eq!(Encoding::UTF_8.decode_borrowed(b"caf\xC3\xA9"), Some("café"));
    /// assert_eq!(Encoding::ASCII.decode_borrowed(b"caf\xC3\xA9"), None);
    /// assert_eq!(Encoding::LATIN_1.decode_borrowed(b"cafe"), None);
    /// ```
    pub fn decode_borrowed(self, bytes: &[u8]) -> Option<&str> {
        self.in_place(bytes)?.ok()
    }

    /// Decodes like [`decode_borrowed`](Self::decode_borrowed). The inner error is the offset of the first malformed byte.
    pub(crate) fn in_place(self, bytes: &[u8]) -> Option<Result<&str, usize>> {
        let (text, start) = match self.0 {
            Repr::Utf8 => (bytes, 0),
            Repr::Utf8Sig => bytes.strip_prefix(UTF_8_MARK).map_or((bytes, 0), |text| (text, UTF_8_MARK.len())),
            Repr::Ascii => match bytes.iter().position(|byte| !byte.is_ascii()) {
                None => (bytes, 0),
                Some(offset) => return Some(Err(offset)),
            },
            Repr::Latin1 => return None,
            #[cfg(feature = "text")]
            Repr::Wide(_) | Repr::Legacy(_) => return None,
        };
        Some(core::str::from_utf8(text).map_err(|error| error.valid_up_to().saturating_add(start)))
    }
}

impl fmt::Debug for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tuple = f.debug_tuple("Encoding");
        tuple.field(&self.name());
        #[cfg(feature = "text")]
        if let Self(Repr::Wide(wide)) = self {
            tuple.field(&wide.byte_order());
        }
        tuple.finish()
    }
}

/// Writes the [`name`](Encoding::name).
impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Looks up a label. `utf-16` and `utf-32` are in the byte order of this machine until
/// [`with_byte_order`](Encoding::with_byte_order) sets another; [`Header::encoding`] sets that of the header.
impl FromStr for Encoding {
    type Err = UnknownEncoding;

    fn from_str(label: &str) -> Result<Self, UnknownEncoding> {
        Self::for_label(label).ok_or(UnknownEncoding(()))
    }
}

/// The error of an [`Encoding`] parsed from a label that is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not known as an encoding of text")]
pub struct UnknownEncoding(());

impl Header<'_> {
    /// Returns the encoding that `content-encoding` names, in the byte order that `byteorder` gives.
    ///
    /// Returns `None` if the label is not known as an encoding of text: `binary` and `gzip` are not. A `charset` in the
    /// content type is ignored.
    ///
    /// ```
    /// use jsonframe::{Encoding, Header};
    ///
    /// assert_eq!(Header::new("text/plain; charset=ascii", "UTF8", 2).encoding(), Some(Encoding::UTF_8));
    /// assert_eq!(Header::new("image/png", "binary", 2).encoding(), None);
    /// ```
    pub fn encoding(&self) -> Option<Encoding> {
        Encoding::for_label(self.content_encoding()).map(|encoding| encoding.with_byte_order(self.byte_order()))
    }
}

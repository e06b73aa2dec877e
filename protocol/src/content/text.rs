//! The encodings that text in content can have, by the labels that Python's codecs know them by.

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

#[cfg(feature = "text")]
pub use self::decoder::TextDecoder;
#[cfg(any(feature = "json", feature = "text"))]
pub use self::error::TextError;
use self::label::{Label, Labels};
use crate::{ByteOrder, Header};

/// An encoding of text: what a `content-encoding` such as `utf-8` names
/// ([SPEC §3.3](crate::spec#33-content-encoding)).
///
/// Labels mean what they mean to Python: `latin-1` is bytes one to one and not the web's windows-1252, `cp1252` has five
/// bytes that are no character, `utf-16` begins with a byte-order mark. Case does not matter, nor do hyphens, underscores
/// and spaces between words. Not every codec of Python's is here; a label that is not known is refused and never guessed.
///
/// Without the feature `text` these are known: `utf-8`, `utf-8-sig`, `ascii` and `latin-1`. With it all of Unicode's and 40
/// older ones are, and they decode and encode:
///
/// | | |
/// |---|---|
/// | Unicode | `utf-8`, `utf-8-sig`, `utf-16`, `utf-16-le`, `utf-16-be`, `utf-32`, `utf-32-le`, `utf-32-be` |
/// | one byte a character | `ascii`, `latin-1`, `iso8859-2` to `-11` and `-13` to `-16`, `cp1250` to `cp1258`, `cp866`, `cp874`, `koi8-r`, `koi8-u`, `mac-roman`, `mac-cyrillic`, `tis-620` |
/// | several | `gbk`, `gb2312`, `gb18030`, `big5`, `cp950`, `shift_jis`, `cp932`, `euc_jp`, `euc_kr`, `cp949` |
///
/// Where the tables of `encoding_rs`, which are the web's, differ from Python's, Python's hold. Nothing is read as another
/// character than in Python. What the web's tables lack is refused:
///
/// | | Python reads and writes it, and here it is refused |
/// |---|---|
/// | `big5`, `cp950` | 249 and 250 pairs: all kana, the lower-case Cyrillic letters and part of the upper-case ones, numbers in circles and parentheses |
/// | `euc_kr` | 8,822 of the 11,172 syllables of Hangul, those that Python spells in eight bytes, and the Hangul filler; `cp949` has them all |
///
/// | | Python writes it, and here it is read but not written |
/// |---|---|
/// | `euc_jp` | the 6,067 characters of JIS X 0212 |
/// | `cp932` | the 1,880 characters for private use |
///
/// Besides, a few signs are not written that Python writes as other characters: `¥` in `euc_jp` and `shift_jis`, for one.
///
/// ```
/// use jsonframe::Encoding;
///
/// assert_eq!(Encoding::for_label("UTF8"), Some(Encoding::UTF_8));
/// assert_eq!(Encoding::for_label("ISO 8859-1"), Some(Encoding::LATIN_1));
/// assert_eq!(Encoding::for_label("gzip"), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Encoding(Repr);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Repr {
    Utf8,
    /// UTF-8 with a byte-order mark before it.
    Utf8Sig,
    Ascii,
    Latin1,
    #[cfg(feature = "text")]
    Wide(wide::Wide),
    #[cfg(feature = "text")]
    Legacy(&'static legacy::Legacy),
}

/// The encodings that need no table, and their labels.
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
    /// UTF-8. A byte-order mark is a character like others.
    pub const UTF_8: Self = Self(Repr::Utf8);

    /// ASCII: bytes from 0 to 127, and no others.
    pub const ASCII: Self = Self(Repr::Ascii);

    /// Latin-1: every byte is the character of the same number.
    pub const LATIN_1: Self = Self(Repr::Latin1);

    /// The encoding that this label names, if there is one.
    ///
    /// Where it matters, the order of bytes is this machine's: [`with_byte_order`](Self::with_byte_order). To take it from
    /// the header, see [`Header::encoding`].
    pub fn for_label(label: &str) -> Option<Self> {
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

    /// The encoding's name as Python has it, such as `utf-8`, `iso8859-1` or `cp1252`.
    ///
    /// It is one of the encoding's labels, in Python and here.
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

    /// The same encoding; of `utf-16` and `utf-32`, what is in this byte order unless a byte-order mark says otherwise.
    ///
    /// Of all others, `utf-16-le` among them, the order is known.
    #[must_use]
    pub const fn with_byte_order(self, order: ByteOrder) -> Self {
        #[cfg(feature = "text")]
        if let Self(Repr::Wide(wide)) = self {
            return Self(Repr::Wide(wide.with_byte_order(order)));
        }
        let _ = order;
        self
    }

    /// These bytes as text, if they are text in this encoding and UTF-8 as they stand: UTF-8 and ASCII.
    ///
    /// Of `utf-8-sig` the byte-order mark is left out. `None` for every other encoding, which takes the feature `text` and
    /// `Encoding::decode`.
    ///
    /// ```
    /// use jsonframe::Encoding;
    ///
    /// assert_eq!(Encoding::UTF_8.as_str(b"caf\xC3\xA9"), Some("café"));
    /// assert_eq!(Encoding::ASCII.as_str(b"caf\xC3\xA9"), None);
    /// assert_eq!(Encoding::LATIN_1.as_str(b"cafe"), None);
    /// ```
    pub fn as_str(self, bytes: &[u8]) -> Option<&str> {
        self.in_place(bytes)?.ok()
    }

    /// What [`as_str`](Self::as_str) returns; for text that is malformed, the offset at which it is.
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
        Some(str::from_utf8(text).map_err(|error| error.valid_up_to().saturating_add(start)))
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

/// Its [`name`](Encoding::name).
impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Header<'_> {
    /// The encoding of text in the content: what `content-encoding` names, in the order of bytes that `byteorder` gives.
    ///
    /// `None` if the label is not known as one of text, as `binary` or `gzip`. A `charset` in the content type does not
    /// count: it is the label that decides.
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

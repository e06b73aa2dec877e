//! Decodes text, whole or in pieces.

use alloc::borrow::Cow;
use alloc::string::String;

use super::{Encoding, Repr, TextError, UTF_8_MARK};
use crate::Header;

/// Decodes text as its content arrives, in pieces cut anywhere, in constant memory.
///
/// However the content is cut, the text is the same, and so are an error and the text before it.
///
/// ```
/// use jsonframe::{Decoder, Event, Header, TextDecoder};
///
/// let wire = b"\0f{\"byteorder\": \"big\", \"content-type\": \"text/plain\", \"content-encoding\": \"utf-16\", \
///              \"content-length\": 12}\0c\0a\0f\0\xE9\xD8\x3D\xDC\x36";
///
/// let mut decoder = Decoder::new([0; 256]);
/// let (mut content, mut text) = (None, String::new());
/// for piece in wire.chunks(7) {
///     let mut input = piece;
///     while let Some(event) = decoder.decode(&mut input)? {
///         match event {
///             Event::Header(header) => content = Some(TextDecoder::for_content(&header)?),
///             Event::Content(piece) => content.as_mut().expect("a header").decode(piece, &mut text)?,
///             Event::End => content.take().expect("a header").finish()?,
///         }
///     }
/// }
/// assert_eq!(text, "café🐶");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TextDecoder {
    encoding: Encoding,
    /// `encoding`, until the beginning of the content has shown whether there is a byte-order mark.
    effective: Repr,
    /// The first bytes of a character that is incomplete.
    held: [u8; 4],
    held_len: usize,
    /// The offset of the first byte that has not been decoded, which is the first of those held.
    position: u64,
    failed: bool,
}

/// The result of decoding as many whole characters as possible.
pub(super) struct Run {
    /// The number of bytes decoded.
    pub(super) taken: usize,
    /// Whether the bytes that follow are malformed, rather than an incomplete character.
    pub(super) malformed: bool,
}

impl TextDecoder {
    /// Creates a decoder of text in this encoding.
    pub const fn new(encoding: Encoding) -> Self {
        Self { encoding, effective: encoding.0, held: [0; 4], held_len: 0, position: 0, failed: false }
    }

    /// Creates a decoder of the content that follows this header.
    ///
    /// # Errors
    ///
    /// [`TextError::Label`] if `content-encoding` is not the label of a known encoding of text.
    pub fn for_content(header: &Header<'_>) -> Result<Self, TextError> {
        Encoding::of(header).map(Self::new)
    }

    /// Decodes the next piece of the content and appends its text to `text`.
    ///
    /// # Errors
    ///
    /// [`TextError::Malformed`] if the content contains bytes that are not a character. The text before them has been
    /// appended. A decoder that has failed stays failed.
    pub fn decode(&mut self, piece: &[u8], text: &mut String) -> Result<(), TextError> {
        if self.failed {
            return Err(self.malformed());
        }
        let mut rest = piece;
        // One byte at a time: a character that becomes complete is then all that is held.
        while self.held_len > 0 {
            let Some((byte, after)) = rest.split_first() else { return Ok(()) };
            rest = after;
            if self.hold(*byte).is_none() {
                return Err(self.malformed());
            }
            let held = self.held;
            if self.run(held.get(..self.held_len).unwrap_or_default(), text)? > 0 {
                self.held_len = 0;
            }
        }
        let taken = self.run(rest, text)?;
        for byte in rest.iter().skip(taken) {
            if self.hold(*byte).is_none() {
                return Err(self.malformed());
            }
        }
        Ok(())
    }

    /// Checks that the content does not end inside a character.
    ///
    /// # Errors
    ///
    /// [`TextError::Malformed`] if it does, or if decoding has failed before.
    pub fn finish(self) -> Result<(), TextError> {
        if self.failed || self.held_len > 0 { Err(self.malformed()) } else { Ok(()) }
    }

    /// Returns the number of bytes decoded: all that were given, except the first bytes of an incomplete character.
    ///
    /// ```
    /// use jsonframe::{Encoding, TextDecoder};
    ///
    /// let (mut decoder, mut text) = (TextDecoder::new(Encoding::UTF_8), String::new());
    /// decoder.decode(b"caf\xC3", &mut text)?;
    /// assert_eq!((decoder.position(), text.as_str()), (3, "caf"));
    /// # Ok::<(), jsonframe::TextError>(())
    /// ```
    pub const fn position(&self) -> u64 {
        self.position
    }

    fn malformed(&self) -> TextError {
        TextError::Malformed { encoding: self.encoding, offset: self.position }
    }

    /// Holds one more byte of an incomplete character. `None` cannot happen: four bytes are a character or malformed.
    fn hold(&mut self, byte: u8) -> Option<()> {
        *self.held.get_mut(self.held_len)? = byte;
        self.held_len = self.held_len.saturating_add(1);
        Some(())
    }

    /// Decodes the whole characters at the front of `bytes` and returns their length.
    fn run(&mut self, bytes: &[u8], text: &mut String) -> Result<usize, TextError> {
        let Some(mark) = self.mark(bytes) else { return Ok(0) };
        let Some((_, rest)) = bytes.split_at_checked(mark) else { return Ok(0) };
        let run = match self.effective {
            Repr::Utf8 | Repr::Utf8Sig => utf8(rest, text),
            Repr::Ascii => ascii(rest, text),
            Repr::Latin1 => latin1(rest, text),
            Repr::Wide(wide) => wide.decode(rest, text),
            Repr::Legacy(legacy) => legacy.decode(rest, text),
        };
        let taken = mark.saturating_add(run.taken);
        self.position = self.position.saturating_add(taken as u64);
        self.failed = run.malformed;
        if run.malformed { Err(self.malformed()) } else { Ok(taken) }
    }

    /// Returns the length of the byte-order mark at the front of `bytes`, or `None` if more bytes are needed to tell.
    fn mark(&mut self, bytes: &[u8]) -> Option<usize> {
        let (mark, effective) = match self.effective {
            Repr::Utf8Sig if bytes.starts_with(UTF_8_MARK) => (UTF_8_MARK.len(), Repr::Utf8),
            Repr::Utf8Sig if UTF_8_MARK.starts_with(bytes) => return None,
            Repr::Utf8Sig => (0, Repr::Utf8),
            Repr::Wide(wide) => {
                let (mark, wide) = wide.resolve(bytes)?;
                (mark, Repr::Wide(wide))
            }
            other => (0, other),
        };
        self.effective = effective;
        Some(mark)
    }
}

fn utf8(bytes: &[u8], text: &mut String) -> Run {
    let (valid, malformed) = match core::str::from_utf8(bytes) {
        Ok(_) => (bytes.len(), false),
        Err(error) => (error.valid_up_to(), error.error_len().is_some()),
    };
    text.push_str(bytes.get(..valid).and_then(|valid| core::str::from_utf8(valid).ok()).unwrap_or_default());
    Run { taken: valid, malformed }
}

fn ascii(bytes: &[u8], text: &mut String) -> Run {
    let valid = bytes.iter().position(|byte| !byte.is_ascii()).unwrap_or(bytes.len());
    let Run { taken, .. } = utf8(bytes.get(..valid).unwrap_or_default(), text);
    Run { taken, malformed: taken < bytes.len() }
}

fn latin1(bytes: &[u8], text: &mut String) -> Run {
    // In steps, which bounds the temporary copy.
    for step in bytes.chunks(4096) {
        text.push_str(&encoding_rs::mem::decode_latin1(step));
    }
    Run { taken: bytes.len(), malformed: false }
}

impl Encoding {
    /// Returns the encoding of the content that follows this header.
    pub(super) fn of(header: &Header<'_>) -> Result<Self, TextError> {
        header.encoding().ok_or_else(|| TextError::Label { label: header.content_encoding().into() })
    }

    /// Decodes a whole content. Content that is valid UTF-8 of the same text is borrowed, all other content is copied.
    ///
    /// A byte-order mark at the beginning of `utf-16` and `utf-32` content gives its byte order. It is left out of the text,
    /// like that of `utf-8-sig`. Anywhere else it is a character. To decode content in pieces, see [`TextDecoder`].
    ///
    /// # Errors
    ///
    /// [`TextError::Malformed`] if the content contains bytes that are not a character, or ends inside one.
    ///
    /// ```
    /// use jsonframe::{ByteOrder, Encoding};
    ///
    /// let utf_16 = "utf-16".parse::<Encoding>()?.with_byte_order(ByteOrder::Little);
    /// assert_eq!(utf_16.decode(b"\xE9\0")?, "é");
    /// assert_eq!(utf_16.decode(b"\xFE\xFF\0\xE9")?, "é");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn decode(self, content: &[u8]) -> Result<Cow<'_, str>, TextError> {
        let plain = match self.0 {
            // These are supersets of ASCII.
            Repr::Latin1 | Repr::Legacy(_) if content.is_ascii() => Self::ASCII,
            _ => self,
        };
        match plain.in_place(content) {
            Some(Ok(text)) => return Ok(Cow::Borrowed(text)),
            Some(Err(offset)) => return Err(TextError::Malformed { encoding: self, offset: offset as u64 }),
            None => {}
        }
        let mut text = String::new();
        let mut decoder = TextDecoder::new(self);
        decoder.decode(content, &mut text)?;
        decoder.finish()?;
        Ok(Cow::Owned(text))
    }
}

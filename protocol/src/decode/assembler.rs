//! Assembles whole messages from bytes that may be cut anywhere.

use crate::{DecodeError, DecodeErrorKind, Decoder, Dialect, Event, Message, Storage};

/// Assembles whole messages, whose content fits into memory.
///
/// Combines a [`Decoder`] with a [`Storage`]. Content that arrives in one piece is borrowed from the input; content in
/// several pieces is copied once, to the storage. A message with content longer than the storage's
/// [`limit`](Storage::limit) is refused at its header. All else that a decoder promises holds, too.
///
#[cfg_attr(feature = "alloc", doc = "```")]
#[cfg_attr(not(feature = "alloc"), doc = "```ignore")]
/// use jsonframe::{Assembler, Growable};
///
/// let mut assembler = Assembler::new([0; 256], Growable::with_limit(1_000_000));
/// let wire = b"\x00f{\"byteorder\": \"little\", \"content-type\": \"text/json\", \
///              \"content-encoding\": \"utf-8\", \"content-length\": 2}{}";
/// let mut messages = 0;
/// for mut input in wire.repeat(2).chunks(40) {
///     while let Some(message) = assembler.decode(&mut input)? {
///         assert_eq!(message.header().content_type(), "text/json");
///         assert_eq!(message.content(), b"{}");
///         messages += 1;
///     }
/// }
/// assembler.finish()?;
/// assert_eq!(messages, 2);
/// # Ok::<(), jsonframe::DecodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Assembler<B, S> {
    decoder: Decoder<B>,
    content: S,
    /// Whether the stored content belongs to an earlier message.
    stale: bool,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>, S: Storage> Assembler<B, S> {
    /// Creates an assembler at the beginning of a stream, with this buffer for a header and this storage for content.
    pub const fn new(buffer: B, storage: S) -> Self {
        Self { decoder: Decoder::new(buffer), content: storage, stale: true }
    }

    /// Sets the dialect of the stream: [`Decoder::with_dialect`].
    #[must_use]
    pub fn with_dialect(self, dialect: &'static Dialect) -> Self {
        Self { decoder: self.decoder.with_dialect(dialect), ..self }
    }

    /// Takes bytes from the front of the input until a message is whole, or until the input is used up.
    ///
    /// Call it until it returns `None`.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the bytes are not a sequence of messages, if the content is longer than the storage's limit
    /// ([`DecodeErrorKind::ContentTooLong`]), or if the storage finds no memory ([`DecodeErrorKind::OutOfMemory`]).
    /// Every message before it has been returned by then. Every later call returns the same error.
    pub fn decode<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Result<Option<Message<'a>>, DecodeError> {
        if core::mem::take(&mut self.stale) {
            self.content.clear();
        }
        let mut borrowed = None;
        while let Some(event) = self.decoder.decode(input)? {
            match event {
                Event::Header(_) => self.decoder.limit_content(self.content.limit() as u64)?,
                Event::Content(piece) => {
                    let whole = self.decoder.needs() == 0 && self.content.as_ref().is_empty();
                    if whole {
                        borrowed = Some(piece);
                    } else if self.content.append(piece).is_err() {
                        return Err(self.decoder.fail(DecodeErrorKind::OutOfMemory));
                    }
                }
                Event::End => {
                    self.stale = true;
                    let content = borrowed.unwrap_or(self.content.as_ref());
                    return Ok(self.decoder.header().map(|header| Message::received(header, content)));
                }
            }
        }
        Ok(None)
    }

    /// Returns the number of bytes missing from the current part of the message: [`Decoder::needs`].
    pub const fn needs(&self) -> u64 {
        self.decoder.needs()
    }

    /// Returns the number of bytes taken so far: [`Decoder::position`].
    pub const fn position(&self) -> u64 {
        self.decoder.position()
    }

    /// Checks that the stream may end here: [`Decoder::finish`].
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::Truncated`] inside a message; or an earlier error.
    pub const fn finish(&self) -> Result<(), DecodeError> {
        self.decoder.finish()
    }
}

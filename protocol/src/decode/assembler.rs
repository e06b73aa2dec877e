//! From bytes, cut anywhere, to whole messages.

use crate::{DecodeError, DecodeErrorKind, Decoder, Dialect, Event, Message, Storage};

/// Puts messages together whose content is small enough to be kept.
///
/// A [`Decoder`] with a [`Storage`] behind it. Content that arrives in one piece is lent from the input as it is; content
/// in several pieces is copied to the storage, once. A message whose content is longer than the storage's
/// [`limit`](Storage::limit) is refused at its header. Like the decoder, it never takes a byte of the next message, and
/// its errors are final.
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
    /// Whether what is stored is not of the message under way.
    stale: bool,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>, S: Storage> Assembler<B, S> {
    /// An assembler at the beginning of a stream, with this buffer for a header and this storage for content.
    pub const fn new(header: B, content: S) -> Self {
        Self { decoder: Decoder::new(header), content, stale: true }
    }

    /// The same assembler, at the beginning of a stream in this dialect.
    #[must_use]
    pub fn with_dialect(self, dialect: &'static Dialect) -> Self {
        Self { decoder: self.decoder.with_dialect(dialect), ..self }
    }

    /// Takes bytes from the front of the input until a message is whole, or until the input is used up.
    ///
    /// To be called until it returns `None`.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the bytes are not a sequence of messages, if the content is longer than the storage's limit
    /// ([`DecodeErrorKind::ContentTooLong`]), or if the storage finds no memory ([`DecodeErrorKind::OutOfMemory`]).
    /// Every whole message before it has been returned by then. The error is returned again by every later call.
    pub fn decode<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Result<Option<Message<'a>>, DecodeError> {
        if core::mem::take(&mut self.stale) {
            self.content.clear();
        }
        let mut lent = None;
        while let Some(event) = self.decoder.decode(input)? {
            match event {
                Event::Header(_) => self.decoder.limit_content(self.content.limit() as u64)?,
                Event::Content(piece) => {
                    let whole = self.decoder.needs() == 0 && self.content.as_ref().is_empty();
                    if whole {
                        lent = Some(piece);
                    } else if self.content.append(piece).is_err() {
                        return Err(self.decoder.fail(DecodeErrorKind::OutOfMemory));
                    }
                }
                Event::End => {
                    self.stale = true;
                    let content = lent.unwrap_or(self.content.as_ref());
                    return Ok(self.decoder.header().map(|header| Message::received(header, content)));
                }
            }
        }
        Ok(None)
    }

    /// How many bytes the part of the message under way still lacks: [`Decoder::needs`].
    pub const fn needs(&self) -> u64 {
        self.decoder.needs()
    }

    /// How many bytes have been taken: [`Decoder::position`].
    pub const fn position(&self) -> u64 {
        self.decoder.position()
    }

    /// Says that the stream has ended: [`Decoder::finish`].
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::Truncated`] if it ended inside a message; or the error from before.
    pub const fn finish(&self) -> Result<(), DecodeError> {
        self.decoder.finish()
    }
}

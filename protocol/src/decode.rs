//! Decodes messages from bytes that may be cut anywhere.

mod assembler;
mod state;

use core::fmt;

pub use self::assembler::Assembler;

use self::state::{State, Step};
#[cfg(feature = "tokio")]
use crate::header::found::Found;
use crate::{DecodeError, DecodeErrorKind, Dialect, Header};

/// What a [`Decoder`] reports of a message, in this order: its header, its content in pieces, its end
/// ([SPEC §5.1](crate::spec#51-events)).
///
/// The content borrows from the input (`'i`) and outlives the borrow of the decoder (`'d`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'d, 'i> {
    /// A whole and valid header.
    Header(Header<'d>),
    /// The next piece of the content, never empty. A message without content has none.
    Content(&'i [u8]),
    /// The message is whole. Reported right after the last piece of content, or the header, without another byte of input.
    End,
}

/// Decodes messages from a stream of bytes, however the stream is cut.
///
/// The decoder does no I/O and does not allocate. It owns a buffer for one header, such as `[u8; N]`, `&mut [u8]` or
/// `Box<[u8]>`, of the size that the caller chooses: a header that does not fit is an error. Content is borrowed from the
/// input and may be of any length.
///
/// ```text
///        +-- proto-header --> header --> content --> end --+
///        |                      |           | ^       ^    |
///        |                      |           +-+       |    |
///        |                      +---- no content -----+    |
///        +<------------------------------------------------+
/// ```
///
/// - **However the input is cut**, the events are the same but for the cuts in the content, and so are errors and their
///   offsets.
/// - **`None` means that the input is used up.** There is nothing left to keep or to feed again.
/// - **It never takes a byte of the next message** before it has reported the end of this one. What remains of the input
///   may be read by something else.
/// - **Errors are final.** Every later call returns the same error.
///
/// ```
/// use jsonframe::{Decoder, Event};
///
/// let mut decoder = Decoder::new([0; 256]);
/// let mut received = Vec::new();
///
/// // As from a socket: the first read ends inside the header, the second inside the content of a second message.
/// let wire = b"\x00f{\"byteorder\": \"little\", \"content-type\": \"text/json\", \
///              \"content-encoding\": \"utf-8\", \"content-length\": 2}{}";
/// let stream = [wire.as_slice(), wire.as_slice()].concat();
/// for mut input in [&stream[..20], &stream[20..stream.len() - 1]] {
///     while let Some(event) = decoder.decode(&mut input)? {
///         match event {
///             Event::Header(header) => assert_eq!(header.content_length(), 2),
///             Event::Content(piece) => received.extend_from_slice(piece),
///             Event::End => assert_eq!(received, b"{}"),
///         }
///     }
/// }
///
/// // The stream ended one byte too early.
/// assert_eq!(decoder.needs(), 1);
/// assert!(decoder.finish().is_err());
/// # Ok::<(), jsonframe::DecodeError>(())
/// ```
#[derive(Clone)]
pub struct Decoder<B> {
    buffer: B,
    state: State,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Decoder<B> {
    /// Creates a decoder at the beginning of a stream, with this buffer for a header.
    ///
    /// [`Header::MAX_LEN`] bytes hold every header, 256 bytes those that most programs send. What the buffer contains does
    /// not matter. One that does not keep its length or its bytes makes the decoder report wrong headers, but does no
    /// other harm.
    pub const fn new(buffer: B) -> Self {
        Self { buffer, state: State::new(&Dialect::STANDARD) }
    }

    /// Sets the dialect, and starts over at the beginning of a stream.
    ///
    /// ```
    /// use jsonframe::{ByteOrder, Decoder, Dialect, Event, ProtoHeader};
    ///
    /// const PEER: Dialect = Dialect::STANDARD.with_proto_header(ProtoHeader::U16(ByteOrder::Little)).byte_order_or(ByteOrder::Big);
    ///
    /// let mut decoder = Decoder::new([0; 256]).with_dialect(&PEER);
    /// let mut input = &b"H\0{\"content-type\": \"x\", \"content-encoding\": \"y\", \"content-length\": 100000}"[..];
    /// let Some(Event::Header(header)) = decoder.decode(&mut input)? else { panic!("the header is whole") };
    /// assert_eq!((header.byte_order(), header.content_length()), (ByteOrder::Big, 100_000));
    /// # Ok::<(), jsonframe::DecodeError>(())
    /// ```
    #[must_use]
    pub const fn with_dialect(mut self, dialect: &'static Dialect) -> Self {
        self.state = State::new(dialect);
        self
    }

    /// Takes bytes from the front of the input until there is something to report, or until the input is used up.
    ///
    /// Call it until it returns `None`, also with no input left: the end of a message needs none.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the bytes are not a sequence of messages. Everything before the message at fault has been
    /// reported by then. Every later call returns the same error.
    #[inline(always)]
    pub fn decode<'d, 'i>(&'d mut self, input: &mut &'i [u8]) -> Result<Option<Event<'d, 'i>>, DecodeError> {
        match self.state.step(self.buffer.as_mut(), input) {
            Step::Content(piece) => Ok(Some(Event::Content(piece))),
            Step::End => Ok(Some(Event::End)),
            Step::Nothing => Ok(None),
            Step::Head if self.state.head(self.buffer.as_mut(), input) => Ok(self.header().map(Event::Header)),
            Step::Head => self.state.failure(),
        }
    }

    /// Returns the header of the current message, or of the last one until a byte of the next message is taken.
    #[cfg_attr(not(feature = "small"), inline)]
    pub fn header(&self) -> Option<Header<'_>> {
        self.state.header(self.buffer.as_ref())
    }

    /// Returns the buffer for a header, to be exchanged for another one; `None` within a message.
    ///
    /// Lets a server with many idle decoders give their header buffers back between messages. After it,
    /// [`header`](Self::header) is `None` until the next one is whole.
    ///
    /// ```
    /// use jsonframe::Decoder;
    ///
    /// let mut decoder = Decoder::new(Vec::new());
    /// if let Some(buffer) = decoder.buffer_mut() {
    ///     buffer.resize(256, 0);
    /// }
    /// decoder.decode(&mut &b"\0"[..])?;
    /// assert!(decoder.buffer_mut().is_none());
    /// # Ok::<(), jsonframe::DecodeError>(())
    /// ```
    pub const fn buffer_mut(&mut self) -> Option<&mut B> {
        if self.state.forget_buffer() { Some(&mut self.buffer) } else { None }
    }

    /// Returns the number of bytes missing from the current part of the message: its proto-header with any prefix, its
    /// header, or its content.
    ///
    /// A reader that asks for no more than this never reads past the end of a message. It is 0 only when the end of a
    /// message is to be reported, or after an error.
    pub const fn needs(&self) -> u64 {
        self.state.needs()
    }

    /// Returns the number of bytes taken so far, which is the offset of the next one.
    pub const fn position(&self) -> u64 {
        self.state.position()
    }

    /// Counts up to `count` bytes of content that did not pass through the decoder, such as bytes copied straight to a file.
    ///
    /// Returns how many of them are content of the current message. Decode the others. Inside content there are none if
    /// `count` is at most [`needs`](Self::needs).
    #[must_use = "bytes beyond the content belong to the next message"]
    pub fn content_bypassed(&mut self, count: u64) -> u64 {
        self.state.pass_content(count)
    }

    /// Refuses the current message if its content is longer than `limit` bytes. Call it at the [`Event::Header`].
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::ContentTooLong`], which every later call returns, too; or an earlier error.
    ///
    /// ```
    /// use jsonframe::{Decoder, DecodeErrorKind, Event};
    ///
    /// let mut decoder = Decoder::new([0; 256]);
    /// let mut input = &b"\x00l{\"byteorder\": \"little\", \"content-type\": \"text/json\", \
    ///                    \"content-encoding\": \"utf-8\", \"content-length\": 3000000}"[..];
    /// assert!(matches!(decoder.decode(&mut input)?, Some(Event::Header(_))));
    ///
    /// let error = decoder.limit_content(1_000_000).unwrap_err();
    /// assert_eq!(error.kind(), DecodeErrorKind::ContentTooLong { length: 3_000_000, limit: 1_000_000 });
    /// # Ok::<(), jsonframe::DecodeError>(())
    /// ```
    pub fn limit_content(&mut self, limit: u64) -> Result<(), DecodeError> {
        self.state.limit_content(limit)
    }

    /// Checks that the stream may end here: between messages, or where the end of one is to be reported.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::Truncated`] inside a message; or an earlier error.
    ///
    /// ```
    /// use jsonframe::{DecodeErrorKind, Decoder};
    ///
    /// let mut decoder = Decoder::new([0; 256]);
    /// assert_eq!(decoder.finish(), Ok(()));
    ///
    /// decoder.decode(&mut &b"\0"[..])?;
    /// assert_eq!(decoder.finish().unwrap_err().kind(), DecodeErrorKind::Truncated { missing: 1 });
    /// # Ok::<(), jsonframe::DecodeError>(())
    /// ```
    pub const fn finish(&self) -> Result<(), DecodeError> {
        self.state.finish()
    }

    /// Returns what was found in the header, and the index at which the content begins in `message`, the bytes of the whole
    /// message. Copies the header's resolved strings from the decoder's buffer to `message`.
    #[cfg(feature = "tokio")]
    #[inline]
    pub(crate) fn found(&self, message: &mut [u8]) -> Option<(Found, usize)> {
        let found = self.state.found()?;
        let content = message.len().checked_sub(usize::try_from(found.members.content_length).ok()?)?;
        if found.has_extensions {
            let resolved = self.state.header_in(self.buffer.as_ref())?;
            message.get_mut(content.checked_sub(resolved.len())?..content)?.copy_from_slice(resolved);
        }
        Some((found, content))
    }

    /// Makes the decoder fail for a reason outside the stream.
    #[cold]
    pub(crate) fn fail(&mut self, kind: DecodeErrorKind) -> DecodeError {
        self.state.fail(kind, self.state.position())
    }

    /// Does what [`finish`](Self::finish) does, and keeps the error.
    #[cfg(feature = "tokio")]
    pub(crate) const fn end(&mut self) -> Result<(), DecodeError> {
        self.state.end()
    }
}

impl<B> fmt::Debug for Decoder<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("state", &self.state).finish_non_exhaustive()
    }
}

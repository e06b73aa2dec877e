//! Receiving, apart from the calls of the reader: where to read to next, and what has been read.

use embedded_io::{Error, ErrorType};

use super::ReceiveError;
use crate::{DecodeError, DecodeErrorKind, Decoder, Dialect, Event, Header, Message};

/// Receives messages from a reader, blocking or async.
///
/// `B` is the buffer for a header, as for a [`Decoder`]: `[u8; N]` or `&mut [u8]`. `R` may be `&mut` of a reader.
///
/// ```
/// use embedded_io::Read;
/// use jsonframe::embedded::Receiver;
///
/// // A slice is a reader, too.
/// let wire = b"\x00f{\"byteorder\": \"little\", \"content-type\": \"text/json\", \
///              \"content-encoding\": \"utf-8\", \"content-length\": 9}[1, 2, 3]";
/// let mut receiver = Receiver::new(wire.as_slice(), [0; 256]);
///
/// let mut incoming = receiver.receive()?.expect("a message");
/// assert_eq!(incoming.header().content_type(), "text/json");
/// let mut piece = [0; 4];
/// assert_eq!((incoming.read(&mut piece)?, &piece), (4, b"[1, "));
///
/// // The rest of the content is skipped.
/// assert!(receiver.receive()?.is_none());
/// # Ok::<(), jsonframe::embedded::ReceiveError<core::convert::Infallible>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Receiver<R, B> {
    pub(super) reader: R,
    pub(super) decoder: Decoder<B>,
}

impl<R, B: AsRef<[u8]> + AsMut<[u8]>> Receiver<R, B> {
    /// Creates a receiver at the beginning of the reader's stream, with a buffer for a header.
    pub const fn new(reader: R, buffer: B) -> Self {
        Self { reader, decoder: Decoder::new(buffer) }
    }

    /// Sets the dialect of the stream. To be called before anything is received.
    #[must_use]
    pub fn with_dialect(mut self, dialect: &'static Dialect) -> Self {
        self.decoder = self.decoder.with_dialect(dialect);
        self
    }

    /// Returns the number of bytes of the stream that have been taken.
    pub const fn position(&self) -> u64 {
        self.decoder.position()
    }

    /// Returns the reader: to write to it, if it is a writer too, or to ask whether it is ready. Bytes read from it directly
    /// are missing here.
    pub const fn reader_mut(&mut self) -> &mut R {
        &mut self.reader
    }

    /// Returns the reader. It has been read up to [`position`](Self::position) and no further.
    pub fn into_reader(self) -> R {
        self.reader
    }

    fn header(&self) -> Header<'_> {
        // There is one from its event until a byte of the next message is taken.
        self.decoder.header().unwrap_or(Header::new("", "", 0))
    }

    /// Takes the first `count` of the bytes read, which must not go past the header, and skips content. Returns whether a
    /// header is complete.
    pub(super) fn take(&mut self, read: &[u8], count: usize) -> Result<bool, DecodeError> {
        let mut input = read.get(..count).unwrap_or(read);
        while let Some(event) = self.decoder.decode(&mut input)? {
            if let Event::Header(_) = event {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns the part of `buffer` to read into next, which ends where the current part of the message does. It is empty
    /// only if `buffer` is, or at the end of a message.
    pub(super) fn wanted<'b>(&self, buffer: &'b mut [u8]) -> &'b mut [u8] {
        match usize::try_from(self.decoder.needs()) {
            Ok(needs) if needs < buffer.len() => buffer.get_mut(..needs).unwrap_or_default(),
            _ => buffer,
        }
    }

    /// Like [`wanted`](Self::wanted), for content. Returns the decoder's error if it has failed.
    pub(super) fn wanted_content<'b>(&mut self, buffer: &'b mut [u8]) -> Result<&'b mut [u8], DecodeError> {
        self.decoder.limit_content(u64::MAX)?;
        Ok(self.wanted(buffer))
    }

    /// Like [`wanted`](Self::wanted), for a buffer that takes all of the content. Returns `None` when the content is whole.
    pub(super) fn missing_content<'b>(&self, buffer: &'b mut [u8]) -> Option<&'b mut [u8]> {
        let filled = self.header().content_length().saturating_sub(self.decoder.needs());
        let rest = buffer.get_mut(usize::try_from(filled).ok()?..)?;
        let wanted = self.wanted(rest);
        if wanted.is_empty() { None } else { Some(wanted) }
    }

    /// Accounts for `count` bytes of content, read into a buffer of `available` bytes, and returns their number. No bytes
    /// are the end of the stream.
    pub(super) fn content_read(&mut self, count: usize, available: usize) -> Result<usize, DecodeError> {
        if count == 0 {
            self.decoder.finish()?;
        }
        // A reader may claim more bytes than it was asked for.
        let count = count.min(available);
        let _ = self.decoder.content_bypassed(count as u64);
        Ok(count)
    }

    /// Returns the message whose content fills the beginning of `buffer`.
    pub(super) fn message<'m>(&'m self, buffer: &'m [u8]) -> Message<'m> {
        let header = self.header();
        let length = usize::try_from(header.content_length()).unwrap_or(usize::MAX);
        Message::received(header, buffer.get(..length).unwrap_or(buffer))
    }
}

/// A message whose header has been received and whose content is to be read.
///
/// To read the content piece by piece, use `read` of [`embedded_io::Read`] or `embedded_io_async`. It returns 0 only at the
/// end of the content, and an error if the stream ends before. The next [`receive`](Receiver::receive) skips the content
/// that has not been read.
#[derive(Debug)]
pub struct Incoming<'r, R, B> {
    pub(super) receiver: &'r mut Receiver<R, B>,
    /// The number of bytes of the content that have been read in pieces, and so are not in the buffer of a whole message.
    pub(super) read: u64,
}

impl<R, B: AsRef<[u8]> + AsMut<[u8]>> Incoming<'_, R, B> {
    /// Returns the message's header.
    pub fn header(&self) -> Header<'_> {
        self.receiver.header()
    }

    /// Returns the number of bytes of content that have not been read.
    pub fn content_left(&self) -> u64 {
        self.receiver.decoder.needs()
    }

    /// Returns the number of bytes of the stream that have been taken.
    pub const fn position(&self) -> u64 {
        self.receiver.position()
    }

    /// Refuses the message if its content is longer than `limit` bytes, as [`Decoder::limit_content`] does.
    ///
    /// Without a limit, content of any length can be read in pieces, which takes no memory here.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::ContentTooLong`]. The receiver has then failed.
    pub fn limit_content(&mut self, limit: u64) -> Result<(), DecodeError> {
        self.receiver.decoder.limit_content(limit)
    }

    /// Checks that all of the content fits in `buffer`, and that none of it has been read in pieces.
    pub(super) fn check_buffer<E: Error + 'static>(&mut self, buffer: &[u8]) -> Result<(), ReceiveError<E>> {
        if self.read > 0 {
            return Err(ReceiveError::AlreadyRead { read: self.read });
        }
        let (length, limit) = (self.header().content_length(), buffer.len() as u64);
        self.limit_content(limit)?;
        // The decoder does not refuse content that has all been read.
        if length > limit {
            return Err(self.receiver.decoder.fail(DecodeErrorKind::ContentTooLong { length, limit }).into());
        }
        Ok(())
    }
}

impl<R: ErrorType, B> ErrorType for Incoming<'_, R, B>
where
    R::Error: 'static,
{
    type Error = ReceiveError<R::Error>;
}

/// The number of bytes of a head that are read at a time.
pub(super) const CHUNK: usize = 64;

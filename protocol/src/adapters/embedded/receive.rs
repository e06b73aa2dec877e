//! Receiving, but for the waiting: what to read next, and what became of it.

use embedded_io::{Error, ErrorType};

use super::ReceiveError;
use crate::{DecodeError, DecodeErrorKind, Decoder, Dialect, Event, Header, Message};

/// Receives messages from a reader, blocking or async.
///
/// `B` is the room for a header, as for a [`Decoder`]: `[u8; N]` or `&mut [u8]`. `R` may be `&mut` of a reader.
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
/// // What has not been read of it is passed over.
/// assert!(receiver.receive()?.is_none());
/// # Ok::<(), jsonframe::embedded::ReceiveError<core::convert::Infallible>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Receiver<R, B> {
    pub(super) reader: R,
    pub(super) intake: Intake<B>,
}

impl<R, B: AsRef<[u8]> + AsMut<[u8]>> Receiver<R, B> {
    /// A receiver at the beginning of this reader's stream, with this room for a header.
    pub const fn new(reader: R, room: B) -> Self {
        Self { reader, intake: Intake(Decoder::new(room)) }
    }

    /// The same receiver, at the beginning of a stream in this dialect.
    #[must_use]
    pub fn with_dialect(mut self, dialect: &'static Dialect) -> Self {
        self.intake = Intake(self.intake.0.with_dialect(dialect));
        self
    }

    /// How many bytes of the stream have been taken.
    pub const fn position(&self) -> u64 {
        self.intake.0.position()
    }

    /// The reader: to write to it, if it is a writer too, or to ask whether it is ready. What is read from it is missing
    /// here.
    pub const fn reader_mut(&mut self) -> &mut R {
        &mut self.reader
    }

    /// The reader. Nothing has been read from it that was not part of a message received.
    pub fn into_reader(self) -> R {
        self.reader
    }
}

/// A message whose header has come, and whose content is to be read.
///
/// What has not been read of the content is passed over by the next [`receive`](Receiver::receive). To read it piece by
/// piece, use `read` of [`embedded_io::Read`] or of `embedded_io_async`: it returns 0 at the end of the content only, and
/// an error if the stream ends before.
#[derive(Debug)]
pub struct Incoming<'r, R, B> {
    pub(super) receiver: &'r mut Receiver<R, B>,
    /// How many bytes of the content have been read by `read`: they are in no buffer of the whole content.
    pub(super) read: u64,
}

impl<R, B: AsRef<[u8]> + AsMut<[u8]>> Incoming<'_, R, B> {
    /// The message's header.
    pub fn header(&self) -> Header<'_> {
        self.receiver.intake.header()
    }

    /// How many bytes of content have not been read yet.
    pub fn content_left(&self) -> u64 {
        self.receiver.intake.0.needs()
    }

    /// How many bytes of the stream have been taken.
    pub const fn position(&self) -> u64 {
        self.receiver.position()
    }

    /// Checks that all of the content goes to this room, and that none of it has been read elsewhere.
    pub(super) fn check_room<E: Error + 'static>(&mut self, room: &[u8]) -> Result<(), ReceiveError<E>> {
        match self.read {
            0 => Ok(self.receiver.intake.check_room(room.len())?),
            read => Err(ReceiveError::AlreadyRead { read }),
        }
    }

    /// Refuses the message if its content is longer than this, in bytes, as [`Decoder::limit_content`] does. Without,
    /// content of any length can be read, which takes no memory here.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::ContentTooLong`], with which the receiver has failed.
    pub fn limit_content(&mut self, limit: u64) -> Result<(), DecodeError> {
        self.receiver.intake.0.limit_content(limit)
    }
}

impl<R: ErrorType, B> ErrorType for Incoming<'_, R, B>
where
    R::Error: 'static,
{
    type Error = ReceiveError<R::Error>;
}

/// How many bytes of a head are read at once.
pub(super) const CHUNK: usize = 64;

/// The decoder, and what to read for it next.
#[derive(Clone, Debug)]
pub(super) struct Intake<B>(Decoder<B>);

impl<B: AsRef<[u8]> + AsMut<[u8]>> Intake<B> {
    fn header(&self) -> Header<'_> {
        // There is one from its event on, until a byte of the next message is taken.
        self.0.header().unwrap_or(Header::new("", "", 0))
    }

    /// Takes the first `count` bytes read: true if they complete a header. Content is passed over.
    pub(super) fn take(&mut self, read: &[u8], count: usize) -> Result<bool, DecodeError> {
        let mut input = read.get(..count).unwrap_or(read);
        while let Some(event) = self.0.decode(&mut input)? {
            if let Event::Header(_) = event {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The part of this place that is to be read to next, up to the end of what is under way: never empty unless the place
    /// is, or the message is at its end.
    pub(super) fn wanted<'p>(&self, place: &'p mut [u8]) -> &'p mut [u8] {
        match usize::try_from(self.0.needs()) {
            Ok(needs) if needs < place.len() => place.get_mut(..needs).unwrap_or_default(),
            _ => place,
        }
    }

    /// Like [`wanted`](Self::wanted), for content; an error if the decoder has failed.
    pub(super) fn wanted_content<'p>(&mut self, place: &'p mut [u8]) -> Result<&'p mut [u8], DecodeError> {
        self.0.limit_content(u64::MAX)?;
        Ok(self.wanted(place))
    }

    /// Counts content that has been read to such a place: how many bytes it was.
    pub(super) fn content_read(&mut self, count: usize, place: usize) -> Result<usize, DecodeError> {
        if count == 0 {
            self.0.finish()?;
        }
        // A reader that says it has read more than there was room for is not believed.
        let count = count.min(place);
        let _ = self.0.content_bypassed(count as u64);
        Ok(count)
    }

    /// Says that the stream has ended.
    pub(super) fn end(&self) -> Result<(), DecodeError> {
        self.0.finish()
    }

    /// Checks that the content has room for all of it.
    pub(super) fn check_room(&mut self, available: usize) -> Result<(), DecodeError> {
        let (length, limit) = (self.header().content_length(), available as u64);
        self.0.limit_content(limit)?;
        // It may have been read to its end already.
        if length > limit { Err(self.0.fail(DecodeErrorKind::ContentTooLong { length, limit })) } else { Ok(()) }
    }

    /// The part of the content's room that is to be read to next; `None` when the content is whole.
    pub(super) fn lacking<'p>(&self, room: &'p mut [u8]) -> Option<&'p mut [u8]> {
        let filled = self.header().content_length().saturating_sub(self.0.needs());
        let rest = room.get_mut(usize::try_from(filled).ok()?..)?;
        let place = self.wanted(rest);
        if place.is_empty() { None } else { Some(place) }
    }

    /// The message, whose content is whole in this room.
    pub(super) fn message<'m>(&'m self, room: &'m [u8]) -> Message<'m> {
        let header = self.header();
        let length = usize::try_from(header.content_length()).unwrap_or(usize::MAX);
        Message::received(header, room.get(..length).unwrap_or(room))
    }
}

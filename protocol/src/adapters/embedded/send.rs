//! Sending, but for the waiting: what to write next, and what has been written.

use core::ops::Range;

use embedded_io::ErrorType;

use super::SendError;
use crate::{Dialect, EncodeError, Header};

/// Sends messages to a writer, blocking or async.
///
/// `B` is the room for a proto-header and a header, `[u8; N]` or `&mut [u8]`: 128 bytes take one without extensions and
/// with short texts, [`Header::encoded_len`] says how many it takes. `W` may be `&mut` of a writer.
///
/// ```
/// use embedded_io::Write;
/// use jsonframe::{ByteOrder, Header};
/// use jsonframe::embedded::Sender;
///
/// let mut wire = [0; 512];
/// let mut sender = Sender::new(wire.as_mut_slice(), [0; 128]);
/// sender.send(&Header::for_json(2).with_byte_order(ByteOrder::Big), b"[]")?;
///
/// // Content that is not there as a whole.
/// sender.begin(&Header::new("text/plain", "utf-8", 10))?;
/// for _ in 0..5 {
///     sender.write_all(b"ab")?;
/// }
/// assert_eq!(sender.unsent(), 0);
/// # Ok::<(), jsonframe::embedded::SendError<embedded_io::SliceWriteError>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sender<W, B> {
    pub(super) writer: W,
    pub(super) outlet: Outlet<B>,
}

impl<W, B: AsRef<[u8]> + AsMut<[u8]>> Sender<W, B> {
    /// A sender between two messages to this writer, with this room for a head.
    pub const fn new(writer: W, room: B) -> Self {
        Self { writer, outlet: Outlet::new(room) }
    }

    /// The same sender, in this dialect.
    #[must_use]
    pub const fn with_dialect(mut self, dialect: &'static Dialect) -> Self {
        self.outlet.dialect = Some((dialect, Dialect::encode));
        self
    }

    /// How many bytes of the message under way are still to be written. 0 between messages.
    pub fn unsent(&self) -> u64 {
        (self.outlet.head().len() as u64).saturating_add(self.outlet.left)
    }

    /// The writer. What is written to it goes between what is sent here.
    pub const fn writer_mut(&mut self) -> &mut W {
        &mut self.writer
    }

    /// The writer.
    pub fn into_writer(self) -> W {
        self.writer
    }
}

impl<W: ErrorType, B: AsRef<[u8]> + AsMut<[u8]>> Sender<W, B>
where
    W::Error: 'static,
{
    /// Encodes the head of the next message, if the last one is whole.
    pub(super) fn encode(&mut self, header: &Header<'_>) -> Result<(), SendError<W::Error>> {
        match self.unsent() {
            0 => Ok(self.outlet.begin(header)?),
            missing => Err(SendError::Unfinished { missing }),
        }
    }
}

impl<W: ErrorType, B> ErrorType for Sender<W, B>
where
    W::Error: 'static,
{
    type Error = SendError<W::Error>;
}

/// A message on its way out, as far as it is not the writer's business.
#[derive(Clone, Debug)]
pub(super) struct Outlet<B> {
    room: B,
    /// What of the room is still to be written.
    head: Range<usize>,
    /// How much content the message has.
    announced: u64,
    /// How much of it is still to be written.
    left: u64,
    /// `None` is the standard. With a pointer beside it, that programs without dialects are not linked with their code.
    dialect: Option<(&'static Dialect, Encode)>,
}

type Encode = for<'b> fn(&Dialect, &Header<'_>, &'b mut [u8]) -> Result<&'b [u8], EncodeError>;

impl<B> Outlet<B> {
    const fn new(room: B) -> Self {
        Self { room, head: 0..0, announced: 0, left: 0, dialect: None }
    }
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Outlet<B> {
    /// Encodes the head of the next message, of which nothing has been written then.
    pub(super) fn begin(&mut self, header: &Header<'_>) -> Result<(), EncodeError> {
        let room = self.room.as_mut();
        let head = match self.dialect {
            None => header.encode(room)?,
            Some((dialect, encode)) => encode(dialect, header, room)?,
        };
        self.head = 0..head.len();
        self.announced = header.content_length();
        self.left = self.announced;
        Ok(())
    }

    /// What is still to be written of the head.
    pub(super) fn head(&self) -> &[u8] {
        self.room.as_ref().get(self.head.clone()).unwrap_or_default()
    }

    /// Counts bytes of the head as written: `None` if there are none.
    pub(super) fn head_written(&mut self, count: usize) -> Option<()> {
        self.head.start = self.head.start.saturating_add(count).min(self.head.end);
        (count > 0).then_some(())
    }

    /// Checks that so much more content is not more than there is to be.
    pub(super) fn check_content(&self, more: usize) -> Result<(), EncodeError> {
        let more = more as u64;
        if more <= self.left {
            return Ok(());
        }
        let actual = self.announced.saturating_sub(self.left).saturating_add(more);
        Err(EncodeError::LengthMismatch { announced: self.announced, actual })
    }

    /// Counts content as written, of so much that the writer was given: how many bytes it was, `None` if none.
    pub(super) fn content_written(&mut self, count: usize, given: usize) -> Option<usize> {
        // A writer that says it has taken more than it was given is not believed.
        let count = count.min(given);
        self.left = self.left.saturating_sub(count as u64);
        (count > 0).then_some(count)
    }

    /// What of the content of the message under way is still to be written.
    pub(super) fn rest<'c>(&self, content: &'c [u8]) -> Result<&'c [u8], EncodeError> {
        let is_under_way = self.left > 0 || !self.head().is_empty();
        let (announced, actual) = (if is_under_way { self.announced } else { 0 }, content.len() as u64);
        let written = announced.saturating_sub(self.left);
        let rest = usize::try_from(written).ok().and_then(|written| content.get(written..));
        rest.filter(|_| announced == actual).ok_or(EncodeError::LengthMismatch { announced, actual })
    }
}

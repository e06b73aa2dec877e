//! Sending, apart from the calls of the writer: what to write next, and what has been written.

use core::ops::Range;

use embedded_io::ErrorType;

use super::SendError;
use crate::{Dialect, EncodeError, Header};

/// Sends messages to a writer, blocking or async.
///
/// `B` is the buffer for a proto-header and a header: `[u8; N]` or `&mut [u8]`. 128 bytes are enough for a header with short
/// texts and without extensions; [`Header::encoded_len`] returns the exact number. `W` may be `&mut` of a writer.
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
/// // Content in pieces.
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
    pub(super) pending: Pending<B>,
}

impl<W, B: AsRef<[u8]> + AsMut<[u8]>> Sender<W, B> {
    /// Creates a sender of messages to the writer, with a buffer for a proto-header and a header.
    pub const fn new(writer: W, buffer: B) -> Self {
        Self { writer, pending: Pending::new(buffer) }
    }

    /// Sets the dialect of the messages that follow.
    #[must_use]
    pub const fn with_dialect(mut self, dialect: &'static Dialect) -> Self {
        self.pending.dialect = Some((dialect, Dialect::encode));
        self
    }

    /// Returns the number of bytes of the current message that have not been written. It is 0 between messages.
    pub fn unsent(&self) -> u64 {
        (self.pending.head().len() as u64).saturating_add(self.pending.content_left)
    }

    /// Returns the writer. Bytes written to it directly go between those written here.
    pub const fn writer_mut(&mut self) -> &mut W {
        &mut self.writer
    }

    /// Returns the writer.
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
            0 => Ok(self.pending.begin(header)?),
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

/// The message being sent: its encoded head, and how much of head and content is still to be written.
#[derive(Clone, Debug)]
pub(super) struct Pending<B> {
    buffer: B,
    /// The part of the buffer that is still to be written.
    head: Range<usize>,
    content_length: u64,
    /// The number of bytes of content that are still to be written.
    content_left: u64,
    /// `None` for the standard. The encoder is called through a pointer, so that programs without dialects are not linked
    /// with its code.
    dialect: Option<(&'static Dialect, Encode)>,
}

type Encode = for<'b> fn(&Dialect, &Header<'_>, &'b mut [u8]) -> Result<&'b [u8], EncodeError>;

impl<B> Pending<B> {
    const fn new(buffer: B) -> Self {
        Self { buffer, head: 0..0, content_length: 0, content_left: 0, dialect: None }
    }
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Pending<B> {
    /// Begins a message by encoding its head.
    fn begin(&mut self, header: &Header<'_>) -> Result<(), EncodeError> {
        let buffer = self.buffer.as_mut();
        let head = match self.dialect {
            None => header.encode(buffer)?,
            Some((dialect, encode)) => encode(dialect, header, buffer)?,
        };
        self.head = 0..head.len();
        self.content_length = header.content_length();
        self.content_left = self.content_length;
        Ok(())
    }

    /// Returns the part of the head that is still to be written.
    pub(super) fn head(&self) -> &[u8] {
        self.buffer.as_ref().get(self.head.clone()).unwrap_or_default()
    }

    /// Marks `count` bytes of the head as written. Returns `None` if there are none.
    pub(super) fn head_written(&mut self, count: usize) -> Option<()> {
        self.head.start = self.head.start.saturating_add(count).min(self.head.end);
        (count > 0).then_some(())
    }

    /// Checks that `more` bytes of content do not exceed what the header announces.
    pub(super) fn check_content(&self, more: usize) -> Result<(), EncodeError> {
        let more = more as u64;
        if more <= self.content_left {
            return Ok(());
        }
        let actual = self.content_length.saturating_sub(self.content_left).saturating_add(more);
        Err(EncodeError::LengthMismatch { announced: self.content_length, actual })
    }

    /// Marks `count` of the `given` bytes of content as written and returns their number, or `None` if there are none.
    pub(super) fn content_written(&mut self, count: usize, given: usize) -> Option<usize> {
        // A writer may claim more bytes than it was given.
        let count = count.min(given);
        self.content_left = self.content_left.saturating_sub(count as u64);
        (count > 0).then_some(count)
    }

    /// Returns the part of the current message's `content` that is still to be written.
    pub(super) fn unwritten<'c>(&self, content: &'c [u8]) -> Result<&'c [u8], EncodeError> {
        let has_message = self.content_left > 0 || !self.head().is_empty();
        let (announced, actual) = (if has_message { self.content_length } else { 0 }, content.len() as u64);
        let written = announced.saturating_sub(self.content_left);
        let rest = usize::try_from(written).ok().and_then(|written| content.get(written..));
        rest.filter(|_| announced == actual).ok_or(EncodeError::LengthMismatch { announced, actual })
    }
}

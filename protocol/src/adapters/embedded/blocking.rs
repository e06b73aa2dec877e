//! Over streams that block.

use embedded_io::{Read, Write};

use super::receive::CHUNK;
use super::{Incoming, ReceiveError, Receiver, SendError, Sender};
use crate::message::outgoing::check_length;
use crate::{Header, Message};

impl<R: Read, B: AsRef<[u8]> + AsMut<[u8]>> Receiver<R, B>
where
    R::Error: 'static,
{
    /// Waits for the next message and reads its header; `None` if the stream ends before it. What has not been read of the
    /// last message is passed over.
    ///
    /// # Errors
    ///
    /// [`ReceiveError`].
    pub fn receive(&mut self) -> Result<Option<Incoming<'_, R, B>>, ReceiveError<R::Error>> {
        let mut chunk = [0; CHUNK];
        let mut count = 0;
        while !self.intake.take(&chunk, count)? {
            let place = self.intake.wanted(&mut chunk);
            count = self.reader.read(place).map_err(ReceiveError::Reader)?.min(place.len());
            if count == 0 {
                self.intake.end()?;
                return Ok(None);
            }
        }
        Ok(Some(Incoming { receiver: self, read: 0 }))
    }
}

impl<R: Read, B: AsRef<[u8]> + AsMut<[u8]>> Incoming<'_, R, B>
where
    R::Error: 'static,
{
    /// Reads all of the content to the beginning of this room, and lends it with the header.
    ///
    /// Called again after an error of the reader, with the same room, it goes on.
    ///
    /// # Errors
    ///
    /// [`ReceiveError`], [`ContentTooLong`](crate::DecodeErrorKind::ContentTooLong) among them if the room is too small, and
    /// [`AlreadyRead`](ReceiveError::AlreadyRead) if any of the content has been read by `read`.
    pub fn message<'m>(&'m mut self, room: &'m mut [u8]) -> Result<Message<'m>, ReceiveError<R::Error>> {
        self.check_room(room)?;
        let Receiver { reader, intake } = &mut *self.receiver;
        while let Some(place) = intake.lacking(room) {
            let count = reader.read(place).map_err(ReceiveError::Reader)?;
            intake.content_read(count, place.len())?;
        }
        Ok(intake.message(room))
    }
}

/// Reads the content.
impl<R: Read, B: AsRef<[u8]> + AsMut<[u8]>> Read for Incoming<'_, R, B>
where
    R::Error: 'static,
{
    fn read(&mut self, place: &mut [u8]) -> Result<usize, ReceiveError<R::Error>> {
        let Receiver { reader, intake } = &mut *self.receiver;
        let place = intake.wanted_content(place)?;
        if place.is_empty() {
            return Ok(0);
        }
        let count = reader.read(place).map_err(ReceiveError::Reader)?;
        let count = intake.content_read(count, place.len())?;
        self.read = self.read.saturating_add(count as u64);
        Ok(count)
    }
}

impl<W: Write, B: AsRef<[u8]> + AsMut<[u8]>> Sender<W, B>
where
    W::Error: 'static,
{
    /// Sends a message.
    ///
    /// # Errors
    ///
    /// [`SendError`]. After [`Writer`](SendError::Writer) and [`WriteZero`](SendError::WriteZero) a part of the message may
    /// have been written: see [`resume`](Self::resume).
    pub fn send(&mut self, header: &Header<'_>, content: &[u8]) -> Result<(), SendError<W::Error>> {
        check_length(header, content)?;
        self.begin(header)?;
        self.write_all(content)
    }

    /// Begins a message by writing its head. Its content is to be written next, as long as the header announces it, by
    /// `write_all` of [`embedded_io::Write`].
    ///
    /// # Errors
    ///
    /// [`SendError`]: [`Unfinished`](SendError::Unfinished) if an earlier message is not whole. If the writer fails, the
    /// message has begun, and what is written next goes behind the rest of the head.
    pub fn begin(&mut self, header: &Header<'_>) -> Result<(), SendError<W::Error>> {
        self.encode(header)?;
        self.write_head()
    }

    /// Goes on with a message that [`send`](Self::send) was interrupted in, with the same content.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn resume(&mut self, content: &[u8]) -> Result<(), SendError<W::Error>> {
        let rest = self.outlet.rest(content)?;
        self.write_head()?;
        self.write_all(rest)
    }

    fn write_head(&mut self) -> Result<(), SendError<W::Error>> {
        while let head @ [_, ..] = self.outlet.head() {
            let count = self.writer.write(head).map_err(SendError::Writer)?;
            self.outlet.head_written(count).ok_or(SendError::WriteZero)?;
        }
        Ok(())
    }
}

/// Writes the content of the message under way.
impl<W: Write, B: AsRef<[u8]> + AsMut<[u8]>> Write for Sender<W, B>
where
    W::Error: 'static,
{
    fn write(&mut self, content: &[u8]) -> Result<usize, SendError<W::Error>> {
        if content.is_empty() {
            return Ok(0);
        }
        self.outlet.check_content(content.len())?;
        self.write_head()?;
        let count = self.writer.write(content).map_err(SendError::Writer)?;
        self.outlet.content_written(count, content.len()).ok_or(SendError::WriteZero)
    }

    /// Writes what is left of the head, and flushes the writer.
    fn flush(&mut self) -> Result<(), SendError<W::Error>> {
        self.write_head()?;
        self.writer.flush().map_err(SendError::Writer)
    }

    fn write_all(&mut self, mut content: &[u8]) -> Result<(), SendError<W::Error>> {
        while !content.is_empty() {
            let count = self.write(content)?;
            content = content.get(count..).unwrap_or_default();
        }
        Ok(())
    }
}

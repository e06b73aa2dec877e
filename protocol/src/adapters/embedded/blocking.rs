//! The calls of blocking readers and writers.

use embedded_io::{Read, Write};

use super::receive::CHUNK;
use super::{Incoming, ReceiveError, Receiver, SendError, Sender};
use crate::message::outgoing::check_length;
use crate::{Header, Message};

impl<R: Read, B: AsRef<[u8]> + AsMut<[u8]>> Receiver<R, B>
where
    R::Error: 'static,
{
    /// Waits for the next message and reads its header. Returns `None` if the stream ends before it.
    ///
    /// Content of the last message that has not been read is skipped.
    ///
    /// # Errors
    ///
    /// [`ReceiveError::Reader`] if the reader fails; [`ReceiveError::Decode`] if the stream ends inside a message, or its bytes
    /// are not one.
    pub fn receive(&mut self) -> Result<Option<Incoming<'_, R, B>>, ReceiveError<R::Error>> {
        let mut chunk = [0; CHUNK];
        let mut count = 0;
        while !self.take(&chunk, count)? {
            let wanted = self.wanted(&mut chunk);
            count = self.reader.read(wanted).map_err(ReceiveError::Reader)?.min(wanted.len());
            if count == 0 {
                self.decoder.finish()?;
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
    /// Reads the whole content to the beginning of `buffer` and returns it with the header.
    ///
    /// After an error of the reader, call it again with the same buffer to go on.
    ///
    /// # Errors
    ///
    /// [`ReceiveError`]: [`ContentTooLong`](crate::DecodeErrorKind::ContentTooLong) if the buffer is too small,
    /// [`AlreadyRead`](ReceiveError::AlreadyRead) if some of the content has been read by `read`.
    pub fn message<'m>(&'m mut self, buffer: &'m mut [u8]) -> Result<Message<'m>, ReceiveError<R::Error>> {
        self.check_buffer(buffer)?;
        while let Some(wanted) = self.receiver.missing_content(buffer) {
            let count = self.receiver.reader.read(wanted).map_err(ReceiveError::Reader)?;
            self.receiver.content_read(count, wanted.len())?;
        }
        Ok(self.receiver.message(buffer))
    }
}

/// Reads the content.
impl<R: Read, B: AsRef<[u8]> + AsMut<[u8]>> Read for Incoming<'_, R, B>
where
    R::Error: 'static,
{
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, ReceiveError<R::Error>> {
        let wanted = self.receiver.wanted_content(buf)?;
        if wanted.is_empty() {
            return Ok(0);
        }
        let count = self.receiver.reader.read(wanted).map_err(ReceiveError::Reader)?;
        let count = self.receiver.content_read(count, wanted.len())?;
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
    /// [`SendError`]. After [`Writer`](SendError::Writer) and [`WriteZero`](SendError::WriteZero), part of the message may
    /// have been written: see [`resume`](Self::resume).
    pub fn send(&mut self, header: &Header<'_>, content: &[u8]) -> Result<(), SendError<W::Error>> {
        check_length(header, content)?;
        self.begin(header)?;
        self.write_all(content)
    }

    /// Begins a message by writing its head.
    ///
    /// Write the content next, of the length that the header announces, by `write_all` of [`embedded_io::Write`].
    ///
    /// # Errors
    ///
    /// [`SendError`]: [`Unfinished`](SendError::Unfinished) if an earlier message is not whole. If the writer fails, the
    /// message has begun: the next write first writes the rest of the head.
    pub fn begin(&mut self, header: &Header<'_>) -> Result<(), SendError<W::Error>> {
        self.encode(header)?;
        self.write_head()
    }

    /// Goes on with a message whose [`send`](Self::send) was interrupted. To be called with the same content.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn resume(&mut self, content: &[u8]) -> Result<(), SendError<W::Error>> {
        let unwritten = self.pending.unwritten(content)?;
        self.write_head()?;
        self.write_all(unwritten)
    }

    fn write_head(&mut self) -> Result<(), SendError<W::Error>> {
        while let head @ [_, ..] = self.pending.head() {
            let count = self.writer.write(head).map_err(SendError::Writer)?;
            self.pending.head_written(count).ok_or(SendError::WriteZero)?;
        }
        Ok(())
    }
}

/// Writes the content of the current message.
impl<W: Write, B: AsRef<[u8]> + AsMut<[u8]>> Write for Sender<W, B>
where
    W::Error: 'static,
{
    fn write(&mut self, content: &[u8]) -> Result<usize, SendError<W::Error>> {
        if content.is_empty() {
            return Ok(0);
        }
        self.pending.check_content(content.len())?;
        self.write_head()?;
        let count = self.writer.write(content).map_err(SendError::Writer)?;
        self.pending.content_written(count, content.len()).ok_or(SendError::WriteZero)
    }

    /// Writes the rest of the head and flushes the writer.
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

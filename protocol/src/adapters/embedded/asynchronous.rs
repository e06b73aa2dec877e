//! The calls of async readers and writers.

use embedded_io_async::{Read, Write};

use super::receive::CHUNK;
use super::{Incoming, ReceiveError, Receiver, SendError, Sender};
use crate::message::outgoing::check_length;
use crate::{Header, Message};

impl<R: Read, B: AsRef<[u8]> + AsMut<[u8]>> Receiver<R, B>
where
    R::Error: 'static,
{
    /// Does what [`receive`](Self::receive) does, async. If it is cancelled, [call it again](super#interruptions).
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub async fn receive_async(&mut self) -> Result<Option<Incoming<'_, R, B>>, ReceiveError<R::Error>> {
        let mut chunk = [0; CHUNK];
        let mut count = 0;
        while !self.take(&chunk, count)? {
            let wanted = self.wanted(&mut chunk);
            count = self.reader.read(wanted).await.map_err(ReceiveError::Reader)?.min(wanted.len());
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
    /// Does what [`message`](Self::message) does, async. If it is cancelled, [call it again](super#interruptions).
    ///
    /// # Errors
    ///
    /// As [`message`](Self::message).
    pub async fn message_async<'m>(&'m mut self, buffer: &'m mut [u8]) -> Result<Message<'m>, ReceiveError<R::Error>> {
        self.check_buffer(buffer)?;
        while let Some(wanted) = self.receiver.missing_content(buffer) {
            let count = self.receiver.reader.read(wanted).await.map_err(ReceiveError::Reader)?;
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
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ReceiveError<R::Error>> {
        let wanted = self.receiver.wanted_content(buf)?;
        if wanted.is_empty() {
            return Ok(0);
        }
        let count = self.receiver.reader.read(wanted).await.map_err(ReceiveError::Reader)?;
        let count = self.receiver.content_read(count, wanted.len())?;
        self.read = self.read.saturating_add(count as u64);
        Ok(count)
    }
}

impl<W: Write, B: AsRef<[u8]> + AsMut<[u8]>> Sender<W, B>
where
    W::Error: 'static,
{
    /// Does what [`send`](Self::send) does, async. If it is cancelled, [`resume_async`](Self::resume_async) goes on.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn send_async(&mut self, header: &Header<'_>, content: &[u8]) -> Result<(), SendError<W::Error>> {
        check_length(header, content)?;
        self.begin_async(header).await?;
        self.write_all(content).await
    }

    /// Does what [`begin`](Self::begin) does, async. If it is cancelled, the message has begun: the next write first writes
    /// the rest of the head.
    ///
    /// # Errors
    ///
    /// As [`begin`](Self::begin).
    pub async fn begin_async(&mut self, header: &Header<'_>) -> Result<(), SendError<W::Error>> {
        self.encode(header)?;
        self.write_head_async().await
    }

    /// Does what [`resume`](Self::resume) does, async. If it is cancelled, [call it again](super#interruptions).
    ///
    /// # Errors
    ///
    /// As [`resume`](Self::resume).
    pub async fn resume_async(&mut self, content: &[u8]) -> Result<(), SendError<W::Error>> {
        let unwritten = self.pending.unwritten(content)?;
        self.write_head_async().await?;
        self.write_all(unwritten).await
    }

    async fn write_head_async(&mut self) -> Result<(), SendError<W::Error>> {
        while let head @ [_, ..] = self.pending.head() {
            let count = self.writer.write(head).await.map_err(SendError::Writer)?;
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
    async fn write(&mut self, content: &[u8]) -> Result<usize, SendError<W::Error>> {
        if content.is_empty() {
            return Ok(0);
        }
        self.pending.check_content(content.len())?;
        self.write_head_async().await?;
        let count = self.writer.write(content).await.map_err(SendError::Writer)?;
        self.pending.content_written(count, content.len()).ok_or(SendError::WriteZero)
    }

    /// Writes the rest of the head and flushes the writer.
    async fn flush(&mut self) -> Result<(), SendError<W::Error>> {
        self.write_head_async().await?;
        self.writer.flush().await.map_err(SendError::Writer)
    }

    async fn write_all(&mut self, mut content: &[u8]) -> Result<(), SendError<W::Error>> {
        while !content.is_empty() {
            let count = self.write(content).await?;
            content = content.get(count..).unwrap_or_default();
        }
        Ok(())
    }
}

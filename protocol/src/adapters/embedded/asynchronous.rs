//! Over streams to await.

use embedded_io_async::{Read, Write};

use super::receive::CHUNK;
use super::{Incoming, ReceiveError, Receiver, SendError, Sender};
use crate::message::outgoing::check_length;
use crate::{Header, Message};

impl<R: Read, B: AsRef<[u8]> + AsMut<[u8]>> Receiver<R, B>
where
    R::Error: 'static,
{
    /// [`receive`](Self::receive), async. When it is cancelled, it can be [called again](super#when-it-is-interrupted).
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub async fn receive_async(&mut self) -> Result<Option<Incoming<'_, R, B>>, ReceiveError<R::Error>> {
        let mut chunk = [0; CHUNK];
        let mut count = 0;
        while !self.intake.take(&chunk, count)? {
            let place = self.intake.wanted(&mut chunk);
            count = self.reader.read(place).await.map_err(ReceiveError::Reader)?.min(place.len());
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
    /// [`message`](Self::message), async. When it is cancelled, it can be [called again](super#when-it-is-interrupted).
    ///
    /// # Errors
    ///
    /// As [`message`](Self::message).
    pub async fn message_async<'m>(&'m mut self, room: &'m mut [u8]) -> Result<Message<'m>, ReceiveError<R::Error>> {
        self.check_room(room)?;
        let Receiver { reader, intake } = &mut *self.receiver;
        while let Some(place) = intake.lacking(room) {
            let count = reader.read(place).await.map_err(ReceiveError::Reader)?;
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
    async fn read(&mut self, place: &mut [u8]) -> Result<usize, ReceiveError<R::Error>> {
        let Receiver { reader, intake } = &mut *self.receiver;
        let place = intake.wanted_content(place)?;
        if place.is_empty() {
            return Ok(0);
        }
        let count = reader.read(place).await.map_err(ReceiveError::Reader)?;
        let count = intake.content_read(count, place.len())?;
        self.read = self.read.saturating_add(count as u64);
        Ok(count)
    }
}

impl<W: Write, B: AsRef<[u8]> + AsMut<[u8]>> Sender<W, B>
where
    W::Error: 'static,
{
    /// [`send`](Self::send), async. When it is cancelled, [`resume_async`](Self::resume_async) goes on.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn send_async(&mut self, header: &Header<'_>, content: &[u8]) -> Result<(), SendError<W::Error>> {
        check_length(header, content)?;
        self.begin_async(header).await?;
        self.write_all(content).await
    }

    /// [`begin`](Self::begin), async. When it is cancelled, the message has begun, and what is written next goes behind the
    /// rest of the head.
    ///
    /// # Errors
    ///
    /// As [`begin`](Self::begin).
    pub async fn begin_async(&mut self, header: &Header<'_>) -> Result<(), SendError<W::Error>> {
        self.encode(header)?;
        self.write_head_async().await
    }

    /// [`resume`](Self::resume), async. When it is cancelled, it can be [called again](super#when-it-is-interrupted).
    ///
    /// # Errors
    ///
    /// As [`resume`](Self::resume).
    pub async fn resume_async(&mut self, content: &[u8]) -> Result<(), SendError<W::Error>> {
        let rest = self.outlet.rest(content)?;
        self.write_head_async().await?;
        self.write_all(rest).await
    }

    async fn write_head_async(&mut self) -> Result<(), SendError<W::Error>> {
        while let head @ [_, ..] = self.outlet.head() {
            let count = self.writer.write(head).await.map_err(SendError::Writer)?;
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
    async fn write(&mut self, content: &[u8]) -> Result<usize, SendError<W::Error>> {
        if content.is_empty() {
            return Ok(0);
        }
        self.outlet.check_content(content.len())?;
        self.write_head_async().await?;
        let count = self.writer.write(content).await.map_err(SendError::Writer)?;
        self.outlet.content_written(count, content.len()).ok_or(SendError::WriteZero)
    }

    /// Writes what is left of the head, and flushes the writer.
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

//! The sending side: a message that has been begun is written whole, whatever becomes of the future that sends it.

use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use ::tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use bytes::BufMut;
#[cfg(feature = "json")]
use jsonframe::Value;
use jsonframe::{Dialect, Header, Outgoing};

use super::Incoming;
use super::polled::Polled;
use crate::Error;
use crate::engine::Outbox;
use crate::failure::Failure;
use crate::io::{flush, write_queued, write_some};
use crate::receive::at_most;

/// The sending direction of a connection: [`Connection::split`](super::Connection::split).
///
/// Its methods are those of a [`Connection`](super::Connection), which are described there.
#[derive(Debug)]
pub struct SendingHalf<W> {
    pub(super) stream: W,
    outbox: Outbox,
    failure: Failure,
    /// How many bytes the source of a streamed message still has to give.
    left: u64,
    /// Whether a message is being written that is not queued. Nobody but the future that writes it sees this, unless it
    /// has been leaked.
    is_writing: bool,
}

impl<W> SendingHalf<W> {
    /// How much of a streamed content is held at a time, in bytes.
    const CHUNK: usize = 64 * 1024;

    pub(super) const fn new(stream: W, dialect: &'static Dialect) -> Self {
        Self { stream, outbox: Outbox::new(dialect), failure: Failure::new(), left: 0, is_writing: false }
    }

    pub(super) fn set_dialect(&mut self, dialect: &'static Dialect) {
        self.outbox = Outbox::new(dialect);
    }

    /// The same over a half of its stream, and the other half.
    pub(super) fn split_with<R, H>(self, split: impl FnOnce(W) -> (R, H)) -> (R, SendingHalf<H>) {
        let Self { stream, outbox, failure, left, is_writing } = self;
        let (other, stream) = split(stream);
        (other, SendingHalf { stream, outbox, failure, left, is_writing })
    }

    /// Its half of the stream.
    pub const fn get_ref(&self) -> &W {
        &self.stream
    }

    /// How many bytes are kept of messages whose futures were dropped: [`Connection::queued`](super::Connection::queued).
    pub const fn queued(&self) -> usize {
        self.outbox.queued()
    }

    /// Gives its half of the stream back. What is [queued](Self::queued) is lost.
    pub fn into_inner(self) -> W {
        self.stream
    }

    /// Whether a message can be begun.
    fn check(&self) -> Result<(), Error> {
        self.failure.check()?;
        if self.left > 0 || self.is_writing { Err(Error::SendBroken) } else { Ok(()) }
    }
}

impl<W: AsyncWrite + Unpin> SendingHalf<W> {
    /// Does what [`Connection::send`](super::Connection::send) does.
    ///
    /// # Errors
    ///
    /// Those of [`Connection::send`](super::Connection::send).
    pub async fn send(&mut self, header: &Header<'_>, content: &[u8]) -> Result<(), Error> {
        self.check()?;
        let in_two_writes = !self.stream.is_write_vectored() && content.len() <= Outbox::SMALL;
        if self.outbox.queued() > 0 || in_two_writes {
            self.outbox.queue_copy(header, content)?;
        } else {
            let left = self.outbox.begin(header, content)?.parts().map(<[u8]>::len);
            self.is_writing = true;
            let mut writing = Writing { half: self, content, left };
            poll_fn(|context| writing.poll(context)).await?;
        }
        self.flush().await
    }

    /// Does what [`Connection::send_json`](super::Connection::send_json) does.
    ///
    /// # Errors
    ///
    /// Those of [`Connection::send_json`](super::Connection::send_json).
    #[cfg(feature = "json")]
    pub async fn send_json<T: serde::Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.send_json_with(value, &[]).await
    }

    /// Does what [`Connection::send_json_with`](super::Connection::send_json_with) does.
    ///
    /// # Errors
    ///
    /// Those of [`Connection::send_json_with`](super::Connection::send_json_with).
    #[cfg(feature = "json")]
    pub async fn send_json_with<T: serde::Serialize + ?Sized>(
        &mut self,
        value: &T,
        extensions: &[(&str, Value<'_>)],
    ) -> Result<(), Error> {
        let content = jsonframe::to_json(value)?;
        let header = self.outbox.dialect().json_header(content.len() as u64);
        self.send(&header.with_extensions(extensions), &content).await
    }

    /// Does what [`Connection::send_stream`](super::Connection::send_stream) does.
    ///
    /// # Errors
    ///
    /// Those of [`Connection::send_stream`](super::Connection::send_stream).
    pub async fn send_stream<R>(&mut self, header: &Header<'_>, source: &mut R) -> Result<(), Error>
    where
        R: AsyncRead + Unpin,
    {
        self.check()?;
        self.outbox.queue_head(header)?;
        self.left = header.content_length();
        self.resume_stream(source).await
    }

    /// Does what [`Connection::resume_stream`](super::Connection::resume_stream) does.
    ///
    /// # Errors
    ///
    /// Those of [`Connection::resume_stream`](super::Connection::resume_stream).
    pub async fn resume_stream<R>(&mut self, source: &mut R) -> Result<(), Error>
    where
        R: AsyncRead + Unpin,
    {
        poll_fn(|context| {
            loop {
                self.failure.check()?;
                let filled = self.poll_fill(source, context)?;
                if filled.is_ready() && self.left > 0 {
                    ready!(self.poll_write(context, |outbox, stream| write_queued(outbox, stream, usize::MAX)))?;
                } else {
                    // Whoever waits for a slow source waits for no more than that.
                    ready!(self.poll_flush(context))?;
                    if filled.is_ready() {
                        self.outbox.release();
                    }
                    return filled.map(Ok);
                }
            }
        })
        .await
    }

    /// Does what [`Connection::forward`](super::Connection::forward) does.
    ///
    /// # Errors
    ///
    /// Those of [`Connection::forward`](super::Connection::forward).
    pub async fn forward<R>(&mut self, message: &mut Incoming<'_, R>) -> Result<(), Error>
    where
        R: AsyncRead + Unpin,
    {
        let header = message.receiver.unread_header()?;
        self.send_stream(&header.header(), message).await
    }

    /// Does what [`Connection::flush`](super::Connection::flush) does.
    ///
    /// # Errors
    ///
    /// Those of [`Connection::flush`](super::Connection::flush).
    pub async fn flush(&mut self) -> Result<(), Error> {
        Ok(poll_fn(|context| self.poll_flush(context)).await?)
    }

    /// Does what [`Connection::finish`](super::Connection::finish) does.
    ///
    /// # Errors
    ///
    /// Those of [`Connection::finish`](super::Connection::finish).
    pub async fn finish(&mut self) -> Result<(), Error> {
        self.check()?;
        self.flush().await?;
        Ok(poll_fn(|context| Pin::new(&mut self.stream).poll_shutdown(context)).await?)
    }

    /// Reads from the source as much as is to be written next.
    fn poll_fill<R>(&mut self, source: &mut R, context: &mut Context<'_>) -> Poll<Result<(), Error>>
    where
        R: AsyncRead + Unpin,
    {
        while self.left > 0 {
            let wanted = at_most(Self::CHUNK, self.left);
            let read = self
                .outbox
                .append(Self::CHUNK, wanted, |tail, space| pin!(source.read_buf(&mut tail.limit(space))).poll(context));
            match read {
                None => break,
                Some(Poll::Pending) => return Poll::Pending,
                Some(Poll::Ready(Ok(0))) => return Poll::Ready(Err(Error::SourceTooShort { missing: self.left })),
                Some(Poll::Ready(Ok(count))) => self.left -= count as u64,
                Some(Poll::Ready(Err(error))) if error.kind() == ErrorKind::Interrupted => {}
                Some(Poll::Ready(Err(error))) => return Poll::Ready(Err(error.into())),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_write(context, |outbox, stream| flush(outbox, stream, usize::MAX))
    }

    /// Writes by a function that returns whether the stream was blocked.
    fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(&mut Outbox, &mut Polled<'_, '_, W>) -> io::Result<bool>,
    ) -> Poll<io::Result<()>> {
        self.failure.check()?;
        match write(&mut self.outbox, &mut Polled::new(&mut self.stream, context)) {
            Ok(false) => Poll::Ready(Ok(())),
            Ok(true) => Poll::Pending,
            Err(error) => Poll::Ready(Err(self.failure.note(error))),
        }
    }
}

/// A message that is being written from where its content lies. What is left of it is kept when this is dropped.
struct Writing<'s, 'c, W> {
    half: &'s mut SendingHalf<W>,
    content: &'c [u8],
    /// How many bytes of its head and of its content have not been written.
    left: [usize; 2],
}

impl<W: AsyncWrite + Unpin> Writing<'_, '_, W> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { half, content, left } = self;
        half.poll_write(context, |outbox, stream| {
            let head = outbox.in_one_piece().unwrap_or_default();
            let [of_head, of_content] = *left;
            let rest = [&head[head.len() - of_head..], &content[content.len() - of_content..]];
            let mut message = Outgoing::from_parts(rest);
            let outcome = write_some(stream, &mut message);
            *left = message.parts().map(<[u8]>::len);
            outcome.map(|()| *left != [0, 0])
        })
    }
}

impl<W> Drop for Writing<'_, '_, W> {
    fn drop(&mut self) {
        // After a stream that has failed nothing is sent.
        let left = if self.half.failure.is_set() { [0, 0] } else { self.left };
        if let Err(error) = self.half.outbox.keep_rest(left, self.content) {
            self.half.failure.note(error.into());
        }
        self.half.is_writing = false;
    }
}

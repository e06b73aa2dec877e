//! The sending side: a message that has been begun is written whole, whatever becomes of the future that sends it.

use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use ::tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use bytes::BufMut;
use jsonframe::{Dialect, Header, Outgoing, OwnedHeader};

use super::Incoming;
use super::polled::Polled;
use crate::Error;
use crate::engine::Outbox;
use crate::failure::Failure;
use crate::io::{flush, write_queued, write_some};
use crate::receive::at_most;

#[derive(Debug)]
pub(super) struct Sender {
    outbox: Outbox,
    failure: Failure,
    /// How many bytes the source of a streamed message still has to give.
    left: u64,
    /// Whether a message is being written that is not queued. Nobody but the future that writes it sees this, unless it
    /// has been leaked.
    is_writing: bool,
}

impl Sender {
    /// How much of a streamed content is held at a time, in bytes.
    const CHUNK: usize = 64 * 1024;

    pub(super) const fn new(dialect: &'static Dialect) -> Self {
        Self { outbox: Outbox::new(dialect), failure: Failure::new(), left: 0, is_writing: false }
    }

    pub(super) const fn queued(&self) -> usize {
        self.outbox.queued()
    }

    pub(super) async fn send<S>(&mut self, stream: &mut S, header: &Header<'_>, content: &[u8]) -> Result<(), Error>
    where
        S: AsyncWrite + Unpin,
    {
        self.check()?;
        let in_two_writes = !stream.is_write_vectored() && content.len() <= Outbox::SMALL;
        if self.outbox.queued() > 0 || in_two_writes {
            self.outbox.queue_copy(header, content)?;
        } else {
            let left = self.outbox.begin(header, content)?.parts().map(<[u8]>::len);
            self.is_writing = true;
            let mut writing = Writing { sender: self, content, left };
            poll_fn(|context| writing.poll(stream, context)).await?;
        }
        self.flush(stream).await
    }

    #[cfg(feature = "json")]
    pub(super) async fn send_json<S, T>(
        &mut self,
        stream: &mut S,
        value: &T,
        extensions: &[(&str, jsonframe::Value<'_>)],
    ) -> Result<(), Error>
    where
        S: AsyncWrite + Unpin,
        T: serde::Serialize + ?Sized,
    {
        let content = jsonframe::to_json(value)?;
        let header = self.outbox.dialect().json_header(content.len() as u64);
        self.send(stream, &header.with_extensions(extensions), &content).await
    }

    pub(super) async fn send_stream<S, R>(
        &mut self,
        stream: &mut S,
        header: &Header<'_>,
        source: &mut R,
    ) -> Result<(), Error>
    where
        S: AsyncWrite + Unpin,
        R: AsyncRead + Unpin,
    {
        self.check()?;
        self.outbox.queue_head(header)?;
        self.left = header.content_length();
        self.resume_stream(stream, source).await
    }

    pub(super) async fn forward<S, R>(&mut self, stream: &mut S, message: &mut Incoming<'_, R>) -> Result<(), Error>
    where
        S: AsyncWrite + Unpin,
        R: AsyncRead + Unpin,
    {
        let header = OwnedHeader::try_from(&message.header())?;
        let read = header.header().content_length().saturating_sub(message.content_left());
        if read > 0 {
            return Err(Error::AlreadyRead { read });
        }
        self.send_stream(stream, &header.header(), message).await
    }

    pub(super) async fn resume_stream<S, R>(&mut self, stream: &mut S, source: &mut R) -> Result<(), Error>
    where
        S: AsyncWrite + Unpin,
        R: AsyncRead + Unpin,
    {
        poll_fn(|context| self.poll_stream(stream, source, context)).await
    }

    fn poll_stream<S, R>(
        &mut self,
        stream: &mut S,
        source: &mut R,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Error>>
    where
        S: AsyncWrite + Unpin,
        R: AsyncRead + Unpin,
    {
        loop {
            self.failure.check()?;
            let filled = self.poll_fill(source, context)?;
            if filled.is_ready() && self.left > 0 {
                let outcome = write_queued(&mut self.outbox, &mut Polled::new(stream, context), usize::MAX);
                ready!(self.written(outcome))?;
            } else {
                // Whoever waits for a slow source waits for no more than that.
                ready!(self.poll_flush(stream, context))?;
                if filled.is_ready() {
                    self.outbox.release();
                }
                return filled.map(Ok);
            }
        }
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

    pub(super) async fn flush<S: AsyncWrite + Unpin>(&mut self, stream: &mut S) -> Result<(), Error> {
        Ok(poll_fn(|context| self.poll_flush(stream, context)).await?)
    }

    pub(super) async fn finish<S: AsyncWrite + Unpin>(&mut self, stream: &mut S) -> Result<(), Error> {
        self.check()?;
        self.flush(stream).await?;
        Ok(poll_fn(|context| Pin::new(&mut *stream).poll_shutdown(context)).await?)
    }

    fn poll_flush<S: AsyncWrite + Unpin>(&mut self, stream: &mut S, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.failure.check()?;
        let outcome = flush(&mut self.outbox, &mut Polled::new(stream, context), usize::MAX);
        self.written(outcome)
    }

    /// Whether the stream was blocked, or how it failed.
    fn written(&mut self, outcome: io::Result<bool>) -> Poll<io::Result<()>> {
        match outcome {
            Ok(false) => Poll::Ready(Ok(())),
            Ok(true) => Poll::Pending,
            Err(error) => Poll::Ready(Err(self.failure.note(error))),
        }
    }

    /// Whether a message can be begun.
    fn check(&self) -> Result<(), Error> {
        self.failure.check()?;
        if self.left > 0 || self.is_writing { Err(Error::SendBroken) } else { Ok(()) }
    }
}

/// A message that is being written from where its content lies. What is left of it is kept when this is dropped.
struct Writing<'s, 'c> {
    sender: &'s mut Sender,
    content: &'c [u8],
    /// How many bytes of its head and of its content have not been written.
    left: [usize; 2],
}

impl Writing<'_, '_> {
    fn poll<S: AsyncWrite + Unpin>(&mut self, stream: &mut S, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let head = self.sender.outbox.in_one_piece().unwrap_or_default();
        let [of_head, of_content] = self.left;
        let rest = [&head[head.len() - of_head..], &self.content[self.content.len() - of_content..]];
        let mut message = Outgoing::from_parts(rest);
        let outcome = write_some(&mut Polled::new(stream, context), &mut message);
        self.left = message.parts().map(<[u8]>::len);
        self.sender.written(outcome.map(|()| self.left != [0, 0]))
    }
}

impl Drop for Writing<'_, '_> {
    fn drop(&mut self) {
        // After a stream that has failed nothing is sent.
        let left = if self.sender.failure.is_set() { [0, 0] } else { self.left };
        self.sender.outbox.keep_rest(left, self.content);
        self.sender.is_writing = false;
    }
}

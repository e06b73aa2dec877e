//! The sending side: a message that has been begun is written whole, whatever becomes of the future that sends it.

use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use ::tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use bytes::BufMut;
use jsonframe::Header;
#[cfg(feature = "json")]
use jsonframe::Value;

use super::polled::Polled;
use super::{Connection, Incoming};
use crate::Error;
use crate::engine::Outbox;
use crate::io::{flush, write_queued};
use crate::receive::at_most;

/// How much of a streamed content is held at a time, in bytes.
const CHUNK: usize = 64 * 1024;

/// What it takes to send.
#[derive(Debug)]
pub struct Sender {
    pub(super) outbox: Outbox,
    /// How many bytes are to follow what is queued: those that the source of a streamed message still has to give. Of content
    /// that is borrowed, nobody but the future that writes it sees this, unless it has been leaked.
    left: u64,
}

impl<S, I> Connection<S, I, Sender> {
    /// How many bytes are kept of messages whose futures were dropped before they were written.
    /// [`flush`](Self::flush) writes them.
    pub const fn queued(&self) -> usize {
        self.sender.outbox.queued()
    }
}

impl<S: AsyncWrite + Unpin, I> Connection<S, I, Sender> {
    /// Sends a message of this header and content, and flushes the stream. The content is copied only if it is small and the
    /// stream has no vectored writes.
    ///
    /// Dropped before it is first polled, it sends nothing. From then on the message goes out, whole and once: if the future
    /// is dropped, a copy of what has not been written is [kept](Self::queued), to be written by the next call that sends,
    /// [flushes](Self::flush) or [finishes](Self::finish). So after a time-out call `flush`, not `send` again.
    ///
    /// ```
    /// use jsonframe_std::protocol::Header;
    /// use jsonframe_std::tokio::Connection;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), jsonframe_std::Error> {
    /// let (client, server) = tokio::io::duplex(1024);
    /// let (mut client, mut server) = (Connection::new(client), Connection::new(server));
    /// client.send(&Header::new("text/plain", "utf-8", 2), b"hi").await?;
    /// assert_eq!(server.receive().await?.expect("a message").content().await?, b"hi");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Encode`] if the header cannot be sent or announces another length than the content has: nothing has gone
    /// out then. [`Error::Io`] if the stream failed: the message may have gone out in part, and every later call returns the
    /// same error again. [`Error::SendBroken`] if a [streamed message](Self::send_stream) has not been sent whole.
    pub async fn send(&mut self, header: &Header<'_>, content: &[u8]) -> Result<(), Error> {
        self.sender.check()?;
        let most = if self.stream.is_write_vectored() { 0 } else { Outbox::SMALL };
        let rest = self.sender.outbox.begin(header, content, most)?;
        let mut content = Borrowed { sender: &mut self.sender, rest };
        poll_fn(|context| {
            let Borrowed { sender, rest } = &mut content;
            let stream = &mut Polled::new(&mut self.stream, context);
            let is_blocked = write_queued(&mut sender.outbox, stream, rest, usize::MAX);
            sender.left = rest.len() as u64;
            written(is_blocked)
        })
        .await?;
        drop(content);
        self.flush().await
    }

    /// Sends a message whose content is read from a source, as many bytes of it as the header announces, and flushes the
    /// stream. Takes at most 64 KiB of memory, whatever the length. What there is of a slow source is written while it is
    /// waited for.
    ///
    /// If it is dropped before its end, or the source fails, every byte that was read from the source is kept, and nothing
    /// else can be sent until [`resume_stream`](Self::resume_stream) has sent the rest.
    ///
    /// ```
    /// use jsonframe_std::protocol::Header;
    /// use jsonframe_std::tokio::Connection;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), jsonframe_std::Error> {
    /// let (client, server) = tokio::io::duplex(1024);
    /// let (mut client, mut server) = (Connection::new(client), Connection::new(server));
    /// let sender = tokio::spawn(async move {
    ///     let header = Header::new("text/plain", "utf-8", 1_000_000);
    ///     client.send_stream(&header, &mut tokio::io::repeat(b'x')).await
    /// });
    /// let mut message = server.receive().await?.expect("a message");
    /// assert_eq!(tokio::io::copy(&mut message, &mut tokio::io::sink()).await?, 1_000_000);
    /// sender.await.expect("it does not panic")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::SourceTooShort`] if the source ends too early, [`Error::Io`] if the source or the stream failed. The message
    /// may have gone out in part then, so that nothing more can be sent ([`Error::SendBroken`]), unless it is resumed.
    /// [`Error::Encode`] as for [`send`](Self::send).
    pub async fn send_stream<R>(&mut self, header: &Header<'_>, source: &mut R) -> Result<(), Error>
    where
        R: AsyncRead + Unpin,
    {
        self.sender.check()?;
        self.sender.outbox.queue_head(header, &[])?;
        self.sender.left = header.content_length();
        self.resume_stream(source).await
    }

    /// Sends the rest of a message that was begun by [`send_stream`](Self::send_stream) or [`forward`](Self::forward), whose
    /// future was dropped or whose source failed. The source goes on where it was. Without such a message it flushes.
    ///
    /// It can itself be dropped and called again.
    ///
    /// ```
    /// use jsonframe_std::protocol::Header;
    /// use jsonframe_std::tokio::Connection;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), jsonframe_std::Error> {
    /// let (client, server) = tokio::io::duplex(1024);
    /// let (mut client, mut server) = (Connection::new(client), Connection::new(server));
    /// let header = Header::new("text/plain", "utf-8", 5);
    /// assert!(client.send_stream(&header, &mut &b"he"[..]).await.is_err(), "the source is too short");
    /// client.resume_stream(&mut &b"llo"[..]).await?;
    /// assert_eq!(server.receive().await?.expect("a message").content().await?, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`send_stream`](Self::send_stream).
    pub async fn resume_stream<R: AsyncRead + Unpin>(&mut self, source: &mut R) -> Result<(), Error> {
        poll_fn(|context| {
            loop {
                self.sender.outbox.failure.check()?;
                let filled = self.sender.poll_fill(source, context)?;
                let (outbox, stream) = (&mut self.sender.outbox, &mut Polled::new(&mut self.stream, context));
                if filled.is_ready() && self.sender.left > 0 {
                    ready!(written(write_queued(outbox, stream, &mut &[][..], usize::MAX)))?;
                } else {
                    // Whoever waits for a slow source waits for no more than that.
                    ready!(written(flush(outbox, stream, usize::MAX)))?;
                    if filled.is_ready() {
                        outbox.release();
                    }
                    return filled.map(Ok);
                }
            }
        })
        .await
    }

    /// Sends on a message that is being received on another connection, its content as it comes, and flushes the stream.
    /// Takes at most 64 KiB of memory and a copy of the header, whatever the length. The header goes out in this
    /// connection's dialect.
    ///
    /// If it is dropped before its end, no byte is lost: [`resume_stream`](Self::resume_stream) with the same message sends
    /// the rest.
    ///
    /// ```
    /// use jsonframe_std::tokio::Connection;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), jsonframe_std::Error> {
    /// let (client, front) = tokio::io::duplex(1024);
    /// let (back, server) = tokio::io::duplex(1024);
    /// let (mut client, mut front) = (Connection::new(client), Connection::new(front));
    /// let (mut back, mut server) = (Connection::new(back), Connection::new(server));
    ///
    /// client.send_json("pass it on").await?;
    /// let mut message = front.receive().await?.expect("a message");
    /// back.forward(&mut message).await?;
    /// assert_eq!(server.receive().await?.expect("a message").json::<String>().await?, "pass it on");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyRead`] if some of the content has been read: nothing has gone out then. [`Error::Decode`] and
    /// [`Error::Io`] if the message cannot be received whole, and those of [`send_stream`](Self::send_stream).
    pub async fn forward<R: AsyncRead + Unpin>(&mut self, message: &mut Incoming<'_, R>) -> Result<(), Error> {
        let header = message.receiver.unread_header()?;
        self.send_stream(&header.header(), message).await
    }

    /// Writes what is [queued](Self::queued), and flushes the stream. What sends flushes; this is for what was dropped.
    ///
    /// Cancel-safe: it can be called again.
    ///
    /// ```
    /// use jsonframe_std::protocol::Header;
    /// use jsonframe_std::tokio::Connection;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), jsonframe_std::Error> {
    /// let (client, server) = tokio::io::duplex(1024);
    /// let (mut client, mut server) = (Connection::new(client), Connection::new(server));
    /// let header = Header::new("text/plain", "utf-8", 5);
    /// tokio::select! {
    ///     biased;
    ///     sent = client.send(&header, b"hello") => sent?,
    ///     () = std::future::ready(()) => {} // no time left
    /// }
    /// client.flush().await?;
    /// assert_eq!(client.queued(), 0);
    /// assert_eq!(server.receive().await?.expect("a message").content().await?, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the stream failed, now or before.
    pub async fn flush(&mut self) -> Result<(), Error> {
        let Self { stream, sender, .. } = self;
        Ok(poll_fn(|context| written(flush(&mut sender.outbox, &mut Polled::new(stream, context), usize::MAX))).await?)
    }

    /// Ends the sending direction, after what is [queued](Self::queued): the peer sees the end of the stream after the last
    /// message. What it sends can still be received.
    ///
    /// Cancel-safe: it can be called again.
    ///
    /// ```
    /// use jsonframe_std::tokio::Connection;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), jsonframe_std::Error> {
    /// let (client, server) = tokio::io::duplex(1024);
    /// let (mut client, mut server) = (Connection::new(client), Connection::new(server));
    /// client.finish().await?;
    /// assert!(server.receive().await?.is_none());
    /// server.send_json("a last word").await?;
    /// assert_eq!(client.receive().await?.expect("a message").json::<String>().await?, "a last word");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send).
    pub async fn finish(&mut self) -> Result<(), Error> {
        self.sender.check()?;
        self.flush().await?;
        Ok(poll_fn(|context| Pin::new(&mut self.stream).poll_shutdown(context)).await?)
    }

    /// Sends a value as a message of JSON content.
    ///
    /// Dropped, it is as [`send`](Self::send).
    ///
    /// ```
    /// use jsonframe_std::tokio::Connection;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), jsonframe_std::Error> {
    /// let (client, server) = tokio::io::duplex(1024);
    /// let (mut client, mut server) = (Connection::new(client), Connection::new(server));
    /// client.send_json(&[1, 2, 3]).await?;
    /// assert_eq!(server.receive().await?.expect("a message").json::<Vec<u32>>().await?, [1, 2, 3]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Json`] if the value has no form in JSON; and those of [`send`](Self::send).
    #[cfg(feature = "json")]
    pub async fn send_json<T: serde::Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.send_json_with(value, &[]).await
    }

    /// Sends a value as a message of JSON content, with members of its own in the header.
    ///
    /// Dropped, it is as [`send`](Self::send).
    ///
    /// ```
    /// use jsonframe_std::tokio::Connection;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), jsonframe_std::Error> {
    /// let (client, server) = tokio::io::duplex(1024);
    /// let (mut client, mut server) = (Connection::new(client), Connection::new(server));
    /// client.send_json_with("needle", &[("request", 7.into())]).await?;
    /// let message = server.receive().await?.expect("a message");
    /// assert_eq!(message.header().extension("request").and_then(|value| value.as_u64()), Some(7));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`send_json`](Self::send_json).
    #[cfg(feature = "json")]
    pub async fn send_json_with<T: serde::Serialize + ?Sized>(
        &mut self,
        value: &T,
        extensions: &[(&str, Value<'_>)],
    ) -> Result<(), Error> {
        let content = jsonframe::to_json(value)?;
        let header = self.sender.outbox.dialect().json_header(content.len() as u64);
        self.send(&header.with_extensions(extensions), &content).await
    }
}

impl From<Outbox> for Sender {
    fn from(outbox: Outbox) -> Self {
        Self { outbox, left: 0 }
    }
}

impl Sender {
    /// Whether a message can be begun.
    fn check(&self) -> Result<(), Error> {
        self.outbox.failure.check()?;
        if self.left > 0 { Err(Error::SendBroken) } else { Ok(()) }
    }

    /// Reads from the source as much as is to be written next.
    fn poll_fill<R>(&mut self, source: &mut R, context: &mut Context<'_>) -> Poll<Result<(), Error>>
    where
        R: AsyncRead + Unpin,
    {
        while self.left > 0 {
            let wanted = at_most(CHUNK, self.left);
            let read = self
                .outbox
                .append(CHUNK, wanted, |tail, space| pin!(source.read_buf(&mut tail.limit(space))).poll(context));
            let Some(read) = read else { break };
            match ready!(read) {
                Ok(0) => return Poll::Ready(Err(Error::SourceTooShort { missing: self.left })),
                Ok(count) => self.left -= count as u64,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// What was written, by a function that returns whether the stream was blocked.
fn written(is_blocked: io::Result<bool>) -> Poll<io::Result<()>> {
    match is_blocked {
        Ok(true) => Poll::Pending,
        outcome => Poll::Ready(outcome.map(drop)),
    }
}

/// Content that is being written from where it lies, after its head. What is left of it is kept when this is dropped.
struct Borrowed<'s, 'c> {
    sender: &'s mut Sender,
    rest: &'c [u8],
}

impl Drop for Borrowed<'_, '_> {
    fn drop(&mut self) {
        self.sender.left = 0;
        // After a stream that has failed nothing is sent.
        if !self.sender.outbox.failure.is_set() {
            // That there is no memory is told when something is sent.
            let _ = self.sender.outbox.keep(self.rest);
        }
    }
}

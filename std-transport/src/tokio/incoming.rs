//! A message that is being received.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ::tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};
use jsonframe::{Growable, Header, Message, OwnedHeader, OwnedMessage};

use super::polled::{Polled, pending_if_blocked, unblocked};
use crate::Error;
use crate::receive::Receiver;

/// A message whose header has been received, and whose content can be read.
///
/// Borrowed from a connection by [`receive`](super::Connection::receive). It reads to the end of the content and no
/// further. Content that is not read is skipped by the next `receive`.
///
/// Buffers of 8 KiB or more are read into straight from the stream.
///
/// Reading fails with [`io::ErrorKind::UnexpectedEof`] if the stream ends before the content does; the error's source is
/// the [`DecodeError`](jsonframe::DecodeError) that says how many bytes are missing.
///
/// # Cancel safety
///
/// Whatever is cancelled, no byte of the content is lost for as long as the `Incoming` is there. When it is dropped, its
/// message counts as done, so a future that both receives and reads, like that of an `async` block, must not be
/// cancelled in between; [`receive_message`](super::Connection::receive_message) may be.
///
/// ```
/// use jsonframe_std::protocol::Header;
/// use jsonframe_std::tokio::Connection;
/// use tokio::io::AsyncReadExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), jsonframe_std::Error> {
/// let (client, server) = tokio::io::duplex(1024);
/// let (mut client, mut server) = (Connection::new(client), Connection::new(server));
/// client.send(&Header::new("text/plain", "utf-8", 5), b"hello").await?;
///
/// let mut message = server.receive().await?.expect("a message");
/// assert_eq!((message.header().content_type(), message.content_left()), ("text/plain", 5));
/// assert_eq!(message.read_u8().await?, b'h');
/// let mut rest = String::new();
/// message.read_to_string(&mut rest).await?;
/// assert_eq!(rest, "ello");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Incoming<'c, S> {
    pub(super) stream: &'c mut S,
    pub(super) receiver: &'c mut Receiver,
}

impl<S: AsyncRead + Unpin> Incoming<'_, S> {
    /// The message's header.
    pub fn header(&self) -> Header<'_> {
        self.receiver.header()
    }

    /// How many bytes of content are still to be read.
    pub fn content_left(&self) -> u64 {
        self.receiver.content_left()
    }

    /// Reads all of the content to memory, which grows as it arrives.
    ///
    /// Its length was checked against the connection's limit:
    /// [`with_max_content`](super::Connection::with_max_content).
    ///
    /// Cancel-safe: what has come is kept, and a later call goes on.
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyRead`] if any of it has been read before, here or as from a reader. [`Error::Decode`] if the stream
    /// ends before the content does, [`Error::Io`] if it fails.
    pub async fn content(&mut self) -> Result<Vec<u8>, Error> {
        unblocked(self.stream, |stream| self.receiver.content(stream)).await
    }

    /// Reads all of the content to memory, and borrows it together with the header. It counts as unread still, so that
    /// this can be called again, and the content taken or read afterwards.
    ///
    /// Cancel-safe: what has come is kept, and a later call goes on.
    ///
    /// # Errors
    ///
    /// Those of [`content`](Self::content).
    pub async fn message(&mut self) -> Result<Message<'_>, Error> {
        unblocked(self.stream, |stream| self.receiver.message(stream).map(drop)).await?;
        // It is there, so that nothing is read.
        self.receiver.message(&mut io::empty())
    }

    /// Reads all of the content to memory, and returns it together with the header, to be kept or sent to another task.
    ///
    /// Cancelled, it drops the message. Where that matters, use
    /// [`receive_message`](super::Connection::receive_message), or call [`message`](Self::message) until it succeeds.
    ///
    /// # Errors
    ///
    /// Those of [`content`](Self::content).
    pub async fn into_message(self) -> Result<OwnedMessage, Error> {
        unblocked(self.stream, |stream| self.receiver.owned_message(stream)).await
    }

    /// Returns a copy of the header, and the content, to be read or sent on while the header is in use. To send a message on
    /// as it is, there is [`forward`](super::Connection::forward).
    ///
    /// A proxy that marks what it has passed on:
    ///
    /// ```
    /// use jsonframe_std::tokio::Connection;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), jsonframe_std::Error> {
    /// # let (client, front) = tokio::io::duplex(1024);
    /// # let (back, server) = tokio::io::duplex(1024);
    /// # let (mut client, mut from) = (Connection::new(client), Connection::new(front));
    /// # let (mut to, mut server) = (Connection::new(back), Connection::new(server));
    /// # client.send_json("pass it on").await?;
    /// # client.finish().await?;
    /// while let Some(message) = from.receive().await? {
    ///     let (header, mut content) = message.into_parts()?;
    ///     to.send_stream(&header.header().with_extensions(&[("hops", 1.into())]), &mut content).await?;
    /// }
    /// let message = server.receive().await?.expect("a message");
    /// assert_eq!(message.header().extension("hops"), Some(1.into()));
    /// assert_eq!(message.json::<String>().await?, "pass it on");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyRead`] if any of the content has been read before. [`Error::Encode`] if memory runs out.
    pub fn into_parts(self) -> Result<(OwnedHeader<Growable>, Self), Error> {
        Ok((self.receiver.unread_header()?, self))
    }

    /// Reads the content as text, in any [encoding](jsonframe::Encoding) that its header can name.
    ///
    /// Cancelled, it drops the message, as [`into_message`](Self::into_message) does.
    ///
    /// # Errors
    ///
    /// [`Error::Text`] if it is not text in a known encoding; and those of [`content`](Self::content).
    #[cfg(feature = "text")]
    pub async fn text(mut self) -> Result<String, Error> {
        Ok(self.message().await?.text()?.into_owned())
    }

    /// Reads the content as JSON: in UTF-8 or ASCII, and with the feature `text` in every
    /// [encoding](jsonframe::Encoding) of text that its header can name.
    ///
    /// Cancelled, it drops the message, as [`into_message`](Self::into_message) does.
    ///
    /// # Errors
    ///
    /// [`Error::Json`] if it is not the JSON of a `T`, or not in such an encoding; and those of
    /// [`content`](Self::content).
    #[cfg(feature = "json")]
    pub async fn json<T: serde::de::DeserializeOwned>(mut self) -> Result<T, Error> {
        Ok(self.message().await?.json_owned()?)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Incoming<'_, S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let Self { stream, receiver } = self.get_mut();
        let outcome = receiver.read_content(&mut Polled::new(*stream, context), buffer.initialize_unfilled());
        let count = ready!(pending_if_blocked(outcome.map_err(Error::from)))?;
        buffer.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncBufRead for Incoming<'_, S> {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let Self { stream, receiver } = self.get_mut();
        let outcome = receiver.fill_content(&mut Polled::new(*stream, context)).map(drop);
        ready!(pending_if_blocked(outcome.map_err(Error::from)))?;
        // It is there, so that nothing is read.
        Poll::Ready(receiver.fill_content(&mut io::empty()))
    }

    fn consume(self: Pin<&mut Self>, count: usize) {
        self.get_mut().receiver.consume_content(count);
    }
}

//! A stream of tokio's that carries messages both ways.

use std::io;

use ::tokio::io::{AsyncRead, AsyncWrite};
use ::tokio::net::{TcpStream, ToSocketAddrs};
#[cfg(feature = "json")]
use jsonframe::Value;
use jsonframe::{Dialect, Header, OwnedMessage};

use super::polled::unblocked;
use super::{Incoming, SendingHalf};
use crate::Error;
use crate::connection::settings;
use crate::receive::Receiver;

/// Sends and receives messages over a stream of tokio's: any number, both ways, in any order.
///
/// What has been received whole is never lost: an error of the stream or of a later message comes after it. From then on
/// nothing else is returned, and the stream is not asked again.
///
/// Every method says what becomes of a message when its future is dropped; a [table](super#cancel-safety) has them
/// together. A reply that comes after a time-out is the next message received, whatever has been asked since: see
/// [After a time-out](crate::Connection#after-a-time-out).
///
/// ```
/// use jsonframe_std::protocol::Header;
/// use jsonframe_std::tokio::Connection;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), jsonframe_std::Error> {
/// let (client, server) = tokio::io::duplex(1024);
/// let (mut client, mut server) = (Connection::new(client), Connection::new(server));
/// client.send(&Header::new("text/plain", "utf-8", 5), b"hello").await?;
/// assert_eq!(server.receive().await?.expect("a message").content().await?, b"hello");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Connection<S> {
    pub(super) receiver: Receiver,
    /// It has the stream, from which is received too.
    pub(super) sending: SendingHalf<S>,
}

impl Connection<TcpStream> {
    /// Connects to a server, and turns Nagle's algorithm off, for messages are written whole.
    ///
    /// ```
    /// use jsonframe_std::tokio::Connection;
    /// use tokio::net::TcpListener;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), jsonframe_std::Error> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let mut client = Connection::connect(listener.local_addr()?).await?;
    /// client.send_json("hello").await?;
    ///
    /// let mut server = Connection::new(listener.accept().await?.0);
    /// assert_eq!(server.receive().await?.expect("a message").json::<String>().await?, "hello");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`TcpStream::connect`] and of [`TcpStream::set_nodelay`].
    pub async fn connect(address: impl ToSocketAddrs) -> io::Result<Self> {
        Ok(Self::new(connect(address).await?))
    }
}

/// Connects, and turns Nagle's algorithm off.
pub(super) async fn connect(address: impl ToSocketAddrs) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl<S> Connection<S> {
    settings!(blocks: false);

    /// How many bytes are kept of messages whose futures were dropped before they were written.
    /// [`flush`](Self::flush) writes them.
    pub const fn queued(&self) -> usize {
        self.sending.queued()
    }

    /// Gives the stream back, and the bytes that were read from it beyond the messages received. What is
    /// [queued](Self::queued) is lost.
    ///
    /// For a stream that changes its protocol: what comes next on it are those bytes, then what the stream reads. Within
    /// a message, they begin with the content that has not been read.
    #[must_use = "the bytes read ahead are what comes next on the stream"]
    pub fn into_parts(self) -> (S, Vec<u8>) {
        (self.sending.stream, self.receiver.into_unread())
    }
}

impl<S: AsyncRead + Unpin> Connection<S> {
    /// Receives the next message as far as its header; `None` if the stream has ended after the last message.
    ///
    /// Waits until the header is there. What is left of the previous message's content is skipped.
    ///
    /// Cancel-safe: what has come of a header is kept, and a later call goes on. For a `select!` that needs the whole message,
    /// there is [`receive_message`](Self::receive_message).
    ///
    /// ```
    /// use jsonframe_std::tokio::Connection;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), jsonframe_std::Error> {
    /// let (client, server) = tokio::io::duplex(1024);
    /// let (mut client, mut server) = (Connection::new(client), Connection::new(server));
    /// client.send_json(&[1, 2, 3]).await?;
    /// let message = server.receive().await?.expect("a message");
    /// assert_eq!(message.header().content_length(), 9);
    /// assert_eq!(message.json::<Vec<u32>>().await?, [1, 2, 3]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Decode`] if the peer sent something else than a message, if the message is over a limit, or if the stream
    /// ended inside it. [`Error::Io`] if the stream failed. Every later call returns the same error again.
    pub async fn receive(&mut self) -> Result<Option<Incoming<'_, S>>, Error> {
        Incoming::receive(&mut self.sending.stream, &mut self.receiver).await
    }

    /// Receives the next message with all of its content; `None` if the stream has ended after the last message.
    ///
    /// Cancel-safe, header and content together: what has come is kept, and a later call goes on. If that is
    /// [`receive`](Self::receive), it returns this same message, with all of its content.
    ///
    /// ```
    /// use jsonframe_std::tokio::Connection;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), jsonframe_std::Error> {
    /// let (client, server) = tokio::io::duplex(1024);
    /// let (mut client, mut server) = (Connection::new(client), Connection::new(server));
    /// client.send_json("whole").await?;
    /// let message = tokio::select! {
    ///     message = server.receive_message() => message?.expect("a message"),
    ///     () = std::future::pending() => unreachable!("another event, which may come at any time"),
    /// };
    /// assert_eq!(message.json::<String>()?, "whole");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`receive`](Self::receive), also for what comes after the header.
    pub async fn receive_message(&mut self) -> Result<Option<OwnedMessage>, Error> {
        unblocked(&mut self.sending.stream, |stream| self.receiver.next_message(stream)).await
    }
}

impl<S: AsyncWrite + Unpin> Connection<S> {
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
        self.sending.send(header, content).await
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
        self.sending.send_stream(header, source).await
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
    pub async fn resume_stream<R>(&mut self, source: &mut R) -> Result<(), Error>
    where
        R: AsyncRead + Unpin,
    {
        self.sending.resume_stream(source).await
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
    pub async fn forward<R>(&mut self, message: &mut Incoming<'_, R>) -> Result<(), Error>
    where
        R: AsyncRead + Unpin,
    {
        self.sending.forward(message).await
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
        self.sending.flush().await
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
        self.sending.finish().await
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
        self.sending.send_json(value).await
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
        self.sending.send_json_with(value, extensions).await
    }
}

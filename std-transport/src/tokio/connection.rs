//! A stream of tokio's that carries messages both ways.

use std::io;

use ::tokio::io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf, split};
use ::tokio::net::{TcpStream, ToSocketAddrs};
use jsonframe::{Dialect, OwnedMessage};

use super::Incoming;
use super::polled::unblocked;
use super::send::Sender;
use crate::Error;
use crate::connection::setup;
use crate::engine::{Inbox, Outbox};
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
///
/// # Halves
///
/// `I` is what it takes to receive, and `O` what it takes to send. A connection has both; each half of one that has been
/// [split](Self::split) has one of them, and the methods that need no more: [`ReceivingHalf`] and [`SendingHalf`].
#[derive(Debug)]
pub struct Connection<S, I = Receiver, O = Sender> {
    pub(super) stream: S,
    pub(super) receiver: I,
    pub(super) sender: O,
}

/// The receiving direction of a connection that has been [split](Connection::split): [`receive`](Self::receive),
/// [`receive_message`](Self::receive_message), [`get_ref`](Self::get_ref), [`into_parts`](Self::into_parts).
pub type ReceivingHalf<R> = Connection<R, Receiver, ()>;

/// The sending direction of a connection that has been [split](Connection::split): [`send`](Self::send),
/// [`send_stream`](Self::send_stream), [`resume_stream`](Self::resume_stream), [`forward`](Self::forward), `send_json`,
/// `send_json_with`, [`flush`](Self::flush), [`finish`](Self::finish), [`queued`](Self::queued), [`get_ref`](Self::get_ref),
/// [`into_inner`](Self::into_inner).
pub type SendingHalf<W> = Connection<W, (), Sender>;

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

setup!(blocks: false);

impl<S> Connection<S> {
    /// The two directions, to be used from two tasks at the same time.
    ///
    /// They share the stream through a lock. Streams with halves of their own need none: see
    /// [`split_with`](Self::split_with). To end the sending direction, so that the peer sees the end, call
    /// [`SendingHalf::finish`]: to drop it does not, as long as the receiving half is there.
    ///
    /// ```
    /// use jsonframe_std::tokio::Connection;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), jsonframe_std::Error> {
    /// let (client, server) = tokio::io::duplex(1024);
    /// let mut client = Connection::new(client);
    /// let (mut receiving, mut sending) = Connection::new(server).split();
    ///
    /// let sender = tokio::spawn(async move {
    ///     sending.send_json("at any time").await?;
    ///     sending.finish().await
    /// });
    /// client.send_json("meanwhile").await?;
    /// assert_eq!(receiving.receive().await?.expect("a message").json::<String>().await?, "meanwhile");
    /// assert_eq!(client.receive().await?.expect("a message").json::<String>().await?, "at any time");
    /// assert!(client.receive().await?.is_none());
    /// sender.await.expect("it does not panic")
    /// # }
    /// ```
    pub fn split(self) -> (ReceivingHalf<ReadHalf<S>>, SendingHalf<WriteHalf<S>>)
    where
        S: AsyncRead + AsyncWrite,
    {
        self.split_with(split)
    }

    /// The two directions, over the halves that a stream has of its own: `connection.split_with(TcpStream::into_split)`.
    ///
    /// ```
    /// use jsonframe_std::tokio::Connection;
    /// use tokio::net::{TcpListener, TcpStream};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), jsonframe_std::Error> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let client = Connection::connect(listener.local_addr()?).await?;
    /// let (mut receiving, mut sending) = client.split_with(TcpStream::into_split);
    ///
    /// let mut server = Connection::new(listener.accept().await?.0);
    /// sending.send_json("there").await?;
    /// assert_eq!(server.receive().await?.expect("a message").json::<String>().await?, "there");
    /// server.send_json("and back").await?;
    /// assert_eq!(receiving.receive().await?.expect("a message").json::<String>().await?, "and back");
    /// # Ok(())
    /// # }
    /// ```
    pub fn split_with<R, W>(self, split: impl FnOnce(S) -> (R, W)) -> (ReceivingHalf<R>, SendingHalf<W>) {
        let Self { stream, receiver, sender } = self;
        let (read, write) = split(stream);
        (Connection { stream: read, receiver, sender: () }, Connection { stream: write, receiver: (), sender })
    }
}

impl<S: AsyncRead + Unpin, O> Connection<S, Receiver, O> {
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
        let Self { stream, receiver, .. } = self;
        let there_is_one = unblocked(stream, |stream| receiver.next_header(stream)).await?;
        Ok(there_is_one.then_some(Incoming { stream, receiver }))
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
        unblocked(&mut self.stream, |stream| self.receiver.next_message(stream)).await
    }
}

impl<W> SendingHalf<W> {
    /// Gives its half of the stream back. What is [queued](Self::queued) is lost.
    pub fn into_inner(self) -> W {
        self.stream
    }
}

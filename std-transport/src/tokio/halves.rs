//! The two directions of a connection, for two tasks.

use ::tokio::io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf, split};
use jsonframe::OwnedMessage;

use super::polled::unblocked;
use super::{Connection, Incoming, SendingHalf};
use crate::Error;
use crate::receive::Receiver;

/// The receiving direction of a connection: [`Connection::split`].
#[derive(Debug)]
pub struct ReceivingHalf<R> {
    stream: R,
    receiver: Receiver,
}

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
        let Self { receiver, sending } = self;
        let (stream, sending) = sending.split_with(split);
        (ReceivingHalf { stream, receiver }, sending)
    }
}

impl<R> ReceivingHalf<R> {
    /// Its half of the stream.
    pub const fn get_ref(&self) -> &R {
        &self.stream
    }

    /// Gives its half of the stream back, and the bytes that were read from it beyond the messages received.
    #[must_use = "the bytes read ahead are what comes next on the stream"]
    pub fn into_parts(self) -> (R, Vec<u8>) {
        (self.stream, self.receiver.into_unread())
    }
}

impl<S: AsyncRead + Unpin> ReceivingHalf<S> {
    /// Does what [`Connection::receive`] does.
    ///
    /// # Errors
    ///
    /// Those of [`Connection::receive`].
    pub async fn receive(&mut self) -> Result<Option<Incoming<'_, S>>, Error> {
        Incoming::receive(&mut self.stream, &mut self.receiver).await
    }

    /// Does what [`Connection::receive_message`] does.
    ///
    /// # Errors
    ///
    /// Those of [`Connection::receive_message`].
    pub async fn receive_message(&mut self) -> Result<Option<OwnedMessage>, Error> {
        unblocked(&mut self.stream, |stream| self.receiver.next_message(stream)).await
    }
}

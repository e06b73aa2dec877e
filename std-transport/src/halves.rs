//! The two directions of a connection, for two threads.

use std::io::{self, Read};
use std::mem;

use crate::receive::Receiver;
use crate::{Connection, Duplex, Error, Incoming, SendingHalf};

/// The receiving direction of a connection: [`Connection::split`].
#[derive(Debug)]
pub struct ReceivingHalf<S> {
    pub(crate) stream: S,
    receiver: Receiver,
}

impl<S> Connection<S> {
    /// The two directions, the second over another handle on the same stream.
    ///
    /// For streams that can be duplicated in a way of their own; for those that are [`Duplex`] there is
    /// [`split`](Self::split).
    pub fn split_with(self, same: S) -> (ReceivingHalf<S>, SendingHalf<S>) {
        let Self { receiver, mut sending } = self;
        let stream = mem::replace(&mut sending.stream, same);
        (ReceivingHalf { stream, receiver }, sending)
    }
}

impl<S: Duplex> Connection<S> {
    /// The two directions, to be used from two threads at the same time.
    ///
    /// To end the sending direction, so that the peer sees the end, call [`SendingHalf::finish`]: to drop it does not,
    /// as long as the receiving half is there.
    ///
    /// ```
    /// use std::net::TcpListener;
    /// use std::thread;
    ///
    /// use jsonframe_std::Connection;
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let mut client = Connection::connect(listener.local_addr()?)?;
    /// let (mut receiving, mut sending) = Connection::new(listener.accept()?.0).split()?;
    ///
    /// let sender = thread::spawn(move || sending.send_json("at any time").and_then(|()| Ok(sending.finish()?)));
    /// client.send_json("meanwhile")?;
    /// assert_eq!(receiving.receive()?.expect("a message").json::<String>()?, "meanwhile");
    /// assert_eq!(client.receive()?.expect("a message").json::<String>()?, "at any time");
    /// assert!(client.receive()?.is_none());
    /// sender.join().expect("it does not panic")?;
    /// # Ok::<(), jsonframe_std::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Duplex::try_clone`].
    pub fn split(self) -> io::Result<(ReceivingHalf<S>, SendingHalf<S>)> {
        let same = self.get_ref().try_clone()?;
        Ok(self.split_with(same))
    }

    /// Ends the sending direction: the peer sees the end of the stream after the last message. What it sends can still be
    /// received.
    ///
    /// ```
    /// use std::net::TcpListener;
    ///
    /// use jsonframe_std::Connection;
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let mut client = Connection::connect(listener.local_addr()?)?;
    /// let mut server = Connection::new(listener.accept()?.0);
    ///
    /// client.finish()?;
    /// assert!(server.receive()?.is_none());
    /// server.send_json("a last word")?;
    /// assert_eq!(client.receive()?.expect("a message").json::<String>()?, "a last word");
    /// # Ok::<(), jsonframe_std::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Duplex::end_sending`].
    pub fn finish(&mut self) -> io::Result<()> {
        self.get_ref().end_sending()
    }
}

impl<S> ReceivingHalf<S> {
    /// The stream, with its timeouts.
    pub const fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Gives the stream back, and the bytes that were read from it beyond the messages received.
    #[must_use = "the bytes read ahead are what comes next on the stream"]
    pub fn into_parts(self) -> (S, Vec<u8>) {
        (self.stream, self.receiver.into_unread())
    }
}

impl<S: Read> ReceivingHalf<S> {
    /// Receives the next message as far as its header: [`Connection::receive`].
    ///
    /// # Errors
    ///
    /// Those of [`Connection::receive`].
    pub fn receive(&mut self) -> Result<Option<Incoming<'_, S>>, Error> {
        Incoming::receive(&mut self.stream, &mut self.receiver)
    }
}

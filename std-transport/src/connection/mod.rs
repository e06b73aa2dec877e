//! A stream that carries messages both ways, and blocks.

mod send;

use std::io::{self, Read};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use jsonframe::Dialect;

use crate::engine::{Inbox, Outbox};
use crate::receive::Receiver;
use crate::{Duplex, Error, Incoming};

/// Writes what a connection has whether or not it blocks: how it begins, what it can be told before its first message, and its
/// stream.
macro_rules! setup {
    (blocks: $blocks:expr) => {
        impl<S> Connection<S> {
            /// The longest content accepted by default: 64 MiB.
            pub const DEFAULT_MAX_CONTENT: u64 = 64 * 1024 * 1024;

            /// A connection over a stream on which no byte of the next message has been read yet.
            ///
            /// It accepts headers of up to 65,535 bytes and content of up to
            /// [`DEFAULT_MAX_CONTENT`](Self::DEFAULT_MAX_CONTENT).
            pub fn new(stream: S) -> Self {
                let dialect = &Dialect::STANDARD;
                let mut receiver = Receiver::new(dialect, u16::MAX, Self::DEFAULT_MAX_CONTENT);
                receiver.blocks = $blocks;
                Self { stream, receiver, sender: Outbox::new(dialect).into() }
            }

            /// Speaks this dialect, in both directions. To be called before anything is received or sent.
            #[must_use]
            pub fn with_dialect(mut self, dialect: &'static Dialect) -> Self {
                self.receiver.inbox = Inbox::new(dialect, self.receiver.inbox.max_header);
                self.with_sending_dialect(dialect)
            }

            /// Sends in this dialect, whatever the peer sends in. To be called before anything is sent.
            #[must_use]
            pub fn with_sending_dialect(mut self, dialect: &'static Dialect) -> Self {
                self.sender = Outbox::new(dialect).into();
                self
            }

            /// Accepts headers of at most this many bytes. To be called before anything is received.
            ///
            /// A longer one makes [`receive`](Self::receive) fail as soon as it is announced.
            #[must_use]
            pub fn with_max_header(mut self, bytes: u16) -> Self {
                self.receiver.inbox.max_header = bytes;
                self
            }

            /// Accepts content of at most this many bytes, or of any length: [`UNLIMITED`](crate::UNLIMITED).
            ///
            /// A message with longer content makes [`receive`](Self::receive) fail at its header. Content that is streamed takes
            /// no memory whatever its length; content that is collected takes up to about twice what has arrived.
            #[must_use]
            pub fn with_max_content(mut self, bytes: u64) -> Self {
                self.receiver.max_content = bytes;
                self
            }

            /// The stream. Bytes read from it or written to it here are lost to the connection.
            pub const fn get_mut(&mut self) -> &mut S {
                &mut self.stream
            }
        }

        impl<S, I, O> Connection<S, I, O> {
            /// The stream, or a half's handle on it.
            pub const fn get_ref(&self) -> &S {
                &self.stream
            }
        }

        impl<S, O> Connection<S, Receiver, O> {
            /// Gives the stream back, and the bytes that were read from it beyond the messages received. What has not been sent
            /// is lost.
            ///
            /// For a stream that changes its protocol: what comes next on it are those bytes, then what the stream reads. Within
            /// a message, they begin with the content that has not been read.
            #[must_use = "the bytes read ahead are what comes next on the stream"]
            pub fn into_parts(self) -> (S, Vec<u8>) {
                (self.stream, self.receiver.into_unread())
            }
        }
    };
}

#[cfg(feature = "tokio")]
pub(crate) use setup;

/// Sends and receives messages over a stream: any number, both ways, in any order.
///
/// The stream is anything that is [`Read`] and [`Write`](io::Write); with a `TcpStream`, turn Nagle's algorithm off, as
/// [`connect`](Self::connect) does, for messages are written whole. Timeouts are the stream's: set them on
/// [`get_ref`](Self::get_ref), or by [`with_timeouts`](Self::with_timeouts); a deadline for a whole exchange is that of a
/// [`Timed`](crate::Timed) stream.
///
/// What has been received whole is never lost: an error of the stream or of a later message comes after it. From then on
/// nothing else is returned, and the stream is not asked again: what has failed is never taken for an end. Only after a
/// [time-out](Error::is_timeout) can receiving go on.
///
/// # After a time-out
///
/// A message does not say which request it answers; that is known by its place among the replies. So when
/// [`receive`](Self::receive) has timed out, the reply may still come, and **the next `receive` returns the late reply,
/// even if another request has been sent since**. Either drop the connection after a time-out and connect again, or
/// count the requests that are still unanswered, and discard as many replies before the one that is wanted.
///
/// # Halves
///
/// `I` is what it takes to receive, and `O` what it takes to send. A connection has both; each half of one that has been
/// [split](Self::split) has one of them, and the methods that need no more: [`ReceivingHalf`] and [`SendingHalf`].
#[derive(Debug)]
pub struct Connection<S, I = Receiver, O = Outbox> {
    pub(crate) stream: S,
    receiver: I,
    sender: O,
}

/// The receiving direction of a connection that has been [split](Connection::split): [`receive`](Self::receive),
/// [`get_ref`](Self::get_ref), [`into_parts`](Self::into_parts), and over a [`Timed`](crate::Timed) stream
/// [`within`](Self::within).
pub type ReceivingHalf<S> = Connection<S, Receiver, ()>;

/// The sending direction of a connection that has been [split](Connection::split): [`send`](Self::send),
/// [`send_stream`](Self::send_stream), [`forward`](Self::forward), `send_json`, `send_json_with`, `finish`,
/// [`get_ref`](Self::get_ref), [`into_inner`](Self::into_inner), and over a [`Timed`](crate::Timed) stream
/// [`within`](Self::within).
pub type SendingHalf<S> = Connection<S, (), Outbox>;

impl Connection<TcpStream> {
    /// Connects to a server.
    ///
    /// # Errors
    ///
    /// Those of [`TcpStream::connect`] and of [`TcpStream::set_nodelay`].
    pub fn connect(address: impl ToSocketAddrs) -> io::Result<Self> {
        Self::over(TcpStream::connect(address)?)
    }

    /// Connects to a server within this time, to be shared by all addresses that a name has.
    ///
    /// # Errors
    ///
    /// Those of [`TcpStream::connect_timeout`] for the last address, [`io::ErrorKind::TimedOut`] among them, and those of
    /// [`connect`](Self::connect); [`io::ErrorKind::InvalidInput`] if the name has no address. The time it takes to resolve a name counts, but cannot be cut short.
    pub fn connect_timeout(address: impl ToSocketAddrs, time: Duration) -> io::Result<Self> {
        let start = Instant::now();
        let mut failure = io::Error::new(io::ErrorKind::InvalidInput, "the name has no address");
        for address in address.to_socket_addrs()? {
            let left = time.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "connection timed out"));
            }
            match TcpStream::connect_timeout(&address, left) {
                Ok(stream) => return Self::over(stream),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    fn over(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self::new(stream))
    }

    /// The same with times for each read and each write of the stream. For one time for a whole exchange, see
    /// [`Timed`](crate::Timed).
    ///
    /// When one is over, what is being done fails with an error that [is a time-out](Error::is_timeout). The reply may
    /// still come: see [After a time-out](Connection#after-a-time-out).
    ///
    /// # Errors
    ///
    /// Those of [`TcpStream::set_read_timeout`] and [`TcpStream::set_write_timeout`].
    pub fn with_timeouts(self, read: Option<Duration>, write: Option<Duration>) -> io::Result<Self> {
        self.stream.set_read_timeout(read)?;
        self.stream.set_write_timeout(write)?;
        Ok(self)
    }
}

setup!(blocks: true);

impl<S> Connection<S> {
    /// The two directions, the second over another handle on the same stream.
    ///
    /// For streams that can be duplicated in a way of their own; for those that are [`Duplex`] there is
    /// [`split`](Self::split).
    pub fn split_with(self, same: S) -> (ReceivingHalf<S>, SendingHalf<S>) {
        let Self { stream, receiver, sender } = self;
        (Connection { stream, receiver, sender: () }, Connection { stream: same, receiver: (), sender })
    }
}

impl<S: Read, O> Connection<S, Receiver, O> {
    /// Receives the next message as far as its header; `None` if the stream has ended after the last message.
    ///
    /// Waits until the header is there. What is left of the previous message's content is skipped.
    ///
    /// After a time-out it can be called again, and goes on where it was. A reply that comes late is returned then, though
    /// another request may have been sent since: see [After a time-out](Connection#after-a-time-out).
    ///
    /// # Errors
    ///
    /// [`Error::Decode`] if the peer sent something else than a message, if the message is over a limit, or if the stream
    /// ended inside it. [`Error::Io`] if the stream failed, or if it knows that it was cut off between two messages, as
    /// streams of TLS do: with [`io::ErrorKind::UnexpectedEof`]. Every later call returns the same error again, unless it
    /// was a [time-out](Error::is_timeout).
    pub fn receive(&mut self) -> Result<Option<Incoming<'_, S>>, Error> {
        let Self { stream, receiver, .. } = self;
        Ok(receiver.next_header(stream)?.then_some(Incoming { stream, receiver }))
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

impl<S> SendingHalf<S> {
    /// Gives the stream back.
    pub fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: Duplex> SendingHalf<S> {
    /// Ends the sending direction: the peer sees the end of the stream after the last message.
    ///
    /// # Errors
    ///
    /// Those of [`Duplex::end_sending`].
    pub fn finish(self) -> io::Result<()> {
        self.stream.end_sending()
    }
}

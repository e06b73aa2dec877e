//! A stream that carries messages both ways, and blocks.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

#[cfg(feature = "json")]
use jsonframe::Value;
use jsonframe::{Dialect, Header};

use crate::receive::Receiver;
use crate::{Error, Incoming, SendingHalf};

/// Writes what a connection has whether or not it blocks: how it begins, what it can be told before its first message, and its
/// stream.
macro_rules! settings {
    (blocks: $blocks:expr) => {
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
            Self { receiver, sending: SendingHalf::new(stream, dialect) }
        }

        /// Speaks this dialect, in both directions. To be called before anything is received or sent.
        #[must_use]
        pub fn with_dialect(mut self, dialect: &'static Dialect) -> Self {
            self.receiver.inbox = self.receiver.inbox.with_dialect(dialect);
            self.with_sending_dialect(dialect)
        }

        /// Sends in this dialect, whatever the peer sends in. To be called before anything is sent.
        #[must_use]
        pub fn with_sending_dialect(mut self, dialect: &'static Dialect) -> Self {
            self.sending.set_dialect(dialect);
            self
        }

        /// Accepts headers of at most this many bytes. To be called before anything is received.
        ///
        /// A longer one makes [`receive`](Self::receive) fail as soon as it is announced.
        #[must_use]
        pub fn with_max_header(mut self, bytes: u16) -> Self {
            self.receiver.inbox.set_max_header(bytes);
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

        /// The stream.
        pub const fn get_ref(&self) -> &S {
            &self.sending.stream
        }

        /// The stream. Bytes read from it or written to it here are lost to the connection.
        pub const fn get_mut(&mut self) -> &mut S {
            &mut self.sending.stream
        }
    };
}

#[cfg(feature = "tokio")]
pub(crate) use settings;

/// Sends and receives messages over a stream: any number, both ways, in any order.
///
/// The stream is anything that is [`Read`] and [`Write`]; with a `TcpStream`, turn Nagle's algorithm off, as
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
#[derive(Debug)]
pub struct Connection<S> {
    pub(crate) receiver: Receiver,
    /// It has the stream, from which the receiver reads too.
    pub(crate) sending: SendingHalf<S>,
}

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
        self.sending.stream.set_read_timeout(read)?;
        self.sending.stream.set_write_timeout(write)?;
        Ok(self)
    }
}

impl<S> Connection<S> {
    settings!(blocks: true);

    /// Gives the stream back, and the bytes that were read from it beyond the messages received.
    ///
    /// For a stream that changes its protocol: what comes next on it are those bytes, then what the stream reads. Within
    /// a message, they begin with the content that has not been read.
    #[must_use = "the bytes read ahead are what comes next on the stream"]
    pub fn into_parts(self) -> (S, Vec<u8>) {
        (self.sending.stream, self.receiver.into_unread())
    }
}

impl<S: Read> Connection<S> {
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
        Incoming::receive(&mut self.sending.stream, &mut self.receiver)
    }
}

impl<S: Write> Connection<S> {
    /// Sends a message of this header and content, and flushes the stream.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`] if the header cannot be sent or announces another length than the content has: nothing has gone
    /// out then. [`Error::Io`] if the stream failed: the message may have gone out in part, so that nothing more can be
    /// sent ([`Error::SendBroken`]).
    pub fn send(&mut self, header: &Header<'_>, content: &[u8]) -> Result<(), Error> {
        self.sending.send(header, content)
    }

    /// Sends a message whose content is read from a source, as many bytes of it as the header announces, and flushes the
    /// stream. Takes at most 64 KiB of memory, whatever the length.
    ///
    /// ```
    /// use std::io::Cursor;
    ///
    /// use jsonframe_std::Connection;
    /// use jsonframe_std::protocol::Header;
    ///
    /// let mut connection = Connection::new(Cursor::new(Vec::new()));
    /// let length = 1_000_000;
    /// let mut source = std::io::repeat(b'x');
    /// connection.send_stream(&Header::new("text/plain", "utf-8", length), &mut source)?;
    /// assert!(connection.get_ref().get_ref().len() > 1_000_000);
    /// # Ok::<(), jsonframe_std::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::SourceTooShort`] if the source ends too early, [`Error::Io`] if the source or the stream failed. The
    /// message may have gone out in part then, so that nothing more can be sent ([`Error::SendBroken`]).
    /// [`Error::Encode`] as for [`send`](Self::send).
    pub fn send_stream(&mut self, header: &Header<'_>, source: &mut impl Read) -> Result<(), Error> {
        self.sending.send_stream(header, source)
    }

    /// Sends on a message that is being received on another connection, its content as it comes, and flushes the stream.
    /// Takes at most 64 KiB of memory and a copy of the header, whatever the length. The header goes out in this
    /// connection's dialect.
    ///
    /// ```
    /// use std::io::Cursor;
    ///
    /// use jsonframe_std::Connection;
    /// use jsonframe_std::protocol::{Header, Message};
    ///
    /// let sent = Message::new(Header::new("text/plain", "utf-8", 5), b"hello")?.to_vec()?;
    /// let mut from = Connection::new(Cursor::new(sent.clone()));
    /// let mut to = Connection::new(Cursor::new(Vec::new()));
    /// while let Some(mut message) = from.receive()? {
    ///     to.forward(&mut message)?;
    /// }
    /// assert_eq!(to.get_ref().get_ref(), &sent);
    /// # Ok::<(), jsonframe_std::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyRead`] if some of the content has been read: nothing has gone out then. [`Error::Decode`] and
    /// [`Error::Io`] if the message cannot be received whole, and those of [`send_stream`](Self::send_stream): part of it
    /// may have gone out, so that nothing more can be sent ([`Error::SendBroken`]).
    pub fn forward(&mut self, message: &mut Incoming<'_, impl Read>) -> Result<(), Error> {
        self.sending.forward(message)
    }

    /// Sends a value as a message of JSON content.
    ///
    /// # Errors
    ///
    /// [`Error::Json`] if the value has no form in JSON; and those of [`send`](Self::send).
    #[cfg(feature = "json")]
    pub fn send_json<T: serde::Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.sending.send_json(value)
    }

    /// Sends a value as a message of JSON content, with members of its own in the header.
    ///
    /// ```
    /// use std::io::Cursor;
    ///
    /// use jsonframe_std::Connection;
    ///
    /// let mut connection = Connection::new(Cursor::new(Vec::new()));
    /// connection.send_json_with("needle", &[("request", 7.into())])?;
    /// let sent = String::from_utf8_lossy(connection.get_ref().get_ref());
    /// assert!(sent.ends_with(r#""content-length": 8, "request": 7}"needle""#), "{sent}");
    /// # Ok::<(), jsonframe_std::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`send_json`](Self::send_json).
    #[cfg(feature = "json")]
    pub fn send_json_with<T: serde::Serialize + ?Sized>(
        &mut self,
        value: &T,
        extensions: &[(&str, Value<'_>)],
    ) -> Result<(), Error> {
        self.sending.send_json_with(value, extensions)
    }
}

//! What can go wrong with a connection.

use std::io::{self, ErrorKind};

use jsonframe::{DecodeError, DecodeErrorKind, EncodeError};

use crate::engine::is_timeout;

/// Why a message could not be sent or received.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The stream failed: for good, unless it is a [time-out](Self::is_timeout). Receiving returns the same error again.
    #[error(transparent)]
    Io(io::Error),

    /// The peer sent something that is not a message, or that is over a limit, or the stream ended inside a message.
    #[error(transparent)]
    Decode(#[from] DecodeError),

    /// The message cannot be sent as it is. Nothing of it has gone out.
    #[error(transparent)]
    Encode(#[from] EncodeError),

    /// The content is not the JSON expected.
    #[cfg(feature = "json")]
    #[error(transparent)]
    Json(#[from] jsonframe::JsonError),

    /// The content is not text in the encoding that its header names.
    #[cfg(feature = "text")]
    #[error(transparent)]
    Text(#[from] jsonframe::TextError),

    /// The source of a message's content ended before its announced length. The peer waits for the rest, so the
    /// connection can send nothing more.
    #[error("the content's source ended {missing} bytes before its announced length")]
    SourceTooShort {
        /// How many bytes were missing.
        missing: u64,
    },

    /// An earlier message may have gone out only in part, so nothing can follow it.
    #[error("an earlier message was not sent whole; this connection can send nothing more")]
    SendBroken,

    /// The content of a message was asked for as a whole when some of it had been read already. What remains can be read,
    /// and the next message received.
    #[error("bytes of the content already read: {read}")]
    AlreadyRead {
        /// How many bytes of the content have been read before.
        read: u64,
    },

    /// More is queued for the peer, or for all peers together, than the server's limits allow. The message is not sent.
    #[cfg(feature = "server")]
    #[error("too much is queued already; the message is not sent")]
    QueueFull,

    /// The server has ended, or the connection is being closed. The message is not sent.
    #[cfg(feature = "server")]
    #[error("the connection takes no more messages")]
    Closed,
}

impl Error {
    /// Whether the time that the stream has for a read or a write is over, or the deadline of a
    /// [`Timed`](crate::Timed) stream. The kind of the [`io::Error`] is [`TimedOut`](io::ErrorKind::TimedOut) then.
    ///
    /// Receiving can go on where it was; but see [After a time-out](crate::Connection#after-a-time-out). Sending cannot:
    /// part of a message may have gone out.
    ///
    /// It is not so of a connection that the system has given up, though its words for that are "timed out" too.
    ///
    /// ```
    /// use std::net::TcpListener;
    /// use std::time::Duration;
    ///
    /// use jsonframe_std::Connection;
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let connection = Connection::connect(listener.local_addr()?)?;
    /// let mut connection = connection.with_timeouts(Some(Duration::from_millis(50)), None)?;
    /// let error = connection.receive().map(drop).expect_err("nobody sends");
    /// assert!(error.is_timeout());
    /// assert_eq!(error.to_string(), "reading timed out");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Io(error) if is_timeout(error))
    }
}

/// What an [`Error`] has become by [`io::Error::from`], or reading content fails with when the stream ends inside it, comes
/// out as it was.
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        error.downcast::<DecodeError>().map(Self::Decode).or_else(io::Error::downcast::<Self>).unwrap_or_else(Self::Io)
    }
}

/// For functions that return [`io::Result`]. An error of the stream is itself again; others become the source of one.
///
/// ```
/// use std::io::{self, Cursor, ErrorKind};
///
/// use jsonframe_std::Connection;
///
/// fn first_content(bytes: &[u8]) -> io::Result<Vec<u8>> {
///     let mut connection = Connection::new(Cursor::new(bytes.to_vec()));
///     let mut message = connection.receive()?.ok_or(ErrorKind::NotFound)?;
///     Ok(message.content()?)
/// }
///
/// assert_eq!(first_content(b"\0\x02[]").unwrap_err().kind(), ErrorKind::InvalidData);
/// assert_eq!(first_content(b"\0\x02").unwrap_err().kind(), ErrorKind::UnexpectedEof);
/// ```
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Io(_) => ErrorKind::Other,
            Error::Decode(decode) if matches!(decode.kind(), DecodeErrorKind::Truncated { .. }) => {
                ErrorKind::UnexpectedEof
            }
            Error::Decode(_) => ErrorKind::InvalidData,
            #[cfg(feature = "json")]
            Error::Json(_) => ErrorKind::InvalidData,
            #[cfg(feature = "text")]
            Error::Text(_) => ErrorKind::InvalidData,
            Error::Encode(_) | Error::AlreadyRead { .. } => ErrorKind::InvalidInput,
            Error::SourceTooShort { .. } => ErrorKind::UnexpectedEof,
            Error::SendBroken => ErrorKind::BrokenPipe,
            #[cfg(feature = "server")]
            Error::QueueFull => ErrorKind::QuotaExceeded,
            #[cfg(feature = "server")]
            Error::Closed => ErrorKind::BrokenPipe,
        };
        match error {
            Error::Io(error) => error,
            Error::Decode(error) => Self::new(kind, error),
            error => Self::new(kind, error),
        }
    }
}

/// The error to report for one of a stream that blocks: a time-out in plain words, and of one kind on all systems.
pub(crate) fn plain(error: io::Error, doing: &str) -> io::Error {
    let is_plain = error.kind() == ErrorKind::TimedOut && error.raw_os_error().is_none();
    if is_plain || !is_timeout(&error) {
        return error;
    }
    io::Error::new(ErrorKind::TimedOut, format!("{doing} timed out"))
}

//! What can go wrong with a connection.

use std::io;

use jsonframe::{DecodeError, EncodeError};

/// Why a message could not be sent or received.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The stream failed. After [`io::ErrorKind::WouldBlock`] and [`io::ErrorKind::TimedOut`] receiving can go on where
    /// it was; sending cannot, if part of a message has gone out.
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

    /// The source of a message's content ended before its announced length. The peer waits for the rest, so the
    /// connection can send nothing more.
    #[error("the content's source ended {missing} bytes before its announced length")]
    SourceTooShort {
        /// How many bytes were missing.
        missing: u64,
    },

    /// An earlier message went out only in part, so nothing can follow it.
    #[error("an earlier message was sent only in part; this connection can send nothing more")]
    SendBroken,

    /// More is queued for the peer, or for all peers together, than the server's limits allow. The message is not sent.
    #[cfg(feature = "server")]
    #[error("too much is queued already; the message is not sent")]
    QueueFull,

    /// The server has ended, or the connection is being closed. The message is not sent.
    #[cfg(feature = "server")]
    #[error("the connection takes no more messages")]
    Closed,
}

/// What reading content fails with when the stream ends inside it comes out as the [`Error::Decode`] that it is.
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.downcast::<DecodeError>() {
            Ok(error) => Self::Decode(error),
            Err(error) => Self::Io(error),
        }
    }
}

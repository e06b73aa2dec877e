//! The errors of receiving from a reader and sending to a writer.

use embedded_io::{Error, ErrorKind};

use crate::error::Bytes;
use crate::{DecodeError, EncodeError};

/// Says why a message was not received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiveError<E: Error + 'static> {
    /// The reader failed. Receiving can go on where it was if the reader can.
    #[error("cannot read: {0}")]
    Reader(#[source] E),

    /// The bytes received are not a message, the message exceeds a limit, or the stream ended inside it. Nothing more can
    /// be received, except after [`Truncated`](crate::DecodeErrorKind::Truncated), from a reader that goes on after its end.
    #[error(transparent)]
    Decode(#[from] DecodeError),

    /// The whole content was requested after some of it had been read in pieces. Nothing is lost: the rest can be read, and
    /// the next message received.
    #[error("bytes of the content already read: {read}")]
    AlreadyRead {
        /// The number of bytes of the content that `read` has returned.
        read: u64,
    },
}

/// Classifies the error for generic code. A decoding error is invalid data.
impl<E: Error + 'static> Error for ReceiveError<E> {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Reader(error) => error.kind(),
            Self::Decode(_) => ErrorKind::InvalidData,
            Self::AlreadyRead { .. } => ErrorKind::InvalidInput,
        }
    }
}

/// Says why a message was not sent, or not all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError<E: Error + 'static> {
    /// The writer failed. Sending can go on where it was ([`Sender::resume`](super::Sender::resume)) if the writer can.
    #[error("cannot write: {0}")]
    Writer(#[source] E),

    /// The writer has written 0 bytes, without an error of its own.
    #[error("the writer has written 0 bytes")]
    WriteZero,

    /// The message cannot be encoded, or its content does not have the length that the header announces. Nothing of it has
    /// been written.
    #[error(transparent)]
    Encode(#[from] EncodeError),

    /// An earlier message is incomplete. Its receiver would take this one for the rest of it.
    #[error("an earlier message still lacks {}", Bytes(*missing))]
    Unfinished {
        /// The number of bytes of the earlier message that have not been written.
        missing: u64,
    },
}

/// Classifies the error for generic code. A message that cannot be sent is invalid input.
impl<E: Error + 'static> Error for SendError<E> {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Writer(error) => error.kind(),
            Self::WriteZero => ErrorKind::WriteZero,
            Self::Encode(_) | Self::Unfinished { .. } => ErrorKind::InvalidInput,
        }
    }
}

//! What can go wrong between a stream and its messages.

use embedded_io::{Error, ErrorKind};

use crate::error::Bytes;
use crate::{DecodeError, EncodeError};

/// Why a message was not received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiveError<E: Error + 'static> {
    /// The reader failed. Receiving can go on where it was, if the reader can.
    #[error("cannot read: {0}")]
    Reader(#[source] E),

    /// What came is no message, or over a limit, or the stream ended inside a message
    /// ([`Truncated`](crate::DecodeErrorKind::Truncated)). Nothing can be received any more; but after `Truncated` it
    /// can, from a reader that has more after its end.
    #[error(transparent)]
    Decode(#[from] DecodeError),

    /// The whole content was asked for when some of it had already been read piece by piece. Nothing is lost by that: what
    /// remains can be read, and the next message received.
    #[error("bytes of the content already read: {read}")]
    AlreadyRead {
        /// How many bytes of the content `read` has returned before.
        read: u64,
    },
}

/// For who knows no more than `embedded-io`: what is no message is invalid data.
impl<E: Error + 'static> Error for ReceiveError<E> {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Reader(error) => error.kind(),
            Self::Decode(_) => ErrorKind::InvalidData,
            Self::AlreadyRead { .. } => ErrorKind::InvalidInput,
        }
    }
}

/// Why a message was not sent, or not all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError<E: Error + 'static> {
    /// The writer failed. Sending can go on where it was ([`Sender::resume`](super::Sender::resume)), if the writer can.
    #[error("cannot write: {0}")]
    Writer(#[source] E),

    /// The writer takes nothing, and does not say why.
    #[error("the writer takes nothing")]
    WriteZero,

    /// The message cannot be sent as it is, or this content is longer than its header has announced. None of it has been
    /// written.
    #[error(transparent)]
    Encode(#[from] EncodeError),

    /// Another message has been sent in part only, and would be taken for the rest of it.
    #[error("a message has been begun and lacks {}", Bytes(*missing))]
    Unfinished {
        /// How many bytes of the earlier message are still to be written.
        missing: u64,
    },
}

/// For who knows no more than `embedded-io`: what cannot be sent is invalid input.
impl<E: Error + 'static> Error for SendError<E> {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Writer(error) => error.kind(),
            Self::WriteZero => ErrorKind::WriteZero,
            Self::Encode(_) | Self::Unfinished { .. } => ErrorKind::InvalidInput,
        }
    }
}

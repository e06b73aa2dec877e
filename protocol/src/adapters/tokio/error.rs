//! The error of the codecs.

use std::io;

use thiserror::Error;

use crate::{DecodeError, DecodeErrorKind, EncodeError};

/// Why a stream of messages has ended, or why a message cannot be sent.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The stream failed.
    #[error(transparent)]
    Io(#[from] io::Error),

    /// The peer sent something that is not a message or exceeds a limit, or the stream ended inside a message.
    #[error(transparent)]
    Decode(#[from] DecodeError),

    /// The message cannot be encoded. Nothing of it is sent.
    #[error(transparent)]
    Encode(#[from] EncodeError),

    /// The event is out of order: a header inside a message, or content or an end outside of one. It is not sent.
    #[error("the events of a message are sent in this order: header, content, end")]
    OutOfOrder,

    /// The received content is not the JSON of the expected type, or a value cannot be represented in JSON.
    #[cfg(feature = "json")]
    #[error(transparent)]
    Json(#[from] crate::JsonError),
}

/// Wraps the error in one of I/O: [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the stream ended inside a message,
/// [`InvalidData`](io::ErrorKind::InvalidData) for any other fault of the peer and for [`Json`](CodecError::Json),
/// [`InvalidInput`](io::ErrorKind::InvalidInput) for what cannot be sent.
impl From<CodecError> for io::Error {
    fn from(error: CodecError) -> Self {
        match error {
            CodecError::Io(error) => error,
            CodecError::Decode(error) if matches!(error.kind(), DecodeErrorKind::Truncated { .. }) => {
                Self::new(io::ErrorKind::UnexpectedEof, error)
            }
            CodecError::Decode(error) => Self::new(io::ErrorKind::InvalidData, error),
            CodecError::Encode(error) => Self::new(io::ErrorKind::InvalidInput, error),
            CodecError::OutOfOrder => Self::new(io::ErrorKind::InvalidInput, error),
            #[cfg(feature = "json")]
            CodecError::Json(error) => Self::new(io::ErrorKind::InvalidData, error),
        }
    }
}

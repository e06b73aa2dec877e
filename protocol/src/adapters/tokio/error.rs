//! What a stream of messages can fail with.

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

    /// The peer sent something that is not a message, or that is over a limit, or the stream ended inside a message.
    #[error(transparent)]
    Decode(#[from] DecodeError),

    /// The message cannot be sent as it is. Nothing of it goes out.
    #[error(transparent)]
    Encode(#[from] EncodeError),

    /// An event cannot be sent here: a header inside a message, or content or an end outside of one. Nothing of it goes out.
    #[error("the events of a message are sent in this order: header, content, end")]
    OutOfOrder,

    /// The content that was received is not the JSON of the type that is expected, or a value cannot be sent as JSON.
    #[cfg(feature = "json")]
    #[error(transparent)]
    Json(#[from] crate::JsonError),
}

/// For functions whose errors are all of I/O: [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the stream ended inside
/// a message, [`InvalidData`](io::ErrorKind::InvalidData) for whatever else a peer did wrong and for JSON that does not fit,
/// [`InvalidInput`](io::ErrorKind::InvalidInput) for what cannot be sent. The error itself is kept inside.
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

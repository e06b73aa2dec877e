//! Why a call has no reply.

use std::sync::Arc;

use jsonframe::EncodeError;
#[cfg(feature = "json")]
use jsonframe::JsonError;

use crate::Error;

/// Why a call has no reply, or none that could be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The time was over. If the reply comes late, it is discarded.
    #[error("no reply in time; the request {}", fate(*.is_sent))]
    TimedOut {
        /// Whether the request had been sent, at least in part.
        is_sent: bool,
    },

    /// The connection was lost, or there was none to be had.
    #[error("no connection to get a reply over; the request {}: {why}", fate(*.is_sent))]
    Lost {
        /// Whether the request had been sent, at least in part.
        is_sent: bool,
        /// What became of the connection. All calls that it was lost to share it.
        why: Arc<Error>,
    },

    /// There were as many calls as there may be, or as many bytes waiting to be written: [`Options`](super::Options). The
    /// request was not sent.
    #[error("too many calls are waiting; the request was not sent")]
    Full,

    /// The client's thread or task has ended, or the call was made in it. The request was not sent, unless the thread has ended
    /// since.
    #[error("the client makes no calls; the request {}", fate(*.is_sent))]
    Closed {
        /// Whether the request had been sent, at least in part.
        is_sent: bool,
    },

    /// The request cannot be sent as it is.
    #[error(transparent)]
    Encode(#[from] EncodeError),

    /// The request has no form in JSON. It was not sent.
    #[cfg(feature = "json")]
    #[error("the request has no form in JSON: {0}")]
    Request(JsonError),

    /// The reply is not the JSON expected.
    #[cfg(feature = "json")]
    #[error("the reply is not the JSON expected: {0}")]
    Reply(JsonError),
}

const fn fate(is_sent: bool) -> &'static str {
    if is_sent { "was sent, and may have been processed" } else { "was not sent" }
}

impl CallError {
    /// Whether the request had been sent, at least in part, so that it may have been processed. If not, the call can be made
    /// again without harm.
    ///
    /// ```
    /// use jsonframe_std::client::CallError;
    ///
    /// assert!(CallError::TimedOut { is_sent: true }.is_sent());
    /// assert!(!CallError::Full.is_sent());
    /// ```
    pub const fn is_sent(&self) -> bool {
        match self {
            Self::TimedOut { is_sent } | Self::Lost { is_sent, .. } | Self::Closed { is_sent } => *is_sent,
            #[cfg(feature = "json")]
            Self::Reply(_) => true,
            _ => false,
        }
    }

    /// Whether the time for the call was over.
    ///
    /// ```
    /// use jsonframe_std::client::CallError;
    ///
    /// let error = CallError::TimedOut { is_sent: true };
    /// assert!(error.is_timeout());
    /// assert_eq!(error.to_string(), "no reply in time; the request was sent, and may have been processed");
    /// ```
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::TimedOut { .. })
    }
}

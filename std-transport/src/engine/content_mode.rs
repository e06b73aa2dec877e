//! How the content of a message is taken.

/// How the content of a message is taken: [`Handler::header`](crate::server::Handler::header).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContentMode {
    /// Collected, up to [`Limits::max_content`](super::Limits::max_content), and given to
    /// [`Handler::message`](crate::server::Handler::message).
    Whole,
    /// Given to [`Handler::content`](crate::server::Handler::content) as it comes, and kept nowhere.
    Streamed {
        /// The longest content that is accepted, in bytes; [`UNLIMITED`](crate::UNLIMITED) is possible.
        max: u64,
    },
}

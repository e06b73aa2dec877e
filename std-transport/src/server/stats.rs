//! Figures of a server that runs.

/// Figures of a server: [`Handle::stats`](super::Handle::stats).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// How many connections are open.
    pub connections: usize,
    /// How many connections have been accepted and served.
    pub accepted: u64,
    /// How many connections have been refused: [`AtLimit::Refuse`](super::AtLimit::Refuse).
    pub refused: u64,
    /// How often no connection could be accepted, for want of file descriptors or other reasons.
    pub accept_errors: u64,
    /// How many bytes are queued for all peers together.
    pub queued: usize,
    /// How many bytes of content have been collected of messages that are not whole yet.
    pub collected: usize,
}

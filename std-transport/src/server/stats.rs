//! Figures of a server that runs.

/// Figures of a server: [`Handle::stats`](super::Handle::stats).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// How many connections are open.
    pub connections: usize,
    /// How many connections have been accepted and served.
    pub accepted: u64,
    /// How many connections have been refused: [`AtLimit::Refuse`](super::AtLimit::Refuse) and
    /// [`Limits::max_per_address`](super::Limits::max_per_address).
    pub refused: u64,
    /// How often no connection could be accepted, for want of file descriptors or other reasons.
    pub accept_errors: u64,
    /// How many connections have failed in what precedes the messages: [`NotAccepted::Handshake`](super::NotAccepted::Handshake),
    /// without those whose peers went before they sent anything.
    pub failed_handshakes: u64,
    /// How often the handler has panicked.
    pub panics: u64,
    /// How many bytes of memory are held by what is queued for all peers together. Content that several peers share
    /// counts once for each worker.
    pub queued: usize,
    /// How many bytes of memory are held by content of messages that are not whole yet.
    pub collected: usize,
}

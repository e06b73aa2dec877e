//! Figures of a server that runs.

/// Figures of a server: [`Handle::stats`](super::Handle::stats).
///
/// All are exact, but what happens on a connection is counted at the end of its turn, so a peer may have an answer before it
/// is counted here. By the time [`Handler::disconnected`](super::Handler::disconnected) is called, all of a connection is counted.
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
    /// but for those whose peers left before they sent anything.
    pub failed_handshakes: u64,
    /// How often the handler has panicked.
    pub panics: u64,
    /// How many whole messages have been received: those whose end the handler has been given, or that it panicked over.
    pub messages_received: u64,
    /// How many messages have been queued for peers, by the handler and by other threads.
    /// [`bytes_sent`](Self::bytes_sent) says how much of them has been written; whether it has arrived is not known.
    pub messages_sent: u64,
    /// How many bytes of messages have been received, also of those that are not whole, or were discarded when their connection
    /// was being closed. PROXY headers do not count, and over TLS the bytes are counted after decryption.
    pub bytes_received: u64,
    /// How many bytes of messages have been written; over TLS, they are counted before encryption. Messages to connections that
    /// are [refused](super::Server::with_refusal) do not count.
    pub bytes_sent: u64,
    /// How many bytes of memory are held by what is queued for all peers together. Content that several peers share
    /// counts once for each worker.
    pub queued: usize,
    /// How many bytes of memory are held by content of messages that are not whole yet.
    pub collected: usize,
}

//! What a server grants its peers.

use std::time::Duration;

/// What a [`Server`](super::Server) grants its peers. Every default is finite.
///
/// The memory a server takes for its peers is at most about
/// `connections` × (`header` + 64 KiB + the larger of `queued` and one reply), and no more in all than `queued_total` and
/// `collected_total` allow for what is queued and for content that is being collected; and about 1 MiB for each
/// worker, which its connections use in turns. An idle connection takes less than 1 KiB.
///
/// ```
/// use std::time::Duration;
///
/// use jsonframe_std::server::Limits;
///
/// let mut limits = Limits::default();
/// limits.connections = 10_000;
/// limits.idle_deadline = Duration::from_secs(3600);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// How many connections are open at a time: 1,024. Each takes a file descriptor; see `ulimit -n`.
    pub connections: usize,
    /// What becomes of a connection beyond them: it waits to be accepted.
    pub at_limit: AtLimit,
    /// How many connections wait in the system's backlog to be accepted: 1,024. The system may have a limit of its own.
    pub backlog: u32,
    /// The longest header that is accepted: 16 KiB.
    pub header: u16,
    /// The longest content that is collected to a whole message: 16 MiB. What streamed content may be, the handler says:
    /// [`Take::Streamed`](super::Take::Streamed).
    pub content: u64,
    /// How many bytes of memory may hold content of messages that are not whole yet, of all peers together: 256 MiB.
    /// While it is more, the connection that holds most is ended. Each worker has an equal share, which is exceeded by at
    /// most one message.
    pub collected_total: usize,
    /// While more bytes than this are queued for a peer, nothing is read from it: 256 KiB.
    pub unread_replies: usize,
    /// How many bytes may be queued for a peer that has something queued: 4 MiB, and at most half of a worker's share of
    /// [`queued_total`](Self::queued_total). A connection for which a message does not fit is closed, so that no peer
    /// misses a message and goes on. After at most [`unread_replies`](Self::unread_replies) bytes a message may be longer
    /// than this; whether it can stay, `queued_total` says.
    pub queued: usize,
    /// How many bytes of memory may be held by what is queued for all peers together: 256 MiB. When all of it is taken but
    /// [`queued`](Self::queued) bytes, which a handler may need before it returns, the connection for which most is queued
    /// is ended, unless its peer takes some of it just then. Content that several peers share, in an `Arc` or by
    /// [`Handle::broadcast`](super::Handle::broadcast), counts once, and for each of them in part. Each worker has an
    /// equal share, which is exceeded by at most a message of its handler and one of each thread that sends from outside.
    pub queued_total: usize,
    /// How many [replies](super::Peer::reply_later) may be owed to a peer: 1,024. While as many are, nothing is read from
    /// it. Even at 0, one may be owed.
    pub owed: u32,
    /// The time from the first byte of a message to the last of its header: 10 s.
    pub header_deadline: Duration,
    /// The least rate of content, in bytes per second: 128. Measured over [`content_window`](Self::content_window), and
    /// not while the server itself does not want to read. Even at 0, something must come in each.
    pub content_floor: u64,
    /// The time over which the rate of content is measured: 10 s.
    pub content_window: Duration,
    /// The time for which nothing may happen between messages: 5 minutes. It does not run while a peer is owed a
    /// [`Reply`](super::Reply).
    pub idle_deadline: Duration,
    /// The time for which a peer may take nothing of what is queued for it, and over which the rate is measured at which
    /// it does: 2 minutes.
    ///
    /// What counts is what the systems pass on. A system that has no room left for its reader lets nothing more come until
    /// much of it has been read: on Linux at least two segments, or about a tenth of the receive buffer. That is some
    /// 100 KB with the buffer that a connection begins with, and several hundred once it has grown to megabytes. A peer
    /// that takes longer than this to read so much seems to take nothing, whatever the floor: with 2 minutes, one that
    /// reads less than about 1 KB per second.
    pub write_deadline: Duration,
    /// The least rate at which a peer takes what is queued for it, in bytes per second: 128. Even at 0,
    /// something must be taken. It can be measured no more finely than [`write_deadline`](Self::write_deadline) says.
    pub write_floor: u64,
    /// For how long a connection is read after the last byte has been sent on it, so that the peer, which may still be
    /// sending, gets that byte: 10 s.
    pub linger: Duration,
    /// For how long the peer may send nothing in that time: 1 s.
    pub linger_silence: Duration,
    /// How many bytes are read and discarded in that time: 256 MiB.
    pub linger_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            connections: 1024,
            at_limit: AtLimit::Wait,
            backlog: 1024,
            header: 16 * 1024,
            content: 16 * MIB as u64,
            collected_total: 256 * MIB,
            unread_replies: MIB / 4,
            queued: 4 * MIB,
            queued_total: 256 * MIB,
            owed: 1024,
            header_deadline: Duration::from_secs(10),
            content_floor: 128,
            content_window: Duration::from_secs(10),
            idle_deadline: Duration::from_secs(300),
            write_deadline: Duration::from_secs(120),
            write_floor: 128,
            linger: Duration::from_secs(10),
            linger_silence: Duration::from_secs(1),
            linger_bytes: 256 * MIB as u64,
        }
    }
}

/// What becomes of new connections when there are as many as there may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AtLimit {
    /// They wait in the backlog until others have ended.
    #[default]
    Wait,
    /// They are accepted and closed at once.
    Refuse,
}

//! What a server or a session grants its peers.

use std::time::Duration;

const MIB: usize = 1024 * 1024;

/// Declares a type of settings: what each means, its setter, and its default. Those in braces have no setter of this kind.
macro_rules! settings {
    (
        $(#[$about:meta])*
        pub struct $Settings:ident { $($visibility:vis $other:ident: $other_type:ty = $other_default:expr;)* }
        $($(#[$doc:meta])* $name:ident, $with:ident: $type:ty = $default:expr;)*
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub struct $Settings {
            $($(#[$doc])* pub $name: $type,)*
            $($visibility $other: $other_type,)*
        }

        impl $Settings {
            $(
                #[doc = concat!("Sets [`", stringify!($name), "`](Self#structfield.", stringify!($name), ").")]
                #[must_use]
                pub const fn $with(mut self, $name: $type) -> Self {
                    self.$name = $name;
                    self
                }
            )*
        }

        impl Default for $Settings {
            fn default() -> Self {
                Self { $($name: $default,)* $($other: $other_default,)* }
            }
        }
    };
}

#[cfg(feature = "client")]
pub(crate) use settings;

settings! {
    /// What a [`Server`](crate::server::Server) grants its peers, and in part a [`Session`](crate::Session). Every default is
    /// finite, but for that of [`max_per_address`](Self::max_per_address), which no more than `max_connections` can reach.
    ///
    /// The memory a server takes for its peers is at most about
    /// `max_connections` × (`max_header` + 64 KiB + the larger of `max_queued` and one reply), and no more in all than
    /// `max_queued_total` and `max_collected` allow for what is queued and for content that is being collected; and
    /// about 1 MiB for each worker, which its connections use in turns. An idle connection takes less than 1 KiB.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use jsonframe_std::server::Limits;
    ///
    /// let limits = Limits::default().with_max_connections(10_000).with_idle_timeout(Duration::from_secs(3600));
    /// assert_eq!(limits.max_connections, 10_000);
    /// ```
    pub struct Limits {}

    /// How many connections are open at a time: 1,024. Each takes a file descriptor; see `ulimit -n`.
    max_connections, with_max_connections: usize = 1024;
    /// How many of them may be from one IPv4 address, or from one IPv6 network of 64 bits: any number. One beyond them is
    /// accepted and closed at once, and [not accepted](crate::server::NotAccepted::AddressLimit) for the handler.
    ///
    /// There is no limit but that for all, because many devices may share an address, behind a router, a mobile network's
    /// gateway or a load balancer. With a PROXY header the client's address counts, once it is known. Unix sockets do not
    /// count, nor does what a proxy opens for itself.
    max_per_address, with_max_per_address: usize = usize::MAX;
    /// What becomes of a connection beyond [`max_connections`](Self::max_connections): it waits to be accepted.
    at_limit, with_at_limit: AtLimit = AtLimit::Wait;
    /// How many connections wait in the system's backlog to be accepted: 1,024. The system may have a limit of its own.
    backlog, with_backlog: u32 = 1024;
    /// The longest header that is accepted: 16 KiB.
    max_header, with_max_header: u16 = 16 * 1024;
    /// The longest content that is collected to a whole message: 16 MiB. What streamed content may be, the handler says:
    /// [`ContentMode::Streamed`](super::ContentMode::Streamed).
    max_content, with_max_content: u64 = 16 * MIB as u64;
    /// How many bytes of memory may hold content of messages that are not whole yet, of all peers together: 256 MiB.
    /// While it is more, the connection that holds most is ended. Each worker has an equal share, which is exceeded by at
    /// most one message.
    max_collected, with_max_collected: usize = 256 * MIB;
    /// While more bytes than this are queued for a peer, nothing is read from it: 256 KiB.
    max_unread_replies, with_max_unread_replies: usize = MIB / 4;
    /// How many bytes may be queued for a peer that has something queued: 4 MiB, and at most half of a worker's share of
    /// [`max_queued_total`](Self::max_queued_total). A connection for which a message does not fit is closed, so that no
    /// peer misses a message and goes on. After at most [`max_unread_replies`](Self::max_unread_replies) bytes a message
    /// may be longer than this; whether it can stay, `max_queued_total` says.
    max_queued, with_max_queued: usize = 4 * MIB;
    /// How many bytes of memory may be held by what is queued for all peers together: 256 MiB. When all of it is taken but
    /// [`max_queued`](Self::max_queued) bytes, which a handler may need before it returns, the connection for which most is
    /// queued is ended, unless its peer takes some of it just then. Content that several peers share, in an `Arc` or by
    /// sending to [several](crate::server::To), counts once, and for each of them in part. Each worker has an equal share, which is
    /// exceeded by at most a message of its handler and one of each thread that sends from outside.
    max_queued_total, with_max_queued_total: usize = 256 * MIB;
    /// How many [replies](crate::server::Peer::reply_later) may be owed to a peer: 1,024. While as many are, nothing is read from
    /// it. Even at 0, one may be owed.
    max_pending_replies, with_max_pending_replies: u32 = 1024;
    /// The time from the acceptance of a connection until its messages may flow, where the listener has a PROXY header, TLS or
    /// both come first: 10 s for all of that. The connection counts as one from the beginning.
    handshake_timeout, with_handshake_timeout: Duration = Duration::from_secs(10);
    /// The time from the first byte of a message to the last of its header: 10 s.
    header_timeout, with_header_timeout: Duration = Duration::from_secs(10);
    /// The least rate of content, in bytes per second: 128. Measured over [`rate_window`](Self::rate_window), and
    /// not while the server itself does not want to read. Even at 0, something must come in each. Over TLS, content has come
    /// when its record has, whole: whoever sends less than 16 KiB in that time is to send shorter records.
    min_rate, with_min_rate: u64 = 128;
    /// The time over which the rate of content is measured: 10 s.
    rate_window, with_rate_window: Duration = Duration::from_secs(10);
    /// The time for which nothing may happen between messages: 5 minutes. It does not run while a peer is owed a
    /// [`Reply`](crate::server::Reply).
    idle_timeout, with_idle_timeout: Duration = Duration::from_secs(300);
    /// The time for which a peer may take nothing of what is queued for it, and over which the rate is measured at which
    /// it does: 2 minutes.
    ///
    /// What counts is what the systems pass on. A system that has no memory left for its reader lets nothing more come
    /// until much of it has been read: on Linux at least two segments, or about a tenth of the receive buffer. That is some
    /// 100 KB with the buffer that a connection begins with, and several hundred once it has grown to megabytes. A peer
    /// that takes longer than this to read so much seems to take nothing, whatever the rate: with 2 minutes, one that
    /// reads less than about 1 KB per second.
    write_timeout, with_write_timeout: Duration = Duration::from_secs(120);
    /// The least rate at which a peer takes what is queued for it, in bytes per second: 128. Even at 0,
    /// something must be taken. It can be measured no more finely than [`write_timeout`](Self::write_timeout) says.
    min_write_rate, with_min_write_rate: u64 = 128;
    /// For how long a connection is read after the last byte has been sent on it, so that the peer, which may still be
    /// sending, gets that byte: 10 s.
    linger, with_linger: Duration = Duration::from_secs(10);
    /// For how long the peer may send nothing in that time: 1 s.
    linger_silence, with_linger_silence: Duration = Duration::from_secs(1);
    /// How many bytes are read and discarded in that time: 256 MiB.
    linger_bytes, with_linger_bytes: u64 = 256 * MIB as u64;
}

/// What becomes of new connections when there are as many as there may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AtLimit {
    /// They wait in the backlog until others have ended.
    #[default]
    Wait,
    /// They are accepted and closed at once, with a [message](crate::server::Server::with_refusal) if there is one.
    Refuse,
    /// The connection that has been idle for longest, and for a second at least, is closed, as
    /// [`CloseReason::MadeRoom`](super::CloseReason::MadeRoom), and the new one has its place. So a peer cannot keep
    /// others out by an idle connection, nor by one on which it sends a message now and then.
    ///
    /// Idle is a connection on which no message is under way, nothing is queued and no
    /// [`Reply`](crate::server::Reply) owed; so is one whose handshake has not been completed, or that is being closed.
    /// What has arrived from its peer is read first. While none is idle, new ones wait: what keeps a place is a message under
    /// way, for as long as it keeps to its deadlines, such as [`Limits::min_rate`]. A peer whose connection was closed
    /// connects again when it needs to, as after [`Limits::idle_timeout`]; what it sends at that very moment is lost.
    ///
    /// Of several [workers](crate::server::Server::run_workers) each in turn closes that of its own connections that has been
    /// idle for longest, and serves the new one; if it has none, or does not come to it at once, any other one does. The
    /// new one is accepted before there is a place for it, so there may be one socket more than `max_connections`.
    CloseIdle,
}

//! Why a connection ends, and the last of it, in which what was sent last arrives.

use std::io;
use std::time::Instant;

use jsonframe::DecodeError;

use super::limits::Limits;

/// Why a connection has ended: [`Handler::disconnected`](crate::server::Handler::disconnected).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// The peer ended it after a whole message, and everything queued for it was sent.
    #[error("the peer has ended the connection")]
    Ended,
    /// The handler closed it.
    #[error("closed by the server")]
    ByHandler,
    /// The peer sent something else than a message, or more than the limits allow, or ended within a message.
    #[error("{0}")]
    Protocol(DecodeError),
    /// The peer was too slow.
    #[error("{0}")]
    Deadline(Deadline),
    /// A message for the peer did not fit, or the peer was the one for which most was queued when all together was too
    /// much: [`Limits::max_queued`](super::Limits::max_queued), [`Limits::max_queued_total`](super::Limits::max_queued_total).
    #[error("the peer does not read what is sent to it")]
    QueueFull,
    /// Of this peer most content was being collected when all together was too much
    /// ([`Limits::max_collected`](super::Limits::max_collected)), or the system has no memory for it.
    #[error("too much content is being collected")]
    CollectedTotal,
    /// A [`Reply`](crate::server::Reply) could not be sent, or the thread that had it panicked. The peer would have taken the next
    /// one for it.
    #[error("a reply was lost")]
    ReplyLost,
    /// The handler panicked over this connection.
    #[error("the handler panicked")]
    Panicked,
    /// The connection failed.
    #[error(transparent)]
    Io(io::Error),
    /// It had been idle for longest when another connection had no place: [`AtLimit::CloseIdle`](super::AtLimit::CloseIdle).
    #[error("closed to make room for another connection")]
    MadeRoom,
    /// The server was shut down when nothing was under way on it.
    #[error("the server has been shut down")]
    Shutdown,
    /// The server was shut down and the time for that was over before the connection was quiet.
    #[error("the server has been shut down, with the connection in use")]
    Abandoned,
}

impl CloseReason {
    /// Whether the peer can be told: it has not ended the connection itself, and is not known not to read.
    pub(crate) const fn can_be_told(&self) -> bool {
        match self {
            Self::Protocol(_) | Self::CollectedTotal | Self::MadeRoom | Self::Shutdown => true,
            Self::Deadline(deadline) => !matches!(deadline, Deadline::Write | Deadline::Handshake),
            _ => false,
        }
    }
}

/// Which time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Deadline {
    /// [`Limits::handshake_timeout`](super::Limits::handshake_timeout).
    #[error("the handshake took too long")]
    Handshake,
    /// [`Limits::header_timeout`](super::Limits::header_timeout).
    #[error("the header took too long")]
    Header,
    /// [`Limits::min_rate`](super::Limits::min_rate).
    #[error("the content came too slowly")]
    Content,
    /// [`Limits::idle_timeout`](super::Limits::idle_timeout).
    #[error("nothing happened for too long")]
    Idle,
    /// [`Peer::set_deadline`](crate::server::Peer::set_deadline).
    #[error("the time that the server has set is over")]
    Handler,
    /// [`Limits::write_timeout`](super::Limits::write_timeout) and
    /// [`Limits::min_write_rate`](super::Limits::min_write_rate).
    #[error("the peer took what was sent to it too slowly")]
    Write,
}

/// A connection that is being closed.
///
/// To close with bytes unread makes TCP reset the connection, and a reset makes the peer forget what it has not read yet.
/// So this side's half is closed first, and what the peer still sends is read and discarded, within bounds.
#[derive(Debug)]
pub(crate) struct Linger {
    pub(crate) reason: CloseReason,
    /// How many bytes may still be discarded.
    left: u64,
    /// Since when this side's half is being closed.
    since: Option<Instant>,
    /// Since when it is closed and the peer silent.
    silent_since: Option<Instant>,
}

impl Linger {
    pub(crate) const fn new(reason: CloseReason, left: u64) -> Self {
        Self { reason, left, since: None, silent_since: None }
    }

    /// Closes this side's half, all having been sent.
    pub(crate) fn half_close(&mut self, now: Instant, close: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        self.since.get_or_insert(now);
        close()?;
        self.silent_since = Some(now);
        Ok(())
    }

    pub(crate) const fn is_half_closed(&self) -> bool {
        self.silent_since.is_some()
    }

    /// Discards `count` bytes: false if they are too many by now.
    pub(crate) fn discard(&mut self, count: usize, now: Instant) -> bool {
        self.left = self.left.saturating_sub(count as u64);
        self.silent_since = self.silent_since.map(|_| now);
        self.left > 0
    }

    /// When it is over at the latest.
    pub(crate) fn due(&self, limits: &Limits) -> Option<Instant> {
        let until = self.since.and_then(|since| since.checked_add(limits.linger));
        let silent_until = self.silent_since.and_then(|since| since.checked_add(limits.linger_silence));
        until.into_iter().chain(silent_until).min()
    }
}

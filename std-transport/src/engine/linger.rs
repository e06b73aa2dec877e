//! The last of a connection, in which what was sent last arrives.
//!
//! To close with bytes unread makes TCP reset the connection, and a reset makes the peer forget what it has not read yet.
//! So this side's half is closed first, and what the peer still sends is read and discarded, within bounds.

use std::io;
use std::time::Instant;

use super::close_reason::CloseReason;
use super::limits::Limits;

/// A connection that is being closed.
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

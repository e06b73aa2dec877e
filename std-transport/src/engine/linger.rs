//! The last of a connection, in which what was sent last arrives.
//!
//! To close with bytes unread makes TCP reset the connection, and a reset makes the peer forget what it has not read yet.
//! So this side's half is closed first, and what the peer still sends is read and discarded, within bounds.

use std::time::Instant;

use super::close_reason::CloseReason;
use super::limits::Limits;

/// A connection that is being closed.
#[derive(Debug)]
pub(crate) struct Linger {
    pub(crate) reason: CloseReason,
    /// How many bytes may still be discarded.
    left: u64,
    /// Once this side's half is being closed, when the other one is given up.
    until: Option<Instant>,
    /// When the peer will have been silent for too long.
    silent_until: Option<Instant>,
    /// Whether this side's half is closed.
    pub(super) is_half_closed: bool,
}

impl Linger {
    pub(crate) const fn new(reason: CloseReason, limits: &Limits) -> Self {
        Self { reason, left: limits.linger_bytes, until: None, silent_until: None, is_half_closed: false }
    }

    /// This side's half is being closed, all having been sent.
    pub(crate) fn half_closing(&mut self, limits: &Limits, now: Instant) {
        if self.until.is_none() {
            self.until = now.checked_add(limits.linger);
        }
    }

    /// This side's half has been closed.
    pub(crate) fn half_closed(&mut self, limits: &Limits, now: Instant) {
        self.half_closing(limits, now);
        self.is_half_closed = true;
        self.silent_until = now.checked_add(limits.linger_silence);
    }

    /// Discards `count` bytes: false if they are too many by now.
    pub(crate) fn discard(&mut self, count: usize, limits: &Limits, now: Instant) -> bool {
        self.left = self.left.saturating_sub(count as u64);
        if self.is_half_closed {
            self.silent_until = now.checked_add(limits.linger_silence);
        }
        self.left > 0
    }

    /// When it is over at the latest.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.until.into_iter().chain(self.silent_until).min()
    }
}

//! How much a connection may do in its turn.

use std::time::{Duration, Instant};

use crate::server::observe::Figures;

/// How many messages are handled in a turn.
const MESSAGES: usize = 64;
/// How many bytes are read in a turn, about. What has been read is handled.
const BYTES_READ: usize = 256 * 1024;
/// How long a turn may take, about. Some messages take a hundred times as long to read as others of the same length. Tests that
/// count the messages of a turn are not to depend on it.
pub(crate) const WORK: Duration = if cfg!(test) { Duration::from_secs(3600) } else { Duration::from_micros(50) };

/// What a connection may still do in its turn, so that no peer delays the others.
#[derive(Debug)]
pub(crate) struct Budget {
    pub(crate) messages: usize,
    /// What has been read is handled all the same: kept until the next turn, it would take memory for itself.
    pub(crate) bytes: usize,
    /// When the turn is over.
    until: Instant,
    /// When it was last read, or the turn began, if somebody measures time.
    arrived: Option<Instant>,
}

impl Budget {
    /// For a turn that begins now.
    pub(crate) fn new(now: Instant, figures: &Figures) -> Self {
        Self { messages: MESSAGES, bytes: BYTES_READ, until: now + WORK, arrived: figures.now() }
    }

    /// A message has been handled; perhaps the last one of those that have come.
    pub(crate) fn spend_message(&mut self, is_last: bool, figures: &Figures) {
        self.messages = self.messages.saturating_sub(1);
        // After the last one it makes no difference how long the turn has taken.
        if !is_last || self.arrived.is_some() {
            let now = Instant::now();
            if self.until <= now {
                self.messages = 0;
            }
            figures.answered(self.arrived, now);
        }
    }

    /// Bytes have been read.
    pub(super) fn spend_bytes(&mut self, count: usize) {
        // Not after the first read, which takes little of that time.
        if self.bytes < BYTES_READ || self.arrived.is_some() {
            let now = Instant::now();
            if self.until <= now {
                self.bytes = 0;
            }
            self.arrived = self.arrived.map(|_| now);
        }
        self.bytes = self.bytes.saturating_sub(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_that_takes_too_long_is_over_after_the_message_it_is_at() {
        let figures = Figures::new();
        let mut budget = Budget::new(Instant::now(), &figures);
        budget.spend_message(false, &figures);
        budget.spend_bytes(1);
        assert_eq!((budget.messages, budget.bytes), (MESSAGES - 1, BYTES_READ - 1));
        budget.until = Instant::now();
        budget.spend_message(true, &figures);
        assert_eq!(budget.messages, MESSAGES - 2);
        budget.spend_message(false, &figures);
        assert_eq!(budget.messages, 0);
    }

    #[test]
    fn a_turn_that_takes_too_long_reads_no_more_and_is_over_once_what_was_read_is_handled() {
        let figures = Figures::new();
        let mut budget = Budget::new(Instant::now(), &figures);
        budget.until = Instant::now();
        budget.spend_bytes(1);
        assert_eq!((budget.messages, budget.bytes), (MESSAGES, BYTES_READ - 1));
        budget.spend_bytes(1);
        assert_eq!((budget.messages, budget.bytes), (MESSAGES, 0));
        budget.spend_message(false, &figures);
        assert_eq!(budget.messages, 0);
    }
}

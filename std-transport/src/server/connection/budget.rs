//! How much a connection may do in its turn.

use std::time::{Duration, Instant};

use crate::server::observe::Figures;

/// How many messages are handled in a turn.
const MESSAGES: usize = 64;
/// How many bytes are read in a turn, about.
pub(super) const BYTES_READ: usize = 256 * 1024;
/// How long a turn may take, about. Some messages take a hundred times as long to read as others of the same length. Tests that
/// count the messages of a turn are not to depend on it.
const WORK: Duration = if cfg!(test) { Duration::from_secs(3600) } else { Duration::from_micros(50) };

/// What a connection may still do in its turn, so that no peer delays the others.
#[derive(Debug)]
pub(crate) struct Budget {
    messages: usize,
    pub(super) bytes: usize,
    /// When the turn is over, once the first message has been handled or the first bytes have been read.
    until: Option<Instant>,
    /// When it was last read, or the turn began, if somebody measures time.
    arrived: Option<Instant>,
}

impl Budget {
    pub(super) fn new(figures: &Figures) -> Self {
        Self { messages: MESSAGES, bytes: BYTES_READ, until: None, arrived: figures.now() }
    }

    pub(super) const fn is_spent(&self) -> bool {
        self.messages == 0 || self.bytes == 0
    }

    /// A message has been handled; perhaps the last one of those that have come.
    pub(crate) fn spend_message(&mut self, is_last: bool, figures: &Figures) {
        self.messages = self.messages.saturating_sub(1);
        // After the last one it makes no difference how long the turn has taken.
        if !is_last || self.arrived.is_some() {
            let now = self.look_at_clock();
            figures.answered(self.arrived, now);
        }
    }

    /// Bytes have been read.
    pub(super) fn spend_bytes(&mut self, count: usize) {
        self.bytes = self.bytes.saturating_sub(count);
        let now = self.look_at_clock();
        self.arrived = self.arrived.map(|_| now);
    }

    /// What counts is the time of the machine, for it is about the processor.
    fn look_at_clock(&mut self) -> Instant {
        let now = Instant::now();
        match self.until {
            None => self.until = Some(now + WORK),
            Some(until) if until <= now => self.messages = 0,
            Some(_) => {}
        }
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_that_takes_too_long_is_over_after_the_message_it_is_at() {
        let figures = Figures::new();
        let mut budget = Budget::new(&figures);
        budget.spend_message(false, &figures);
        budget.spend_bytes(1);
        assert_eq!((budget.messages, budget.bytes), (MESSAGES - 1, BYTES_READ - 1));
        budget.until = Some(Instant::now());
        budget.spend_message(true, &figures);
        assert_eq!(budget.messages, MESSAGES - 2);
        budget.spend_message(false, &figures);
        assert_eq!(budget.messages, 0);
    }
}

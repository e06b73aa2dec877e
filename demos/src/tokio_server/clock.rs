//! Which time runs for a peer, and when it is over.

use std::time::Duration;

use jsonframe_std::server::Deadline;
use tokio::time::Instant;

use super::limits::Limits;

/// What is awaited of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// A message.
    Idle,
    /// The rest of its header.
    Header,
    /// The rest of its content.
    Content,
}

/// The time that runs while a message is awaited.
#[derive(Debug)]
pub(super) struct Clock<'l> {
    limits: &'l Limits,
    phase: Phase,
    pace: Pace,
}

impl<'l> Clock<'l> {
    pub(super) fn new(limits: &'l Limits, now: Instant) -> Self {
        Self { limits, phase: Phase::Idle, pace: Pace::new(limits.idle_timeout.into(), 0, now) }
    }

    /// What is awaited now, and how much of the content there is: until when there is time.
    pub(super) fn look(&mut self, phase: Phase, content: u64, now: Instant) -> Result<Instant, Deadline> {
        if phase != self.phase {
            self.phase = phase;
            self.pace = match phase {
                Phase::Idle => Pace::new(self.limits.idle_timeout.into(), 0, now),
                Phase::Header => Pace::new(self.limits.header_timeout.into(), 0, now),
                Phase::Content => Pace::new(self.limits.rate_window.into(), self.limits.min_rate, now),
            };
        }
        // Of a header no progress counts: it may not take longer than it may take.
        let progress = if phase == Phase::Content { content } else { 0 };
        let slow = match phase {
            Phase::Idle => Deadline::Idle,
            Phase::Header => Deadline::Header,
            Phase::Content => Deadline::Content,
        };
        self.pace.look(progress, now).ok_or(slow)
    }
}

/// A least rate, measured over one stretch of time after another.
#[derive(Debug)]
pub(super) struct Pace {
    window: Duration,
    /// How many bytes must come in each.
    least: u128,
    since: Instant,
    /// How many had come when this one began.
    before: u64,
}

impl Pace {
    /// A pace of so many bytes a second, and of one in the whole time at the least.
    pub(super) fn new(window: Duration, rate: u64, now: Instant) -> Self {
        let least = (u128::from(rate) * window.as_millis() / 1000).max(1);
        Self { window, least, since: now, before: 0 }
    }

    /// With so many bytes in all until now: until when there is time for more, or nothing if they are too few.
    pub(super) fn look(&mut self, bytes: u64, now: Instant) -> Option<Instant> {
        if now.duration_since(self.since) >= self.window {
            if u128::from(bytes - self.before) < self.least {
                return None;
            }
            (self.since, self.before) = (now, bytes);
        }
        Some(self.since + self.window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_measured_over_each_window() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut pace = Pace::new(Duration::from_millis(500), 100, start);
        assert_eq!(pace.look(0, at(499)), Some(at(500)));
        assert_eq!(pace.look(50, at(500)), Some(at(1000)));
        assert_eq!(pace.look(90, at(900)), Some(at(1000)));
        assert_eq!(pace.look(99, at(1000)), None);
    }

    #[test]
    fn without_a_rate_something_must_come() {
        let start = Instant::now();
        let mut pace = Pace::new(Duration::from_secs(1), 0, start);
        assert_eq!(pace.look(1, start + Duration::from_secs(1)), Some(start + Duration::from_secs(2)));
        assert_eq!(pace.look(1, start + Duration::from_secs(2)), None);
    }
}

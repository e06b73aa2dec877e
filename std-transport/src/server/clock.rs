//! How long a peer may take.

use std::time::Instant;

use super::{Deadline, Limits};

/// What is being received, and since when; and since when nothing could be sent.
#[derive(Debug)]
pub(super) struct Clock {
    phase: Phase,
    /// When the phase began; for content, when its rate was last measured; for idleness, when something last happened.
    since: Instant,
    /// How much content has come since then.
    received: u64,
    /// When the peer last took something, if something is queued.
    unsent_since: Option<Instant>,
}

/// What the peer is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Between messages.
    Idle,
    Header,
    Content,
    /// Nothing, because the server does not read or the peer sends no more.
    Suspended,
}

/// For how long nothing has been due, as far as a clock is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    pub(super) at: Instant,
    pub(super) which: Deadline,
}

impl Clock {
    pub(super) const fn new(now: Instant) -> Self {
        Self { phase: Phase::Idle, since: now, received: 0, unsent_since: None }
    }

    /// When something last happened.
    pub(super) const fn since(&self) -> Instant {
        self.since
    }

    /// Begins a phase, or begins the same one again.
    pub(super) const fn begin(&mut self, phase: Phase, now: Instant) {
        (self.phase, self.since, self.received) = (phase, now, 0);
    }

    /// Goes on with a phase, or begins it.
    pub(super) fn go_on(&mut self, phase: Phase, now: Instant) {
        if self.phase != phase {
            self.begin(phase, now);
        }
    }

    /// Bytes have come.
    pub(super) fn receive(&mut self, count: usize, now: Instant) {
        self.received = self.received.saturating_add(count as u64);
        self.act(now);
    }

    /// Something has happened, so the peer is not idle.
    fn act(&mut self, now: Instant) {
        if self.phase == Phase::Idle {
            self.since = now;
        }
    }

    /// So much was queued, and so much is now.
    pub(super) fn flush(&mut self, before: usize, after: usize, now: Instant) {
        if after < before {
            self.act(now);
        }
        if after == 0 {
            self.unsent_since = None;
        } else if after < before || self.unsent_since.is_none() {
            self.unsent_since = Some(now);
        }
    }

    /// What is due next.
    pub(super) fn due(&self, limits: &Limits) -> Option<Due> {
        let due = |since: Instant, time, which| since.checked_add(time).map(|at| Due { at, which });
        let receiving = match self.phase {
            Phase::Idle if self.unsent_since.is_some() => None,
            Phase::Idle => due(self.since, limits.idle_deadline, Deadline::Idle),
            Phase::Header => due(self.since, limits.header_deadline, Deadline::Header),
            Phase::Content => due(self.since, limits.content_window, Deadline::Content),
            Phase::Suspended => None,
        };
        let sending = self.unsent_since.and_then(|since| due(since, limits.write_deadline, Deadline::Write));
        receiving.into_iter().chain(sending).min_by_key(|due| due.at)
    }

    /// The deadline that is over, if one is.
    pub(super) fn expired(&mut self, limits: &Limits, now: Instant) -> Option<Deadline> {
        let due = self.due(limits).filter(|due| due.at <= now)?;
        if due.which == Deadline::Content && self.received >= floor(limits) {
            self.begin(Phase::Content, now);
            return None;
        }
        Some(due.which)
    }
}

/// How much content must come in a window.
fn floor(limits: &Limits) -> u64 {
    let milliseconds = u64::try_from(limits.content_window.as_millis()).unwrap_or(u64::MAX);
    limits.content_floor.saturating_mul(milliseconds) / 1000
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn expired_after(clock: &mut Clock, seconds: u64, start: Instant) -> Option<Deadline> {
        clock.expired(&Limits::default(), start + Duration::from_secs(seconds))
    }

    #[test]
    fn an_idle_peer_has_five_minutes_from_what_happened_last() {
        let start = Instant::now();
        let mut clock = Clock::new(start);
        clock.receive(1, start + Duration::from_secs(100));
        assert_eq!(expired_after(&mut clock, 399, start), None);
        assert_eq!(expired_after(&mut clock, 400, start), Some(Deadline::Idle));
    }

    #[test]
    fn bytes_do_not_prolong_the_deadline_for_a_header() {
        let start = Instant::now();
        let mut clock = Clock::new(start);
        for second in 0..10 {
            clock.go_on(Phase::Header, start + Duration::from_secs(second));
            clock.receive(1, start + Duration::from_secs(second));
            assert_eq!(expired_after(&mut clock, second, start), None);
        }
        assert_eq!(expired_after(&mut clock, 10, start), Some(Deadline::Header));
    }

    #[test]
    fn content_must_come_at_the_floor_in_every_window() {
        let start = Instant::now();
        let mut clock = Clock::new(start);
        clock.begin(Phase::Content, start);
        // A burst does not buy silence later on.
        clock.receive(1_000_000, start);
        assert_eq!(expired_after(&mut clock, 10, start), None);
        clock.receive(1_279, start);
        assert_eq!(expired_after(&mut clock, 20, start), Some(Deadline::Content));
        clock.receive(1, start);
        assert_eq!(expired_after(&mut clock, 20, start), None);
    }

    #[test]
    fn a_peer_that_takes_nothing_has_half_a_minute() {
        let start = Instant::now();
        let mut clock = Clock::new(start);
        clock.begin(Phase::Suspended, start);
        clock.flush(10, 10, start);
        clock.flush(10, 9, start + Duration::from_secs(20));
        clock.flush(9, 9, start + Duration::from_secs(40));
        assert_eq!(expired_after(&mut clock, 49, start), None);
        assert_eq!(expired_after(&mut clock, 50, start), Some(Deadline::Write));
        clock.flush(9, 0, start + Duration::from_secs(50));
        assert_eq!(expired_after(&mut clock, 1_000_000, start), None);
    }
}

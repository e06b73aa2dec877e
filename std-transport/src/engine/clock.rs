//! How long a peer may take: the deadlines of a connection, of which none looks at a clock of its own.

use std::time::{Duration, Instant};

use super::closing::Deadline;
use super::limits::Limits;

/// What is being received, and since when; and how what is queued is taken.
#[derive(Debug)]
pub(crate) struct Clock {
    pub(crate) phase: Phase,
    /// When the phase began; for content, when its rate was last measured; for idleness, when something last happened.
    since: Instant,
    /// How much content has come since then.
    received: u64,
    /// There if something is queued.
    unsent: Option<Unsent>,
}

/// How what is queued is taken.
#[derive(Clone, Copy, Debug)]
struct Unsent {
    /// Since when something has been queued, or when the rate was last measured.
    since: Instant,
    /// How much the peer has taken since then.
    taken: u64,
}

/// What the peer is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Before the messages: whatever the stream needs until they may flow.
    Opening,
    /// Between messages.
    Idle,
    Header,
    Content,
    /// Nothing, because nothing is read or the peer sends no more.
    Suspended,
    /// Nothing more, because the connection is being closed.
    Closing,
}

impl Clock {
    pub(crate) const fn new(now: Instant) -> Self {
        Self { phase: Phase::Idle, since: now, received: 0, unsent: None }
    }

    /// Since when something has been queued, or when the rate at which it is taken was last measured.
    pub(crate) fn unsent_since(&self) -> Option<Instant> {
        self.unsent.map(|unsent| unsent.since)
    }

    /// Since when nothing has been received of a message or done for one, if nothing is.
    pub(crate) fn spare_since(&self) -> Option<Instant> {
        matches!(self.phase, Phase::Opening | Phase::Idle | Phase::Closing).then_some(self.since)
    }

    /// Whether the peer is at its messages.
    pub(crate) const fn is_open(&self) -> bool {
        !matches!(self.phase, Phase::Opening | Phase::Closing)
    }

    /// Begins a phase, or begins the same one again.
    pub(crate) const fn begin(&mut self, phase: Phase, now: Instant) {
        (self.phase, self.since, self.received) = (phase, now, 0);
    }

    /// Goes on with a phase, or begins it, between what precedes the messages and what follows them.
    pub(crate) fn go_on(&mut self, phase: Phase, now: Instant) {
        if self.phase != phase && self.is_open() {
            self.begin(phase, now);
        }
    }

    /// Bytes have come.
    pub(crate) fn receive(&mut self, count: usize, now: Instant) {
        self.received = self.received.saturating_add(count as u64);
        self.act(now);
    }

    /// Something has happened, so the peer is not idle.
    fn act(&mut self, now: Instant) {
        if self.phase == Phase::Idle {
            self.since = now;
        }
    }

    /// The peer has taken `taken` bytes, and `queued` bytes are left.
    pub(crate) fn write(&mut self, taken: usize, queued: usize, now: Instant) {
        if taken > 0 {
            self.act(now);
        }
        if queued == 0 {
            self.unsent = None;
        } else {
            let unsent = self.unsent.get_or_insert(Unsent { since: now, taken: 0 });
            unsent.taken = unsent.taken.saturating_add(taken as u64);
        }
    }

    /// When something is due next, and what.
    pub(crate) fn due(&self, limits: &Limits) -> Option<(Instant, Deadline)> {
        let due = |since: Instant, time, which| Some((since.checked_add(time)?, which));
        let receiving = match self.phase {
            Phase::Opening => due(self.since, limits.handshake_timeout, Deadline::Handshake),
            Phase::Idle if self.unsent.is_some() => None,
            Phase::Idle => due(self.since, limits.idle_timeout, Deadline::Idle),
            Phase::Header => due(self.since, limits.header_timeout, Deadline::Header),
            Phase::Content => due(self.since, limits.rate_window, Deadline::Content),
            Phase::Suspended | Phase::Closing => None,
        };
        let sending = self.unsent.and_then(|unsent| due(unsent.since, limits.write_timeout, Deadline::Write));
        receiving.into_iter().chain(sending).min_by_key(|(at, _)| *at)
    }

    /// The deadline that is over, if one is. A peer that keeps to the least rate gets as much time again.
    pub(crate) fn expired(&mut self, limits: &Limits, now: Instant) -> Option<Deadline> {
        let (_, which) = self.due(limits).filter(|(at, _)| *at <= now)?;
        match (which, self.unsent) {
            (Deadline::Content, _) if self.received >= at_rate(limits.min_rate, limits.rate_window) => {
                self.begin(Phase::Content, now);
            }
            (Deadline::Write, Some(unsent)) if unsent.taken >= at_rate(limits.min_write_rate, limits.write_timeout) => {
                self.unsent = Some(Unsent { since: now, taken: 0 });
            }
            (which, _) => return Some(which),
        }
        None
    }
}

/// How many bytes must move in a time, at a rate in bytes per second.
fn at_rate(floor: u64, time: Duration) -> u64 {
    let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    // Whatever the rate is, not to move at all is not enough.
    (floor.saturating_mul(milliseconds) / 1000).max(1)
}

#[cfg(test)]
mod tests {
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
    fn bytes_do_not_prolong_the_deadline_for_what_precedes_the_messages() {
        let start = Instant::now();
        let mut clock = Clock::new(start);
        assert!(clock.is_open());
        clock.begin(Phase::Opening, start);
        clock.go_on(Phase::Idle, start);
        assert!(!clock.is_open());
        clock.receive(1, start + Duration::from_secs(9));
        assert_eq!(expired_after(&mut clock, 9, start), None);
        assert_eq!(expired_after(&mut clock, 10, start), Some(Deadline::Handshake));
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
    fn a_peer_that_takes_nothing_has_two_minutes() {
        let start = Instant::now();
        let mut clock = Clock::new(start);
        clock.begin(Phase::Suspended, start);
        clock.write(0, 10, start);
        assert_eq!(expired_after(&mut clock, 119, start), None);
        assert_eq!(expired_after(&mut clock, 120, start), Some(Deadline::Write));
        clock.write(10, 0, start + Duration::from_secs(120));
        assert_eq!(expired_after(&mut clock, 1_000_000, start), None);
    }

    #[test]
    fn what_is_queued_must_be_taken_at_the_floor_in_every_window() {
        let start = Instant::now();
        let mut clock = Clock::new(start);
        clock.begin(Phase::Suspended, start);
        // Two minutes at 128 bytes a second.
        clock.write(15_360, 1_000_000, start);
        assert_eq!(expired_after(&mut clock, 120, start), None);
        // A byte a second is progress, and too slow.
        for second in 121..240 {
            clock.write(1, 999, start + Duration::from_secs(second));
            assert_eq!(expired_after(&mut clock, second, start), None);
        }
        assert_eq!(expired_after(&mut clock, 240, start), Some(Deadline::Write));
    }

    /// As Linux passed it on: from a reader of 2,856 bytes a second, the receive buffer as it is by default; and from one
    /// of 20,000, with a receive buffer of 8 MiB.
    #[test]
    fn a_reader_of_whom_the_system_tells_only_now_and_then_is_not_too_slow() {
        for steps in [&[(25, 67_584), (70, 95_232), (115, 124_928), (160, 95_232)][..], &[(36, 709_760), (72, 709_760)]]
        {
            let start = Instant::now();
            let mut clock = Clock::new(start);
            clock.begin(Phase::Suspended, start);
            clock.write(4_000_000, 6_000_000, start);
            let mut elapsed = 0;
            for (second, bytes) in steps {
                for elapsed in elapsed..*second {
                    assert_eq!(expired_after(&mut clock, elapsed, start), None, "after {elapsed} seconds");
                }
                elapsed = *second;
                clock.write(*bytes, 6_000_000, start + Duration::from_secs(elapsed));
            }
        }
    }

    #[test]
    fn without_a_floor_something_must_move_all_the_same() {
        let mut limits = Limits::default();
        (limits.min_rate, limits.min_write_rate) = (0, 0);
        let start = Instant::now();
        let mut clock = Clock::new(start);
        clock.begin(Phase::Content, start);
        assert_eq!(clock.expired(&limits, start + limits.rate_window), Some(Deadline::Content));
        clock.receive(1, start);
        assert_eq!(clock.expired(&limits, start + limits.rate_window), None);
        clock.begin(Phase::Suspended, start);
        clock.write(0, 10, start);
        assert_eq!(clock.expired(&limits, start + limits.write_timeout), Some(Deadline::Write));
        clock.write(1, 9, start);
        assert_eq!(clock.expired(&limits, start + limits.write_timeout), None);
    }
}

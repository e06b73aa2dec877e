//! When requests are due.

use std::time::{Duration, Instant};

/// The times at which requests are due, one after the other.
#[derive(Debug)]
pub(super) struct Pace {
    start: Instant,
    end: Instant,
    /// Requests per second; without, they are due at any time.
    rate: Option<f64>,
    /// How many have been taken.
    taken: u64,
}

impl Pace {
    pub(super) fn new(start: Instant, duration: Duration, rate: Option<f64>) -> Self {
        Self { start, end: start + duration, rate, taken: 0 }
    }

    /// When sending ends.
    pub(super) const fn end(&self) -> Instant {
        self.end
    }

    /// Ends sending before its time, if it has not ended yet.
    pub(super) fn stop(&mut self, now: Instant) {
        self.end = self.end.min(now);
    }

    /// Takes the next request if it is due, for the time from which its latency counts.
    pub(super) fn take(&mut self, now: Instant) -> Option<Instant> {
        let due = self.next(now);
        if due > now || now >= self.end {
            return None;
        }
        self.taken += 1;
        Some(due)
    }

    /// When the next one is due.
    pub(super) fn next(&self, now: Instant) -> Instant {
        self.rate.map_or(now, |rate| self.start + Duration::from_secs_f64(in_f64(self.taken) / rate))
    }

    /// How many were due that have not been taken, at the end.
    pub(super) fn left(&self) -> u64 {
        let Some(rate) = self.rate else { return 0 };
        let due = ((self.end - self.start).as_secs_f64() * rate).ceil();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, and saturating")]
        let due = due as u64;
        due.saturating_sub(self.taken)
    }
}

/// Near enough: a count of requests has less than 53 bits.
#[expect(clippy::cast_precision_loss, reason = "as said above")]
pub(super) const fn in_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_due_at_the_rate_whoever_is_late() {
        let start = Instant::now();
        let mut pace = Pace::new(start, Duration::from_secs(1), Some(10.0));
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        assert_eq!(pace.take(at(0)), Some(at(0)));
        assert_eq!(pace.take(at(99)), None);
        // Nobody took any for half a second: those are due since then.
        for due in [100, 200, 300, 400, 500] {
            assert_eq!(pace.take(at(550)), Some(at(due)));
        }
        assert_eq!(pace.take(at(550)), None);
        assert_eq!(pace.next(at(550)), at(600));
        assert_eq!(pace.take(at(1000)), None);
        assert_eq!(pace.left(), 4);
    }

    #[test]
    fn what_would_have_been_due_after_a_stop_is_not() {
        let start = Instant::now();
        let mut pace = Pace::new(start, Duration::from_secs(1), Some(10.0));
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        pace.stop(at(500));
        assert_eq!((pace.end(), pace.left()), (at(500), 5));
        pace.stop(at(2000));
        assert_eq!(pace.end(), at(500));
    }

    #[test]
    fn without_a_rate_requests_are_due_until_the_end() {
        let start = Instant::now();
        let mut pace = Pace::new(start, Duration::from_secs(1), None);
        let now = start + Duration::from_millis(999);
        assert_eq!((pace.take(now), pace.take(now)), (Some(now), Some(now)));
        assert_eq!(pace.take(pace.end()), None);
        assert_eq!(pace.left(), 0);
    }
}

//! How many answers came when.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::pace::in_f64;

/// Into how many parts the time is divided in which requests are sent, at the most.
const PARTS: u32 = 50;

/// The shortest part.
const SHORTEST: Duration = Duration::from_millis(100);

/// The answers of each part of the time, all of which are equally long.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Timeline {
    /// How long a part is.
    seconds: f64,
    /// How many answers came in each.
    answered: Vec<u64>,
}

impl Timeline {
    /// An empty one, for a measurement that is to last so long.
    pub(super) fn new(duration: Duration) -> Self {
        Self { seconds: (duration / PARTS).max(SHORTEST).as_secs_f64(), answered: Vec::new() }
    }

    /// Counts an answer. The time counts from the start; whoever has no duration counts none.
    pub(super) fn count(&mut self, start: Instant, now: Instant) {
        if self.seconds > 0.0 {
            let index = self.index(now.saturating_duration_since(start).as_secs_f64());
            if self.answered.len() <= index {
                self.answered.resize(index + 1, 0);
            }
            self.answered[index] += 1;
        }
    }

    /// Adds what was measured after this many seconds.
    pub(super) fn add(&mut self, after: f64, other: &Self) {
        if self.seconds <= 0.0 {
            self.seconds = other.seconds;
        }
        if other.answered.is_empty() {
            return;
        }
        let first = self.index(after);
        let length = self.answered.len().max(first + other.answered.len());
        self.answered.resize(length, 0);
        for (sum, more) in self.answered[first..].iter_mut().zip(&other.answered) {
            *sum += more;
        }
    }

    /// The end of each part, in seconds, and how many answers came in it each second, of a measurement that lasted so long. A
    /// last part of which less than half is there says nothing.
    pub(super) fn rates(&self, lasted: f64) -> impl Iterator<Item = (f64, f64)> {
        let rate = move |(index, count): (u64, &u64)| {
            let start = in_f64(index) * self.seconds;
            let length = self.seconds.min(lasted - start);
            (2.0 * length >= self.seconds).then(|| (start + length, in_f64(*count) / length))
        };
        (0..).zip(&self.answered).filter_map(rate)
    }

    fn index(&self, seconds: f64) -> usize {
        // An hour more than was planned is too late for any answer.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count, and saturating")]
        let index = (seconds / self.seconds) as usize;
        index.min(100_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_in_the_part_in_which_they_came() {
        let start = Instant::now();
        let mut timeline = Timeline::new(Duration::from_secs(50));
        for milliseconds in [0, 999, 1000, 3500] {
            timeline.count(start, start + Duration::from_millis(milliseconds));
        }
        assert_eq!(timeline.answered, [2, 1, 0, 1]);
        let mut sum = Timeline::default();
        sum.add(0.0, &timeline);
        sum.add(3.0, &timeline);
        assert_eq!(sum.answered, [2, 1, 0, 3, 1, 0, 1]);
        assert_eq!(timeline.rates(3.5).collect::<Vec<_>>(), [(1.0, 2.0), (2.0, 1.0), (3.0, 0.0), (3.5, 2.0)]);
        assert_eq!(timeline.rates(3.4).count(), 3);
    }

    #[test]
    fn parts_are_no_shorter_than_a_tenth_of_a_second() {
        let start = Instant::now();
        let mut timeline = Timeline::new(Duration::from_millis(1));
        timeline.count(start, start + Duration::from_millis(99));
        assert_eq!(timeline.rates(1.0).collect::<Vec<_>>(), [(0.1, 10.0)]);
    }
}

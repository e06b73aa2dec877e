//! Lines about what peers can make happen as often as they like: a few at once, then one a second.

use std::fmt::{self, Display, Formatter};
use std::time::{Duration, Instant};

/// How long it takes until one more line may be written.
const PAUSE: Duration = Duration::from_secs(1);

/// Decides which of many occurrences are worth a line.
#[derive(Debug)]
pub(super) struct Seldom {
    /// How many lines there may be at once.
    burst: u32,
    left: u32,
    /// Since when another line has been in the making.
    since: Option<Instant>,
    unsaid: u64,
}

/// How many occurrences went without a line since the last one, to be put at the end of the next; nothing for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct More(u64);

impl Seldom {
    pub(super) const fn new(burst: u32) -> Self {
        Self { burst, left: burst, since: None, unsaid: 0 }
    }

    /// Whether this occurrence is to be told of.
    pub(super) fn admit(&mut self, now: Instant) -> Option<More> {
        if self.take(now) {
            return Some(More(std::mem::take(&mut self.unsaid)));
        }
        self.unsaid += 1;
        None
    }

    /// How many occurrences went without a line, if there are any and it is time to say so without a further one.
    pub(super) fn overdue(&mut self, now: Instant) -> Option<u64> {
        (self.unsaid > 0 && self.take(now)).then(|| std::mem::take(&mut self.unsaid))
    }

    /// Whether some occurrences are still to be told of.
    pub(super) const fn owes(&self) -> bool {
        self.unsaid > 0
    }

    /// The same at the end of the program, when there is no time to wait.
    pub(super) const fn rest(&mut self) -> u64 {
        std::mem::replace(&mut self.unsaid, 0)
    }

    fn take(&mut self, now: Instant) -> bool {
        let since = *self.since.get_or_insert(now);
        let made = now.saturating_duration_since(since).as_secs() / PAUSE.as_secs();
        if made > 0 {
            self.left = self.burst.min(self.left.saturating_add(u32::try_from(made).unwrap_or(u32::MAX)));
            self.since = Some(now);
        }
        let taken = self.left > 0;
        // While none is missing, none is in the making.
        if taken && self.left == self.burst {
            self.since = Some(now);
        }
        self.left -= u32::from(taken);
        taken
    }
}

impl Display for More {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0 > 0 { write!(f, "; {} more since the last such line", self.0) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_line_a_second_and_no_occurrence_is_forgotten() {
        let start = Instant::now();
        let mut seldom = Seldom::new(1);
        let mut at = |milliseconds| {
            seldom.admit(start + Duration::from_millis(milliseconds)).map(|more| format!("it happened{more}"))
        };
        assert_eq!(at(0).as_deref(), Some("it happened"));
        assert_eq!(at(20), None);
        assert_eq!(at(999), None);
        assert_eq!(at(1000).as_deref(), Some("it happened; 2 more since the last such line"));
        assert_eq!(at(1999), None);
        assert_eq!(at(5000).as_deref(), Some("it happened; 1 more since the last such line"));
        assert_eq!(at(6000).as_deref(), Some("it happened"));
    }

    #[test]
    fn a_few_lines_may_come_at_once() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut seldom = Seldom::new(3);
        assert_eq!((0..10).filter(|_| seldom.admit(at(0)).is_some()).count(), 3);
        assert_eq!(seldom.overdue(at(0)), None);
        assert_eq!(seldom.admit(at(1)), Some(More(7)));
        assert_eq!(seldom.admit(at(1)), None);
        assert_eq!((seldom.overdue(at(2)), seldom.overdue(at(9))), (Some(1), None));
        assert_eq!((0..10).filter(|_| seldom.admit(at(99)).is_some()).count(), 3);
        assert_eq!((seldom.rest(), seldom.rest()), (7, 0));
    }
}

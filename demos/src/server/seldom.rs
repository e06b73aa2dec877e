//! Lines about what may happen very often, at most one a second.

use std::fmt::{self, Display, Formatter};
use std::time::{Duration, Instant};

/// How long nothing is said after a line.
const PAUSE: Duration = Duration::from_secs(1);

/// Decides which of many occurrences are worth a line.
#[derive(Debug, Default)]
pub(crate) struct Seldom {
    said: Option<Instant>,
    unsaid: u64,
}

/// How many occurrences went without a line since the last one, to be put at the end of the next; nothing for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct More(u64);

impl Seldom {
    /// Whether this occurrence is to be told of.
    pub(crate) fn admit(&mut self, now: Instant) -> Option<More> {
        if self.said.is_some_and(|said| now.saturating_duration_since(said) < PAUSE) {
            self.unsaid += 1;
            return None;
        }
        self.said = Some(now);
        Some(More(std::mem::take(&mut self.unsaid)))
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
        let mut seldom = Seldom::default();
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
}

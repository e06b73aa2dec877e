//! When to connect again.

use std::time::Duration;

use crate::Backoff;

/// Attempts to connect: later and later, until a connection has proven to be of use.
#[derive(Debug)]
pub(crate) struct Retries {
    backoff: Backoff,
    /// What is left of the series of attempts under way.
    series: Option<Backoff>,
    at_once: bool,
}

impl Retries {
    pub(crate) const fn new(backoff: Backoff) -> Self {
        Self { backoff, series: None, at_once: false }
    }

    /// A message has come over a connection: the next attempt is made at once, and begins a new series.
    pub(crate) fn reset(&mut self) {
        (self.series, self.at_once) = (None, true);
    }

    /// How long to wait before the next attempt. `None` if it is not to be made until somebody asks for it.
    pub(crate) fn next_delay(&mut self) -> Option<Duration> {
        if std::mem::take(&mut self.at_once) {
            return Some(Duration::ZERO);
        }
        let delay = self.series.get_or_insert_with(|| self.backoff.clone()).next();
        if delay.is_none() {
            self.series = None;
        }
        delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_of_attempts_ends_and_begins_anew() {
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(1)).with_attempts(3);
        let mut retries = Retries::new(backoff);
        for _ in 0..2 {
            assert!(retries.next_delay().is_some_and(|delay| !delay.is_zero()));
            assert!(retries.next_delay().is_some());
            assert_eq!(retries.next_delay(), None);
        }
        retries.reset();
        assert_eq!(retries.next_delay(), Some(Duration::ZERO));
        assert!(retries.next_delay().is_some_and(|delay| !delay.is_zero()));
    }
}

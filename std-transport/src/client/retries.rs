//! When to connect, and to connect again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::link::Link;
use super::shared::Shared;
use crate::{Backoff, Error};

/// Decides when a driver connects: when there are requests or pushes are wanted, and after a failure later and later, until a
/// connection has proven to be of use.
#[derive(Debug)]
pub(crate) struct Retries<'s> {
    shared: &'s Shared,
    takes_pushes: bool,
    /// Whether to connect though there are no requests.
    is_eager: bool,
    /// What remains of the series of attempts under way.
    series: Option<Backoff>,
    connected_at: Instant,
}

impl<'s> Retries<'s> {
    pub(crate) fn new(shared: &'s Shared, takes_pushes: bool) -> Self {
        Self { shared, takes_pushes, is_eager: takes_pushes, series: None, connected_at: (shared.now)() }
    }

    /// Whether a connection is of use now.
    pub(crate) fn is_wanted(&self) -> bool {
        self.is_eager || self.shared.has_requests()
    }

    /// Notes the outcome of an attempt to connect, and returns what moves messages over the connection.
    pub(crate) fn attempted(&mut self, is_connected: bool) -> Link {
        self.shared.connected(is_connected);
        self.connected_at = (self.shared.now)();
        Link::new(&self.shared.options)
    }

    /// Notes that the attempt has failed or the connection is lost. Returns how long to wait before the next attempt.
    ///
    /// After a connection that was of use that is no time. Where there are no more attempts it is none either, but a connection is
    /// not [wanted](Self::is_wanted) until somebody calls.
    #[must_use = "without a pause a server that fails would be called without end"]
    pub(crate) fn failed(&mut self, link: Link, why: Error) -> Duration {
        let (shared, why) = (self.shared, Arc::new(why));
        let backoff = &shared.options.backoff;
        // A message that is no reply proves little: a server may greet, and close.
        let lasted = (shared.now)().saturating_duration_since(self.connected_at);
        let was_of_use = link.has_replied || link.has_received && lasted >= backoff.longest();
        shared.lost(link.into_unsent(), &why);
        if was_of_use {
            (self.series, self.is_eager) = (None, self.takes_pushes);
            return Duration::ZERO;
        }
        self.series.get_or_insert_with(|| backoff.clone()).next().unwrap_or_else(|| {
            shared.unreachable(&why);
            (self.series, self.is_eager) = (None, false);
            Duration::ZERO
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::task::Waker;

    use super::*;
    use crate::client::Options;

    /// What is shared by calls with this time between attempts, of which there are three.
    fn shared(time: Duration) -> Shared {
        let options = Options::default().with_backoff(Backoff::new(time, time).with_attempts(3));
        Shared::new(options, Instant::now, Waker::noop().clone())
    }

    fn fail(retries: &mut Retries<'_>, is_connected: bool, has_received: bool, has_replied: bool) -> Duration {
        let mut link = retries.attempted(is_connected);
        (link.has_received, link.has_replied) = (has_received, has_replied);
        retries.failed(link, Error::Io(ErrorKind::ConnectionReset.into()))
    }

    #[test]
    fn a_series_of_attempts_ends_and_begins_anew() {
        let shared = shared(Duration::from_secs(1000));
        let mut retries = Retries::new(&shared, true);
        for _ in 0..2 {
            assert!(!fail(&mut retries, false, false, false).is_zero());
            // A server that greets and closes is no better than none.
            assert!(!fail(&mut retries, true, true, false).is_zero());
            assert!(fail(&mut retries, true, false, false).is_zero());
            assert!(!retries.is_wanted());
        }
    }

    #[test]
    fn after_a_connection_that_was_of_use_an_attempt_is_made_at_once() {
        let (short, long) = (shared(Duration::ZERO), shared(Duration::from_secs(1000)));
        for (shared, has_replied) in [(&long, true), (&short, false)] {
            let mut retries = Retries::new(shared, true);
            for _ in 0..5 {
                assert!(fail(&mut retries, true, true, has_replied).is_zero());
                assert!(retries.is_wanted());
            }
        }
        assert!(!fail(&mut Retries::new(&long, true), false, false, false).is_zero());
    }
}

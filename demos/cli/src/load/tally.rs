//! What has been counted.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::timeline::Timeline;

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Failure {
    /// A connection could not be opened.
    Connect,
    /// The server ended a connection on which an answer was awaited.
    Closed,
    /// A connection failed.
    Io,
    /// The server sent something that is no message.
    Protocol,
    /// The server answered with an error.
    Answer,
    /// The answer did not come in time.
    Timeout,
}

impl Failure {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Closed => "closed",
            Self::Io => "io",
            Self::Protocol => "protocol",
            Self::Answer => "answer",
            Self::Timeout => "timeout",
        }
    }
}

/// Counts of one run, or of several together.
#[derive(Debug)]
pub(super) struct Tally {
    /// In nanoseconds.
    latency: Histogram<u64>,
    last_answer: Option<Instant>,
    /// From when on the time counts.
    start: Option<Instant>,
    timeline: Timeline,
    pub(super) sent: u64,
    /// Due, but never sent.
    pub(super) unsent: u64,
    pub(super) opened: u64,
    pub(super) failures: BTreeMap<Failure, u64>,
    /// Why something that came first was no message, in words.
    pub(super) no_message: Option<String>,
    pub(super) elapsed: Duration,
}

impl Tally {
    /// The longest latency that is told from longer ones.
    const LONGEST: u64 = 3_600_000_000_000;

    pub(super) fn answer(&mut self, due: Instant, now: Instant) {
        let time = now.saturating_duration_since(due).as_nanos();
        self.latency.saturating_record(u64::try_from(time).unwrap_or(u64::MAX));
        self.last_answer = Some(now);
        if let Some(start) = self.start {
            self.timeline.count(start, now);
        }
    }

    /// The run begins, of a measurement that is to last so long in all.
    pub(super) fn begin(&mut self, start: Instant, duration: Duration) {
        (self.start, self.timeline) = (Some(start), Timeline::new(duration));
    }

    pub(super) fn fail(&mut self, failure: Failure, count: u64) {
        if count > 0 {
            *self.failures.entry(failure).or_default() += count;
        }
    }

    /// The run is over: it lasted until the end of sending, or until the last answer if that was later.
    pub(super) fn finish(&mut self, start: Instant, end: Instant) {
        self.elapsed = self.last_answer.unwrap_or(end).max(end) - start;
    }

    pub(super) fn add(&mut self, other: Self) {
        // Both have the same bounds, so this cannot fail.
        let _ = self.latency.add(&other.latency);
        self.timeline.add(self.elapsed.as_secs_f64(), &other.timeline);
        self.sent += other.sent;
        self.unsent += other.unsent;
        self.opened += other.opened;
        self.elapsed += other.elapsed;
        self.no_message = self.no_message.take().or(other.no_message);
        for (failure, count) in other.failures {
            self.fail(failure, count);
        }
    }

    /// How many answers came.
    pub(super) fn answered(&self) -> u64 {
        self.latency.len()
    }

    pub(super) const fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    pub(super) const fn latency(&self) -> &Histogram<u64> {
        &self.latency
    }
}

impl Default for Tally {
    fn default() -> Self {
        // Three digits of 1 ns to an hour, which no histogram refuses.
        let latency = Histogram::new_with_bounds(1, Self::LONGEST, 3).unwrap_or_else(|_| unreachable!());
        Self {
            latency,
            last_answer: None,
            start: None,
            timeline: Timeline::default(),
            sent: 0,
            unsent: 0,
            opened: 0,
            failures: BTreeMap::new(),
            no_message: None,
            elapsed: Duration::ZERO,
        }
    }
}

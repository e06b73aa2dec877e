//! How long answers are waited for.

use std::cell::Cell;
use std::io::{self, Read};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::exchange::{Ending, Half};
use crate::watched::{Watched, is_time_out};

/// What has been sent, for whoever waits for the answers: an answer's time begins when its request is sent.
pub(super) struct Sent {
    state: Mutex<State>,
    changed: Condvar,
    /// There if what is sent is shown.
    ending: Option<Ending>,
}

struct State {
    requests: u64,
    /// When the last one was whole, or nothing more could be sent.
    since: Instant,
    is_over: bool,
}

impl Sent {
    pub(super) fn new(ending: Option<Ending>) -> Self {
        let state = State { requests: 0, since: Instant::now(), is_over: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), ending }
    }

    /// One more request is whole.
    pub(super) fn add(&self) {
        let mut state = self.lock();
        state.requests += 1;
        state.since = Instant::now();
        self.changed.notify_all();
    }

    /// Waits until `count` requests are whole, but no longer than `time`, and returns whether they are. An answer may come before
    /// this is known.
    pub(super) fn await_requests(&self, count: u64, time: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), time, |state| state.requests < count);
        waited.unwrap_or_else(PoisonError::into_inner).0.requests >= count
    }

    /// How many requests are whole.
    pub(super) fn requests(&self) -> u64 {
        self.lock().requests
    }

    /// Nothing more is sent.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.is_over = true;
        state.since = Instant::now();
    }

    /// Shows that nothing more is sent, before what comes after that.
    pub(super) fn show_end(&self) {
        if let Some(ending) = &self.ending {
            ending.show();
        }
    }

    /// Since when the answer to this request has been due, counted from 0; `None` as long as that is being sent.
    fn due_since(&self, request: u64) -> Option<Instant> {
        let state = self.lock();
        (state.is_over || state.requests > request).then_some(state.since)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which answer is awaited, counted from 0, and since when nothing else is; `None` while content is received.
pub(super) type Awaited = Cell<Option<(u64, Instant)>>;

/// The receiving half of a stream. It waits for an answer for as long as its request is being sent, and then for a time.
pub(super) struct Patient<'a> {
    pub(super) stream: &'a Watched<Half>,
    pub(super) sent: &'a Sent,
    pub(super) time: Duration,
    pub(super) awaited: &'a Awaited,
}

impl Read for Patient<'_> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        loop {
            match (&mut &*self.stream).read(place) {
                Err(error) if is_time_out(&error) => {
                    let Some((request, since)) = self.awaited.get() else { return Err(error) };
                    let now = Instant::now();
                    let due = self.sent.due_since(request).map_or(now, |sent| sent.max(since)) + self.time;
                    if due <= now {
                        return Err(error);
                    }
                    self.stream.postpone(due);
                }
                outcome => return outcome,
            }
        }
    }
}

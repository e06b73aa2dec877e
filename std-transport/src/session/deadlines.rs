//! When a session's peer is too slow.

use std::io::Write;
use std::mem;
use std::time::Instant;

use super::Session;
use crate::Deadline;

impl<S> Session<S> {
    /// When the peer will be too slow, unless something happens until then; `None` if it has ended and nothing is queued for it.
    /// To be asked before the loop waits.
    ///
    /// `now` is the time at which the loop begins to wait. What has happened since the session was last told the time counts
    /// as having happened then.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    ///
    /// use jsonframe_std::Session;
    ///
    /// let mut session = Session::new(std::io::empty());
    /// let now = Instant::now();
    /// let wait = session.poll_timeout(now).map(|due| due.saturating_duration_since(now));
    /// assert!(wait.is_some_and(|time| time <= Duration::from_secs(300)), "a peer may be idle for five minutes");
    /// ```
    pub fn poll_timeout(&mut self, now: Instant) -> Option<Instant> {
        self.update(now);
        self.engine.poll_timeout()
    }

    /// Tells the engine the time, and what has happened since it was last told.
    fn update(&mut self, now: Instant) {
        self.engine.received_steps(mem::take(&mut self.received), mem::take(&mut self.has_header), now);
        self.engine.update(now);
    }
}

impl<S: Write> Session<S> {
    /// Says whether the peer is too slow, by the [limits](Self::with_limits): in sending a header or content, in taking what
    /// is queued, or idle. What is queued is written first if that is what is due.
    ///
    /// The session can still be used: to tell the peer why, before the stream is closed.
    ///
    /// ```
    /// use std::io::Cursor;
    /// use std::time::{Duration, Instant};
    ///
    /// use jsonframe_std::{Deadline, Limits, Session};
    ///
    /// let limits = Limits::default().with_idle_timeout(Duration::from_secs(60));
    /// let mut session = Session::new(Cursor::new(Vec::new())).with_limits(limits);
    /// let due = session.poll_timeout(Instant::now()).expect("a time at the latest");
    /// // A poller would wait here until then.
    /// assert_eq!(session.handle_timeout(due), Err(Deadline::Idle));
    /// ```
    ///
    /// # Errors
    ///
    /// The deadline that the peer has missed.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), Deadline> {
        self.update(now);
        if self.engine.sending.is_write_due(now) {
            // Pollers tell of free space only when there is much of it. If this fails, every later flush says so.
            let _ = self.flush();
            self.update(now);
        }
        self.engine.sending.handle_timeout(now)
    }
}

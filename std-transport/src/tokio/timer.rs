//! The time of a task, and its timer.

use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use ::tokio::time::{self, Sleep, sleep};

/// The time, as tokio knows it, which can be paused in tests.
pub(super) fn now() -> Instant {
    time::Instant::now().into_std()
}

/// Wakes the task that waits for a deadline.
#[derive(Debug)]
pub(super) struct Timer {
    sleep: Pin<Box<Sleep>>,
    /// The task that it wakes.
    waker: Waker,
}

impl Timer {
    /// Whether this time has come. If not, the task is woken when it has.
    pub(super) fn is_due(&mut self, due: Option<Instant>, context: &mut Context<'_>) -> bool {
        let Some(due) = due.map(time::Instant::from_std) else { return false };
        // A timer that is set too early wakes the task once in vain, which costs less than to set it anew each time.
        if self.sleep.is_elapsed() || self.sleep.deadline() > due {
            self.sleep.as_mut().reset(due);
        } else if self.waker.will_wake(context.waker()) {
            return false;
        }
        self.waker.clone_from(context.waker());
        self.sleep.as_mut().poll(context).is_ready()
    }
}

impl Default for Timer {
    fn default() -> Self {
        Self { sleep: Box::pin(sleep(Duration::MAX)), waker: Waker::noop().clone() }
    }
}

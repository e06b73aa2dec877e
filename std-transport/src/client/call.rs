//! A call, as a future: of a task, or of a thread that waits for nothing else.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use jsonframe::Header;

use super::CallError;
use super::shared::{Frame, Outcome, Shared};

/// A call that is made when it is first polled, and ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Call<'c> {
    shared: &'c Shared,
    key: u64,
    deadline: Option<Instant>,
    /// There until the call is made.
    request: Option<Frame>,
    is_pending: bool,
}

impl<'c> Call<'c> {
    pub(crate) fn new(
        shared: &'c Shared,
        header: &Header<'_>,
        content: &[u8],
        timeout: Option<Duration>,
    ) -> Result<Self, CallError> {
        let deadline = timeout.and_then(|timeout| (shared.now)().checked_add(timeout));
        let (key, request) = shared.encode(header, content)?;
        Ok(Self { shared, key, deadline, request: Some(request), is_pending: false })
    }

    /// Waits for the reply. It needs nobody to tell it the time.
    pub(crate) fn wait(self) -> Outcome {
        let (shared, deadline) = (self.shared, self.deadline);
        let waker = UNPARK.try_with(Waker::clone).unwrap_or_else(|_| unpark());
        let (mut call, mut context) = (pin!(self), Context::from_waker(&waker));
        loop {
            if let Poll::Ready(outcome) = call.as_mut().poll(&mut context) {
                return outcome;
            }
            match deadline.map(|deadline| deadline.saturating_duration_since((shared.now)())) {
                None => thread::park(),
                Some(Duration::ZERO) => drop(shared.handle_timeout((shared.now)())),
                Some(left) => thread::park_timeout(left),
            }
        }
    }
}

impl Future for Call<'_> {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        let outcome = match self.request.take() {
            Some(request) => self.shared.register(self.key, request, self.deadline, context.waker()).err().map(Err),
            None => self.shared.poll(self.key, context.waker()),
        };
        self.is_pending = outcome.is_none();
        outcome.map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if self.is_pending {
            self.shared.cancel(self.key);
        }
    }
}

thread_local! {
    /// Wakes the thread, whatever it waits for.
    static UNPARK: Waker = unpark();
}

fn unpark() -> Waker {
    let thread = thread::current();
    waker(move || thread.unpark())
}

/// What wakes by calling a function.
pub(super) fn waker(wake: impl Fn() + Send + Sync + 'static) -> Waker {
    Arc::new(Wakes(wake)).into()
}

struct Wakes<F>(F);

impl<F: Fn() + Send + Sync + 'static> Wake for Wakes<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

/// What the clones of a client share. When the last one is dropped, what drives the client is to end.
pub(crate) struct Calls {
    pub(crate) shared: Arc<Shared>,
    /// The thread that drives the client, if it has one of its own.
    pub(crate) thread: Option<JoinHandle<()>>,
}

impl Calls {
    /// Whether this is the thread that receives replies.
    pub(super) fn is_driver(&self) -> bool {
        self.thread.as_ref().is_some_and(|driver| driver.thread().id() == thread::current().id())
    }
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.stats().fmt(f)
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        // A function that is called with a push may have had the last clone.
        if self.shared.close() && !self.is_driver() {
            let _ = self.thread.take().map(JoinHandle::join);
        }
    }
}

//! A call, as a future: of a task, or of a thread that waits for nothing else.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use jsonframe::{Header, OwnedMessage};

use super::CallError;
use super::shared::{Frame, Outcome, Registered, Shared};

/// A call that is made when it is first polled, and ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Call<'c> {
    shared: &'c Shared,
    key: u64,
    deadline: Option<Instant>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    New(Frame),
    /// With its request, if that waits for a place.
    Registered(Option<Frame>),
    Over,
}

impl<'c> Call<'c> {
    pub(crate) fn new(
        shared: &'c Shared,
        header: &Header<'_>,
        content: &[u8],
        timeout: Option<Duration>,
    ) -> Result<Self, CallError> {
        let deadline = timeout.and_then(|timeout| (shared.now)().checked_add(timeout));
        let (key, frame) = shared.encode(header, content)?;
        Ok(Self { shared, key, deadline, stage: Stage::New(frame) })
    }

    /// Waits for the reply. It needs nobody to tell it the time.
    pub(crate) fn wait(self) -> Outcome {
        let (shared, deadline) = (self.shared, self.deadline);
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let (mut call, mut context) = (pin!(self), Context::from_waker(&waker));
        loop {
            if let Poll::Ready(outcome) = call.as_mut().poll(&mut context) {
                return outcome;
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since((shared.now)()));
            match left {
                None => thread::park(),
                Some(Duration::ZERO) => drop(shared.handle_timeout((shared.now)())),
                Some(left) => thread::park_timeout(left),
            }
        }
    }
}

impl Future for Call<'_> {
    type Output = Result<OwnedMessage, CallError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        let (shared, key, deadline) = (self.shared, self.key, self.deadline);
        let outcome = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::New(frame) => match shared.register(key, frame, deadline, context.waker()) {
                Ok(registered) => Err(match registered {
                    Registered::Queued => None,
                    Registered::Waiting(frame) => Some(frame),
                }),
                Err(error) => Ok(Err(error)),
            },
            Stage::Registered(mut frame) => shared.poll(key, &mut frame, context.waker()).ok_or(frame),
            // It has been returned already.
            Stage::Over => Ok(Err(CallError::Closed { is_sent: true })),
        };
        match outcome {
            Ok(outcome) => Poll::Ready(outcome),
            Err(frame) => {
                self.stage = Stage::Registered(frame);
                Poll::Pending
            }
        }
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if matches!(self.stage, Stage::Registered(_)) {
            self.shared.cancel(self.key);
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

//! The task of a client: it connects, and moves requests and replies.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use ::tokio::io::{AsyncRead, AsyncWrite};
use ::tokio::time::{self, sleep, sleep_until};

use super::super::polled::Polled;
use super::pushes::Queue;
use crate::Error;
use crate::client::{Link, Received, Retries, Shared, silent};

/// What the task needs, but for the connection.
pub(super) struct Driver {
    pub(super) shared: Arc<Shared>,
    pub(super) pushes: Option<Arc<Queue>>,
}

/// There is no client any more.
struct Closed;

/// What time it is for the runtime.
pub(super) fn now() -> Instant {
    time::Instant::now().into_std()
}

impl Driver {
    /// Runs until there is no client any more. `first` is a connection that is there already.
    pub(super) async fn run<S, F>(self, first: Option<S>, connect: impl FnMut() -> F)
    where
        S: AsyncRead + AsyncWrite + Unpin,
        F: Future<Output = io::Result<S>>,
    {
        let Err(Closed) = self.connections(first, connect).await;
    }

    async fn connections<S, F>(
        &self,
        mut first: Option<S>,
        mut connect: impl FnMut() -> F,
    ) -> Result<Infallible, Closed>
    where
        S: AsyncRead + AsyncWrite + Unpin,
        F: Future<Output = io::Result<S>>,
    {
        let shared = &self.shared;
        let mut retries = Retries::new(shared, self.pushes.is_some());
        loop {
            let stream = if let Some(stream) = first.take() {
                Ok(stream)
            } else {
                self.attend(|_, _| if retries.is_wanted() { Poll::Ready(()) } else { Poll::Pending }).await?;
                let mut connecting = pin!(connect());
                self.attend(|context, _| connecting.as_mut().poll(context)).await?
            };
            let mut link = retries.attempted(stream.is_ok());
            let why = match stream {
                Ok(mut stream) => {
                    let serve = |context: &mut Context<'_>, is_silent| {
                        self.poll_serve(&mut link, &mut stream, context, is_silent)
                    };
                    match self.attend(serve).await {
                        Ok(error) => error,
                        Err(Closed) => return Err(end(&mut stream).await),
                    }
                }
                Err(error) => error.into(),
            };
            let delay = retries.failed(link, why);
            if !delay.is_zero() {
                let mut pause = pin!(sleep(delay));
                self.attend(|context, _| pause.as_mut().poll(context)).await?;
            }
        }
    }

    /// Moves requests and replies until the connection is lost, which is why it is ready.
    fn poll_serve<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        link: &mut Link,
        stream: &mut S,
        context: &mut Context<'_>,
        is_silent: bool,
    ) -> Poll<Error> {
        if is_silent {
            return Poll::Ready(silent().into());
        }
        match self.transfer(link, stream, context) {
            // The task is woken for what is next.
            Ok(()) => Poll::Pending,
            Err(error) => Poll::Ready(error),
        }
    }

    /// Receives, and then sends: not when the peer has ended the connection, for that would not be received.
    fn transfer<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        link: &mut Link,
        stream: &mut S,
        context: &mut Context<'_>,
    ) -> Result<(), Error> {
        while self.pushes.as_ref().is_none_or(|pushes| pushes.poll_place(context).is_ready()) {
            match link.receive(&mut Polled::new(stream, context), &self.shared)? {
                Received::Push(message) => {
                    let nobodys = match &self.pushes {
                        Some(pushes) => pushes.push(message),
                        None => Some(message),
                    };
                    if nobodys.is_some() {
                        self.shared.dropped_push();
                    }
                }
                Received::Enough => {
                    context.waker().wake_by_ref();
                    break;
                }
                Received::Blocked => break,
            }
        }
        link.send(&mut Polled::new(stream, context), &self.shared)?;
        Ok(())
    }

    /// Waits for something, while calls expire. It is told if the peer has been silent for too long.
    async fn attend<T>(&self, mut poll: impl FnMut(&mut Context<'_>, bool) -> Poll<T>) -> Result<T, Closed> {
        let mut timer = pin!(sleep_until(time::Instant::now()));
        let mut is_silent = false;
        poll_fn(|context| {
            loop {
                self.shared.set_driver(context.waker());
                if self.shared.is_closing() {
                    return Poll::Ready(Err(Closed));
                }
                if let Poll::Ready(outcome) = poll(context, is_silent) {
                    return Poll::Ready(Ok(outcome));
                }
                let Some(due) = self.shared.poll_timeout().map(time::Instant::from_std) else { return Poll::Pending };
                if timer.deadline() != due {
                    timer.as_mut().reset(due);
                }
                ready!(timer.as_mut().poll(context));
                is_silent = self.shared.handle_timeout(now());
            }
        })
        .await
    }
}

/// Tells the peer that it was all, as far as that goes without waiting.
async fn end<S: AsyncWrite + Unpin>(stream: &mut S) -> Closed {
    poll_fn(|context| {
        let _ = Pin::new(&mut *stream).poll_shutdown(context);
        Poll::Ready(Closed)
    })
    .await
}

/// Says that the task has ended, even if it has panicked or its runtime has ended.
impl Drop for Driver {
    fn drop(&mut self) {
        self.shared.ended();
        self.pushes.iter().for_each(|pushes| pushes.end());
    }
}

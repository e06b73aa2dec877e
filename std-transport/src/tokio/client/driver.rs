//! The task of a client: it connects, and moves requests and replies.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use ::tokio::io::{AsyncRead, AsyncWrite};
use ::tokio::sync::mpsc;
use jsonframe::OwnedMessage;

use crate::Error;
use crate::client::link::{Link, silent};
use crate::client::shared::Shared;
use crate::tokio::polled::Polled;
use crate::tokio::timer::{Timer, now};

/// What the task needs, but for the connection.
pub(super) struct Driver {
    pub(super) shared: Arc<Shared>,
    pub(super) pushes: Option<mpsc::Sender<OwnedMessage>>,
}

impl Driver {
    /// Runs until there is no client any more. `first` is a connection that is there already.
    pub(super) async fn run<S, F>(self, mut first: Option<S>, mut connect: impl FnMut() -> F) -> Option<Infallible>
    where
        S: AsyncRead + AsyncWrite + Unpin,
        F: Future<Output = io::Result<S>>,
    {
        loop {
            let stream = if let Some(stream) = first.take() {
                Ok(stream)
            } else {
                let connecting = async {
                    poll_fn(|_| self.shared.poll_connect()).await;
                    Ok(connect().await?)
                };
                self.attend(connecting).await?
            };
            let mut link = self.shared.attempted(stream.is_ok());
            let why = match stream {
                Ok(mut stream) => {
                    let serving = poll_fn(|context| self.poll_serve(&mut link, &mut stream, context));
                    let Some(Err(why)) = self.attend(serving).await else {
                        // Tells the peer that it was all, as far as that goes without waiting.
                        let _ = poll_fn(|context| Poll::Ready(Pin::new(&mut stream).poll_shutdown(context))).await;
                        return None;
                    };
                    why
                }
                Err(why) => why,
            };
            self.shared.failed(link, why);
        }
    }

    /// Receives, and then sends: not when the peer has ended the connection, for that would not be received. It is ready when the
    /// connection is lost.
    fn poll_serve<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        link: &mut Link,
        stream: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<Result<Infallible, Error>> {
        if self.takes_message() {
            let is_more = link.receive(&mut Polled::new(stream, context), &self.shared, |message| {
                if self.pushes.as_ref().is_none_or(|pushes| pushes.try_send(message).is_err()) {
                    self.shared.dropped_push();
                }
                self.takes_message()
            })?;
            if is_more {
                context.waker().wake_by_ref();
            }
        }
        link.send(&mut Polled::new(stream, context), &self.shared)?;
        // The task is woken for what is next.
        Poll::Pending
    }

    /// Whether a message that is received would have a place, if it is no reply, or be dropped for good.
    fn takes_message(&self) -> bool {
        self.pushes.as_ref().is_none_or(|pushes| pushes.capacity() > 0 || pushes.is_closed())
    }

    /// Waits for something, while calls expire, or until the peer has been silent for too long. `None` if there is no client any
    /// more.
    async fn attend<T>(&self, something: impl Future<Output = Result<T, Error>>) -> Option<Result<T, Error>> {
        let (mut something, mut timer) = (pin!(something), Timer::default());
        poll_fn(|context| {
            loop {
                self.shared.set_driver(context.waker());
                if self.shared.is_closing() {
                    return Poll::Ready(None);
                }
                if let Poll::Ready(outcome) = something.as_mut().poll(context) {
                    return Poll::Ready(Some(outcome));
                }
                if !timer.is_due(self.shared.poll_timeout(), context) {
                    return Poll::Pending;
                }
                if self.shared.handle_timeout(now()) {
                    return Poll::Ready(Some(Err(silent().into())));
                }
            }
        })
        .await
    }
}

/// Says that the task has ended, even if it has panicked or its runtime has ended.
impl Drop for Driver {
    fn drop(&mut self) {
        self.shared.ended();
    }
}

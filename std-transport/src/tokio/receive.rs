//! The receiving side: the one of streams that block, polled.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::task::{Context, Poll};

use ::tokio::io::AsyncRead;
use jsonframe::{Dialect, OwnedMessage};

use super::Incoming;
use super::polled::Polled;
use crate::Error;
use crate::receive::Receiver;

#[derive(Debug)]
pub(super) struct Receiving {
    pub(super) receiver: Receiver,
    /// Whether the header of a message has been received, and nobody has had the message.
    is_unclaimed: bool,
}

impl Receiving {
    pub(super) fn new(dialect: &'static Dialect, max_content: u64) -> Self {
        let receiver = Receiver::new(dialect, u16::MAX, max_content).without_blocking();
        Self { receiver, is_unclaimed: false }
    }

    pub(super) async fn receive<'c, S>(&'c mut self, stream: &'c mut S) -> Result<Option<Incoming<'c, S>>, Error>
    where
        S: AsyncRead + Unpin,
    {
        let there_is_one = poll_fn(|context| self.poll_header(stream, context)).await?;
        self.is_unclaimed = false;
        Ok(there_is_one.then_some(Incoming { stream, receiver: &mut self.receiver }))
    }

    pub(super) async fn receive_message<S>(&mut self, stream: &mut S) -> Result<Option<OwnedMessage>, Error>
    where
        S: AsyncRead + Unpin,
    {
        if !poll_fn(|context| self.poll_header(stream, context)).await? {
            return Ok(None);
        }
        let message = Incoming { stream, receiver: &mut self.receiver }.into_message().await?;
        self.is_unclaimed = false;
        Ok(Some(message))
    }

    fn poll_header<S>(&mut self, stream: &mut S, context: &mut Context<'_>) -> Poll<Result<bool, Error>>
    where
        S: AsyncRead + Unpin,
    {
        if self.is_unclaimed {
            return Poll::Ready(Ok(true));
        }
        let outcome = pending_if_blocked(self.receiver.next_header(&mut Polled::new(stream, context)));
        match outcome {
            Poll::Pending => self.receiver.release(),
            Poll::Ready(Ok(there_is_one)) => self.is_unclaimed = there_is_one,
            Poll::Ready(Err(_)) => {}
        }
        outcome
    }
}

/// What the receiver has done with a [`Polled`] stream: pending if the stream was blocked.
pub(super) fn pending_if_blocked<T>(outcome: Result<T, Error>) -> Poll<Result<T, Error>> {
    match outcome {
        Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
        outcome => Poll::Ready(outcome),
    }
}

//! A stream of tokio's as the drivers know streams: one that says when it cannot.

use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use ::tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::Error;

/// A stream for the time of one poll. It is blocked when its task is to be woken.
pub(super) struct Polled<'p, 'c, S> {
    stream: &'p mut S,
    context: &'p mut Context<'c>,
}

impl<'p, 'c, S> Polled<'p, 'c, S> {
    pub(super) const fn new(stream: &'p mut S, context: &'p mut Context<'c>) -> Self {
        Self { stream, context }
    }
}

impl<S: AsyncRead + Unpin> Read for Polled<'_, '_, S> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        let mut place = ReadBuf::new(place);
        let outcome = Pin::new(&mut *self.stream).poll_read(self.context, &mut place);
        blocked_if_pending(outcome).map(|()| place.filled().len())
    }
}

impl<S: AsyncWrite + Unpin> Write for Polled<'_, '_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        blocked_if_pending(Pin::new(&mut *self.stream).poll_write(self.context, bytes))
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        blocked_if_pending(Pin::new(&mut *self.stream).poll_write_vectored(self.context, slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        blocked_if_pending(Pin::new(&mut *self.stream).poll_flush(self.context))
    }
}

pub(super) fn blocked_if_pending<T>(outcome: Poll<io::Result<T>>) -> io::Result<T> {
    match outcome {
        Poll::Pending => Err(ErrorKind::WouldBlock.into()),
        // Nobody would wake the task.
        Poll::Ready(Err(error)) if error.kind() == ErrorKind::WouldBlock => Err(io::Error::other(error)),
        Poll::Ready(outcome) => outcome,
    }
}

/// Does something with a stream, and does it again whenever the stream was blocked.
pub(super) async fn unblocked<S, T>(
    stream: &mut S,
    mut act: impl FnMut(&mut Polled<'_, '_, S>) -> Result<T, Error>,
) -> Result<T, Error> {
    poll_fn(|context| pending_if_blocked(act(&mut Polled::new(stream, context)))).await
}

/// What a driver has done with a [`Polled`] stream: pending if the stream was blocked.
pub(super) fn pending_if_blocked<T>(outcome: Result<T, Error>) -> Poll<Result<T, Error>> {
    match outcome {
        Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
        outcome => Poll::Ready(outcome),
    }
}

//! A stream in memory that is pending every other time, and moves one byte when it is not; and futures polled by hand.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use jsonframe_std::protocol::{Header, Message};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Each of its calls is pending the first time, and then every other time.
#[derive(Debug, Default)]
pub(crate) struct Halting {
    pub(crate) input: VecDeque<u8>,
    pub(crate) output: Vec<u8>,
    /// How many bytes had been written when it was last flushed.
    pub(crate) flushed: usize,
    pub(crate) is_shut_down: bool,
    pub(crate) is_vectored: bool,
    goes: [bool; 4],
}

impl Halting {
    pub(crate) fn reading(input: &[u8]) -> Self {
        Self { input: input.iter().copied().collect(), ..Self::default() }
    }

    pub(crate) fn writing(is_vectored: bool) -> Self {
        Self { is_vectored, ..Self::default() }
    }

    fn go(&mut self, call: usize) -> Poll<()> {
        self.goes[call] = !self.goes[call];
        if self.goes[call] { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl AsyncRead for Halting {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.go(0).map(|()| {
            if let Some(byte) = self.input.pop_front() {
                buffer.put_slice(&[byte]);
            }
            Ok(())
        })
    }
}

impl AsyncWrite for Halting {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.go(1).map(|()| {
            let count = bytes.len().min(1);
            self.output.extend_from_slice(&bytes[..count]);
            Ok(count)
        })
    }

    fn is_write_vectored(&self) -> bool {
        self.is_vectored
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.go(2).map(|()| {
            self.flushed = self.output.len();
            Ok(())
        })
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.go(3).map(|()| {
            self.is_shut_down = true;
            Ok(())
        })
    }
}

/// Polls a future at most so many times, and drops it.
pub(crate) fn polled<F: Future>(times: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..times).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}

/// Polls a future until it is ready.
pub(crate) fn completed<F: Future>(future: F) -> F::Output {
    polled(1_000_000, future).expect("the future gets on with every poll")
}

/// Calls with 0, 1, 2… until it says that the future was not dropped any more, and returns at how many points it was.
pub(crate) fn at_every_point(mut drop_after: impl FnMut(usize) -> bool) -> usize {
    (0..100_000).find(|&times| drop_after(times)).expect("the future comes to an end")
}

pub(crate) fn header(content: &[u8]) -> Header<'static> {
    Header::new("text/plain", "utf-8", content.len() as u64)
}

pub(crate) fn wire(contents: &[&[u8]]) -> Vec<u8> {
    contents.iter().flat_map(|content| Message::new(header(content), content).unwrap().to_vec().unwrap()).collect()
}
